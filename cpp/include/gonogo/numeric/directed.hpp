// Directed fused multiply-add and integer powers: like rounding.hpp no mode switch, no libm, no fma instruction. Valid
// under EnvironmentGuard.
//
// Theorems 28 and 29 of docs/soundness.md: both are the best possible bounds.
#pragma once

#include <cstdint>

#include "gonogo/numeric/rounding.hpp"

namespace gonogo::numeric {

// a * b + c with 0 * inf = 0; an infinite product or c gives itself, and inf - inf is unbounded upward.
double fma_up(double a, double b, double c);
inline double fma_down(double a, double b, double c) {
    return -fma_up(-a, b, -c);
}

// x^n for n != 0, x != 0 (not NaN); an infinite x means the limit.
double pown_up(double x, std::int64_t n);
double pown_down(double x, std::int64_t n);

}  // namespace gonogo::numeric
