// Where a product of two intervals is extreme.
#pragma once

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric::detail {

// The product is bilinear, so its extremes over a box are at corners; the signs of the ends say at which:
//
//              b >= 0              b <= 0              0 inside b
//   a >= 0     [al bl, ah bh]      [ah bl, al bh]      [ah bl, ah bh]
//   a <= 0     [al bh, ah bl]      [ah bh, al bl]      [al bh, al bl]
//   0 inside a [al bh, ah bh]      [ah bl, al bl]      [min(al bh, ah bl), max(al bl, ah bh)]
//
// With an infinite end the corner is a limit; there 0 * inf = 0 is right, because the other factor is exactly zero.
// down and up evaluate x * y, or something that doesn't decrease with it. Neither interval is empty.
template <class Down, class Up>
Interval at_corners(const Interval& a, const Interval& b, const Down& down, const Up& up) {
    if (a.lo >= 0.0) {
        const double low = b.lo >= 0.0 ? a.lo : a.hi;
        const double high = b.hi <= 0.0 ? a.lo : a.hi;
        return {down(low, b.lo), up(high, b.hi)};
    }
    if (a.hi <= 0.0) {
        const double low = b.hi <= 0.0 ? a.hi : a.lo;
        const double high = b.lo >= 0.0 ? a.hi : a.lo;
        return {down(low, b.hi), up(high, b.lo)};
    }
    if (b.lo >= 0.0) {
        return {down(a.lo, b.hi), up(a.hi, b.hi)};
    }
    if (b.hi <= 0.0) {
        return {down(a.hi, b.lo), up(a.lo, b.lo)};
    }
    const double l1 = down(a.lo, b.hi), l2 = down(a.hi, b.lo);
    const double h1 = up(a.lo, b.lo), h2 = up(a.hi, b.hi);
    return {l1 < l2 ? l1 : l2, h1 > h2 ? h1 : h2};
}

}  // namespace gonogo::numeric::detail
