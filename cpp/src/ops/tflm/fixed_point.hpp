// The fixed-point functions behind int8 softmax, logistic and tanh: exp on negative numbers, 1 / (1 + x) and
// (1 - x) / (1 + x) on [0, 1]. Numbers are int32 with k integer bits: value = raw * 2^(k - 31).
#pragma once

#include <cstdint>

namespace gonogo::tflm {

// exp(a) for a <= 0 with 4 or 5 integer bits; result with 0 integer bits.
std::int32_t exp_of_negative(std::int32_t a, int integer_bits);

// 1 / (1 + a) and (1 - a) / (1 + a) for a in [0, 1), all with 0 integer bits.
// Theorem R: the first result, as a real number, differs from 1 / (1 + a) by less than 2^-27 (docs/int8-semantics.md).
std::int32_t reciprocal_of_one_plus(std::int32_t a);
std::int32_t one_minus_over_one_plus(std::int32_t a);

// logistic(a) and tanh(a); a with 4 integer bits, |a| < 2^31; result with 0 integer bits.
std::int32_t logistic(std::int32_t a);
std::int32_t hyperbolic_tangent(std::int32_t a);

}  // namespace gonogo::tflm
