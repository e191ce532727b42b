// Assumption L about the C library of a device: expf is faithful (its result is the exact value or one of the two
// float32 next to it; expf(0) = 1), tanhf errs by less than two ulps. What depends on more than that isn't exact.
#pragma once

#include <cmath>
#include <limits>

#include "gonogo/numeric/elementary.hpp"

namespace gonogo::litert {

struct Floats {
    float lo, hi;
};

// The float32 numbers that enclose v, each moved outward by `steps`.
inline Floats around(numeric::Interval v, int steps) {
    constexpr float unlimited = std::numeric_limits<float>::infinity();
    Floats f{static_cast<float>(v.lo), static_cast<float>(v.hi)};
    if (static_cast<double>(f.lo) > v.lo) f.lo = std::nextafter(f.lo, -unlimited);
    if (static_cast<double>(f.hi) < v.hi) f.hi = std::nextafter(f.hi, unlimited);
    for (int i = 0; i < steps; ++i) f = {std::nextafter(f.lo, -unlimited), std::nextafter(f.hi, unlimited)};
    return f;
}

// What expf may return for x <= 88 (no overflow).
inline Floats exponential(float x) {
    if (x == 0.0F) return {1.0F, 1.0F};
    if (x < -200.0F) return {0.0F, 0x1p-149F};
    const Floats f = around(numeric::exp_at(static_cast<double>(x)), 0);
    return {std::fmax(f.lo, 0.0F), f.hi};
}

}  // namespace gonogo::litert
