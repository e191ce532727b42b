#include "gonogo/numeric/interval.hpp"

#include <stdexcept>

namespace gonogo::numeric {

// The product is bilinear, so its extremes over a box are at corners; the signs of the ends say at which:
//
//              b >= 0              b <= 0              0 inside b
//   a >= 0     [al bl, ah bh]      [ah bl, al bh]      [ah bl, ah bh]
//   a <= 0     [al bh, ah bl]      [ah bh, al bl]      [al bh, al bl]
//   0 inside a [al bh, ah bh]      [ah bl, al bl]      [min(al bh, ah bl), max(al bl, ah bh)]
//
// With an infinite end the corner is a limit; there 0 * inf = 0 is right, because the other factor is exactly zero.
Interval operator*(const Interval& a, const Interval& b) {
    if (a.lo >= 0.0) {
        const double low = b.lo >= 0.0 ? a.lo : a.hi;
        const double high = b.hi <= 0.0 ? a.lo : a.hi;
        return {mul_down(low, b.lo), mul_up(high, b.hi)};
    }
    if (a.hi <= 0.0) {
        const double low = b.hi <= 0.0 ? a.hi : a.lo;
        const double high = b.lo >= 0.0 ? a.hi : a.lo;
        return {mul_down(low, b.hi), mul_up(high, b.lo)};
    }
    if (b.lo >= 0.0) {
        return {mul_down(a.lo, b.hi), mul_up(a.hi, b.hi)};
    }
    if (b.hi <= 0.0) {
        return {mul_down(a.hi, b.lo), mul_up(a.lo, b.lo)};
    }
    const double l1 = mul_down(a.lo, b.hi), l2 = mul_down(a.hi, b.lo);
    const double h1 = mul_up(a.lo, b.lo), h2 = mul_up(a.hi, b.hi);
    return {l1 < l2 ? l1 : l2, h1 > h2 ? h1 : h2};
}

// For b > 0 (mirrored for b < 0) x / y is monotone in both arguments, and 1 / y runs from 1 / b.hi to 1 / b.lo, where
// 1 / 0 means +inf:
//   a >= 0: [al / bh, ah / bl]    a <= 0: [al / bl, ah / bh]    0 inside a: [al / bl, ah / bl]
Interval operator/(const Interval& a, const Interval& b) {
    if ((b.lo < 0.0 && b.hi > 0.0) || (b.lo == 0.0 && b.hi == 0.0)) {
        return Interval::entire();
    }
    if (b.hi <= 0.0) {
        return (-a) / (-b);
    }
    if (a.lo == 0.0 && a.hi == 0.0) {
        return {0.0, 0.0};
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
        throw std::domain_error("square root of an interval below zero");
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
