// The five operations that arrays of intervals are made of most, with the instruction set and the threads in use. Bit
// for bit what the operators of interval.hpp give, except that a zero end is +0. Valid under EnvironmentGuard.
#pragma once

#include <cstdint>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

enum class Arithmetic : std::uint8_t { add, sub, mul, div, sqr };

// `count` intervals [lo[i], hi[i]], or one that stands for all of them.
struct IntervalsView {
    const double* lo;
    const double* hi;
    bool repeated = false;
};

// out = a op b element by element; sqr takes a alone. Outputs mustn't overlap inputs.
void apply(Arithmetic operation, const IntervalsView& a, const IntervalsView& b, double* out_lo, double* out_hi,
           std::int64_t count);

}  // namespace gonogo::numeric
