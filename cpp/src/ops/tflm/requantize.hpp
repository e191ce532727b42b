// Fixed-point multipliers of TFLite and the double-rounding requantisations (variants A and B of
// docs/int8-semantics.md).
#pragma once

#include <algorithm>
#include <cstdint>

#include "gonogo/numeric/interval.hpp"
#include "gonogo/ops/int8.hpp"

#include "ops/int8_common.hpp"

namespace gonogo::tflm {

// mantissa * 2^(exponent - 31); |mantissa| in [2^30, 2^31), or 0.
struct Multiplier {
    std::int32_t mantissa = 0;
    int exponent = 0;
};

// The nearest Multiplier, ties away from zero; 0 below about 2^-32, as TFLite flushes.
Multiplier quantize_multiplier(double value);
// The same where TFLite insists on 0 < value < 1 and exponent <= 0. Throws QuantizationError.
Multiplier quantize_multiplier_below_one(const NodeView& node, double value);

double value_of(Multiplier m);  // exact

// round(a b / 2^31), ties up; saturates only for a = b = -2^31. (Floor of (ab + 2^30) / 2^31.)
inline std::int64_t high_product(std::int64_t a, std::int64_t b) {
    return std::min<std::int64_t>((a * b + (std::int64_t{1} << 30)) >> 31, 2147483647);
}

// round(x / 2^exponent), ties away from zero.
inline std::int64_t rounded_shift(std::int64_t x, int exponent) {
    const std::int64_t mask = (std::int64_t{1} << exponent) - 1;
    const std::int64_t threshold = (mask >> 1) + (x < 0 ? 1 : 0);
    return (x >> exponent) + ((x & mask) > threshold ? 1 : 0);
}

// Needs |x| * 2^max(exponent, 0) < 2^31: see check_shift.
inline std::int64_t requantize(std::int64_t x, Multiplier m) {
    const int left = m.exponent > 0 ? m.exponent : 0;
    return rounded_shift(high_product(x << left, m.mantissa), m.exponent > 0 ? 0 : -m.exponent);
}

// Variant B: as `requantize`, but the second rounding takes ties up. LiteRT's vector kernels.
inline std::int64_t requantize_up(std::int64_t x, Multiplier m) {
    const int left = m.exponent > 0 ? m.exponent : 0;
    const int right = m.exponent > 0 ? 0 : -m.exponent;
    return (high_product(x << left, m.mantissa) + ((std::int64_t{1} << right) >> 1)) >> right;
}

// The device computes x * 2^exponent and adds a zero point in int32. Throws OverflowRiskError when some |x| <= bound
// leaves the type.
void check_shift(const NodeView& node, std::int64_t bound, Multiplier m, const std::string& what);

// Theorem A: |requantize(x, m) - x M| <= absolute + relative |x M| for every M in `exact` (not containing 0), and the
// same for requantize_up.
// Proof: the two roundings err by at most 1/2 each, the first one divided by 2^R for R = max(-exponent, 0), and there
// is only one when R = 0; x value_of(m) differs from x M by the relative error of the multiplier.
Envelope requantize_error(Multiplier m, const numeric::Interval& exact);
double rounding_error(Multiplier m);  // the absolute part

// The TFLite profiles know int8 and int16. Throws UnsupportedTypeError.
int8::Affine tflite_tensor(const NodeView& node, const Tensor& tensor);

// Envelope of an operator that copies stored integers, whatever the two tensors' parameters: with f = (q - z_in) s_in /
// s_out and y = q - z_out, y - f = (z_in - z_out) + f (s_out / s_in - 1).
Envelope copy_error(int8::Affine in, int8::Affine out);

numeric::Interval ratio(float numerator, float denominator);

}  // namespace gonogo::tflm
