// Enclosures of elementary functions from own kernels: argument reduction, Taylor polynomial, proved error bound
// (Theorems 8-12 of docs/soundness.md). No libm. Valid under EnvironmentGuard.
#pragma once

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// {f(x) : x in a}. All are monotone: one kernel call per end point. A point gives an interval a few ulp wide.
Interval exp(const Interval& a);
Interval expm1(const Interval& a);
// {log(x) : x in a, x > 0}; log(0) counts as -inf. Throws std::domain_error when a has no x >= 0.
Interval log(const Interval& a);
Interval tanh(const Interval& a);
// 1 / (1 + exp(-x))
Interval sigmoid(const Interval& a);

// Enclosures at one number (not NaN; infinities mean the limit).
Interval exp_at(double x);
Interval expm1_at(double x);
Interval log_at(double x);  // x >= 0
Interval tanh_at(double x);
Interval sigmoid_at(double x);

// The proved constants, so that tests can compare them with the derivation (tests/numeric/elementary_bounds.py).
struct ElementaryConstants {
    double ln2_high;
    double ln2_low;
    double inverse_ln2;
    double exp_absolute;
    double expm1_relative;
    double log_tail_relative;
    double log_low_absolute;
};
ElementaryConstants elementary_constants();

}  // namespace gonogo::numeric
