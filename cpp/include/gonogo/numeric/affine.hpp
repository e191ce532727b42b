// Midpoint and radius of intervals, as the kernels of affine maps take them (matrix.hpp, convolution.hpp). Valid under
// EnvironmentGuard.
#pragma once

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// Some finite number near the middle of [lo, hi]; x itself for [x, x]; 0 when an end isn't finite.
inline double midpoint(double lo, double hi) {
    const double m = 0.5 * lo + 0.5 * hi;
    if (!detail::is_finite(m)) {
        return 0.0;
    }
    return lo == hi ? lo : m;
}

// Upper bound on the distance from mid to the points of [lo, hi]; +inf when there is none.
inline double radius_up(double mid, double lo, double hi) {
    const double above = sub_up(hi, mid);
    const double below = sub_up(mid, lo);
    return above > below ? above : below;
}

}  // namespace gonogo::numeric
