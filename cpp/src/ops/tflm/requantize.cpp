#include "ops/tflm/requantize.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>

#include "gonogo/error.hpp"

namespace gonogo::tflm {

using numeric::Interval;

Multiplier quantize_multiplier(double value) {
    if (value == 0.0) return {};
    int exponent = 0;
    const double fraction = std::frexp(value, &exponent);
    auto mantissa = static_cast<std::int64_t>(std::round(fraction * 2147483648.0));
    if (mantissa == (std::int64_t{1} << 31)) {
        mantissa /= 2;
        ++exponent;
    }
    if (exponent < -31) return {};
    return {static_cast<std::int32_t>(mantissa), exponent};
}

Multiplier quantize_multiplier_below_one(const NodeView& node, double value) {
    const Multiplier m = quantize_multiplier(value);
    if (!(value > 0.0) || !(value < 1.0) || m.exponent > 0) {
        throw QuantizationError(
            node.message("the scales need the multiplier " + std::to_string(value) +
                         ", the device's kernel takes only 0 < m < 1; requantise with closer scales"));
    }
    return m;
}

double value_of(Multiplier m) {
    return std::ldexp(static_cast<double>(m.mantissa), m.exponent - 31);
}

void check_shift(const NodeView& node, std::int64_t bound, Multiplier m, const std::string& what) {
    const int left = m.exponent > 0 ? m.exponent : 0;
    // A multiplier of 1/2 or more can bring the result close to 2^31, where the zero point would overflow.
    const std::int64_t room = std::numeric_limits<std::int32_t>::max() - (m.exponent < 0 ? 0 : 512);
    if (left > 30 || bound > (room >> left)) {
        throw OverflowRiskError(node.message(what + ": " + std::to_string(bound) + " times 2^" + std::to_string(left) +
                                             " leaves int32 in the requantisation; use a larger output scale"));
    }
}

double rounding_error(Multiplier m) {
    return m.exponent < 0 ? 0.5 + std::ldexp(0.5, m.exponent) : 0.5;  // exact: exponent >= -31
}

Envelope requantize_error(Multiplier m, const Interval& exact) {
    const Interval error = (Interval::point(value_of(m)) - exact) / exact;
    return {rounding_error(m), error.magnitude()};
}

int8::Affine tflite_tensor(const NodeView& node, const Tensor& tensor) {
    if (tensor.dtype != DType::int8 && tensor.dtype != DType::int16) {
        throw UnsupportedTypeError(node.message("tensor '" + tensor.name + "' has element type " +
                                                std::string(name_of(tensor.dtype)) +
                                                "; the TFLite profiles cover int8 and int16"));
    }
    return int8::per_tensor(node, tensor);
}

Interval ratio(float numerator, float denominator) {
    return Interval::point(static_cast<double>(numerator)) / Interval::point(static_cast<double>(denominator));
}

Envelope copy_error(int8::Affine in, int8::Affine out) {
    const double shift = std::abs(in.zero_point - out.zero_point);
    if (in.scale == out.scale) return {shift, 0.0};
    return {shift, (ratio(out.scale, in.scale) - Interval::point(1.0)).magnitude()};
}

}  // namespace gonogo::tflm
