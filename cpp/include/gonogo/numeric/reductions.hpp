// Sums that are formed exactly and rounded once, after IEEE 1788: results don't depend on the order of the terms.
// Valid under EnvironmentGuard. Theorem 32 of docs/soundness.md.
//
// To nearest, ties to even; 0 without terms. NaN when a term is NaN or has no value (0 * inf), or when both infinities
// meet.
#pragma once

#include <cstdint>
#include <span>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

double sum(std::span<const double> x);
double sum_abs(std::span<const double> x);
double sum_square(std::span<const double> x);
// Sum of the products; std::invalid_argument unless both have the same length.
double dot(std::span<const double> x, std::span<const double> y);

// The smallest interval with all sums of one number from each interval: lo and hi are the ends of as many intervals,
// some of which may be empty. Both are read with `stride` between elements.
Interval interval_sum(const double* lo, const double* hi, std::int64_t count, std::int64_t stride = 1);

}  // namespace gonogo::numeric
