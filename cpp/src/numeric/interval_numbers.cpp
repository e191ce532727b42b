#include "gonogo/numeric/interval_numbers.hpp"

#include <limits>
#include <stdexcept>

namespace gonogo::numeric {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

}  // namespace

// Theorem 31. If lo + hi doesn't overflow, it is exact or at least 2^-1021 in magnitude, where halving is exact, so
// one rounding happens and it is the right one: of the sum, or in the subnormal range of its half. If it overflows,
// both ends are at least 2^970 in magnitude, so that their halves are exact.
double mid(const Interval& a) {
    if (a.is_empty()) {
        return nan;
    }
    if (a.lo == -infinity) {
        return a.hi == infinity ? 0.0 : -largest;
    }
    if (a.hi == infinity) {
        return largest;
    }
    const double total = a.lo + a.hi;
    const double middle = detail::is_finite(total) ? 0.5 * total : 0.5 * a.lo + 0.5 * a.hi;
    return middle + 0.0;  // no -0
}

double rad(const Interval& a) {
    return mid_rad(a).rad;
}

MidRad mid_rad(const Interval& a) {
    const double middle = mid(a);
    if (a.is_empty() || !a.is_bounded()) {
        return {middle, a.is_empty() ? nan : infinity};
    }
    const double above = sub_up(a.hi, middle), below = sub_up(middle, a.lo);
    return {middle, above > below ? above : below};
}

double wid(const Interval& a) {
    return a.is_empty() ? nan : sub_up(a.hi, a.lo);
}

double mag(const Interval& a) {
    return a.is_empty() ? nan : a.magnitude();
}

double mig(const Interval& a) {
    return a.is_empty() ? nan : abs(a).lo + 0.0;
}

Interval from_mid_rad(double mid, double rad) {
    if (!detail::is_finite(mid) || !(rad >= 0.0)) {
        throw std::invalid_argument("the midpoint must be finite and the radius zero or more");
    }
    return rad < infinity ? Interval{sub_down(mid, rad), add_up(mid, rad)} : Interval::entire();
}

}  // namespace gonogo::numeric
