// Theorem 30. Every function here is monotone on the pieces that its code tells apart, so its extremes are at ends of
// those pieces; ends go through Theorems 3 to 5, 28 and 29, or are exact.
#include "gonogo/numeric/interval_functions.hpp"

#include "gonogo/numeric/directed.hpp"

#include "corners.hpp"
#include "exact_sum.hpp"

namespace gonogo::numeric {

Interval recip(const Interval& a) {
    return Interval{1.0, 1.0} / a;
}

Interval fma(const Interval& a, const Interval& b, const Interval& c) {
    if (a.is_empty() || b.is_empty() || c.is_empty()) {
        return Interval::empty();
    }
    return detail::at_corners(
        a, b, [&](double x, double y) { return fma_down(x, y, c.lo); },
        [&](double x, double y) { return fma_up(x, y, c.hi); });
}

namespace {

double power_down(double x, std::int64_t n) {
    return x == 0.0 ? 0.0 : pown_down(x, n);
}
double power_up(double x, std::int64_t n) {
    return x == 0.0 ? 0.0 : pown_up(x, n);
}

}  // namespace

Interval pown(const Interval& a, std::int64_t n) {
    if (a.is_empty()) {
        return a;
    }
    if (n == 0) {
        return {1.0, 1.0};
    }
    const Interval x = n % 2 == 0 ? abs(a) : a;
    if (n > 0) {
        return {power_down(x.lo, n), power_up(x.hi, n)};
    }
    if (x.lo == 0.0 && x.hi == 0.0) {
        return Interval::empty();
    }
    if (x.lo < 0.0 && x.hi > 0.0) {
        return Interval::entire();
    }
    // x^n falls on either side of its pole at zero.
    return {x.hi == 0.0 ? -infinity : pown_down(x.hi, n), x.lo == 0.0 ? infinity : pown_up(x.lo, n)};
}

namespace {

// Towards zero. From 2^52 on every float is an integer; infinities stay.
double truncated(double x) {
    return x > -0x1p52 && x < 0x1p52 ? static_cast<double>(static_cast<std::int64_t>(x)) : x;
}
double ceiling(double x) {
    const double t = truncated(x);
    return t < x ? t + 1.0 : t;
}
double nearest_even(double x) {
    const double t = truncated(x);
    const double rest = x - t;  // exact, |rest| < 1; NaN for infinities
    const bool odd = truncated(0.5 * t) != 0.5 * t;
    const double away = x < 0.0 ? t - 1.0 : t + 1.0;
    return rest > 0.5 || rest < -0.5 || ((rest == 0.5 || rest == -0.5) && odd) ? away : t;
}
double nearest_away(double x) {
    const double t = truncated(x);
    const double rest = x - t;
    return rest >= 0.5 ? t + 1.0 : (rest <= -0.5 ? t - 1.0 : t);
}
double sign_of(double x) {
    return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0);
}

template <double (*f)(double)>
Interval non_decreasing(const Interval& a) {
    return a.is_empty() ? a : Interval{f(a.lo), f(a.hi)};
}

}  // namespace

Interval sign(const Interval& a) {
    return non_decreasing<sign_of>(a);
}
Interval ceil(const Interval& a) {
    return non_decreasing<ceiling>(a);
}
Interval floor(const Interval& a) {
    return -ceil(-a);
}
Interval trunc(const Interval& a) {
    return non_decreasing<truncated>(a);
}
Interval round_ties_to_even(const Interval& a) {
    return non_decreasing<nearest_even>(a);
}
Interval round_ties_to_away(const Interval& a) {
    return non_decreasing<nearest_away>(a);
}

namespace {

// x.lo - y.lo <= x.hi - y.hi, decided exactly: by the rounded differences if they differ (rounding keeps the order),
// else by what was rounded off (Theorem 1), or by exact sums where something overflows.
bool in_order(const Interval& x, const Interval& y) {
    const detail::Exact low = detail::two_sum(x.lo, -y.lo);
    const detail::Exact high = detail::two_sum(x.hi, -y.hi);
    if (low.value != high.value) {
        return low.value < high.value;
    }
    if (detail::is_finite(low.residual) && detail::is_finite(high.residual)) {
        return low.residual <= high.residual;
    }
    detail::ExactSum surplus;
    surplus.add(x.hi);
    surplus.add(-x.lo);
    surplus.add(-y.hi);
    surplus.add(y.lo);
    return surplus.sign() >= 0;
}

}  // namespace

// y + z = x has the solution [x.lo - y.lo, x.hi - y.hi] if that is an interval.
Interval cancel_minus(const Interval& x, const Interval& y) {
    const bool x_known = x.is_empty() || x.is_bounded();
    const bool y_known = y.is_empty() || y.is_bounded();
    if (!x_known || !y_known || (y.is_empty() && !x.is_empty())) {
        return Interval::entire();
    }
    if (x.is_empty()) {
        return x;
    }
    return in_order(x, y) ? Interval{sub_down(x.lo, y.lo), sub_up(x.hi, y.hi)} : Interval::entire();
}

Interval cancel_plus(const Interval& x, const Interval& y) {
    return cancel_minus(x, -y);
}

}  // namespace gonogo::numeric
