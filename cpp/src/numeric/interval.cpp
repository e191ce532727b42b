#include "gonogo/numeric/interval.hpp"

#include <stdexcept>

#include "corners.hpp"

namespace gonogo::numeric {

Interval operator*(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return Interval::empty();
    }
    return detail::at_corners(a, b, mul_down, mul_up);
}

// For b > 0 (mirrored for b < 0) x / y is monotone in both arguments, and 1 / y runs from 1 / b.hi to 1 / b.lo, where
// 1 / 0 means +inf:
//   a >= 0: [al / bh, ah / bl]    a <= 0: [al / bl, ah / bh]    0 inside a: [al / bl, ah / bl]
// With zero inside b and any x != 0 in a, x / y takes arbitrarily large values of both signs.
Interval operator/(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty() || (b.lo == 0.0 && b.hi == 0.0)) {
        return Interval::empty();
    }
    if (a.lo == 0.0 && a.hi == 0.0) {
        return {0.0, 0.0};
    }
    if (b.lo < 0.0 && b.hi > 0.0) {
        return Interval::entire();
    }
    if (b.hi <= 0.0) {
        return (-a) / (-b);
    }
    const bool pole = b.lo == 0.0;
    const double down_by = a.lo >= 0.0 ? b.hi : b.lo;
    const double up_by = a.hi <= 0.0 ? b.hi : b.lo;
    const double lo = pole && a.lo < 0.0 ? -infinity : div_down(a.lo, down_by);
    const double hi = pole && a.hi > 0.0 ? infinity : div_up(a.hi, up_by);
    return {lo, hi};
}

Interval sqrt(const Interval& a) {
    if (a.hi < 0.0) {
        return Interval::empty();
    }
    return {sqrt_down(a.lo), sqrt_up(a.hi)};
}

Interval intersect(const Interval& a, const Interval& b) {
    const Interval common{a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
    if (common.lo > common.hi) {
        throw std::logic_error("two enclosures of one value are disjoint: one of them is wrong");
    }
    return common;
}

}  // namespace gonogo::numeric
