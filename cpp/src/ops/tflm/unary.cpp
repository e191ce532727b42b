// Functions of one stored element: tables, and envelopes by enumeration of all inputs in interval arithmetic.
#include "ops/tflm/unary.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <utility>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"

#include "ops/tflm/fixed_point.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace tflm {

using numeric::Interval;

double enumerated_error(const Unary& u) {
    double worst = 0.0;
    for (std::int32_t q = u.domain.lo; q <= u.domain.hi; ++q) {
        const auto y = u.unclamped(q - u.in.zero_point);
        const double x = static_cast<double>(q - u.in.zero_point) * static_cast<double>(u.in.scale);  // exact
        const Interval f = u.real(x) / Interval::point(static_cast<double>(u.out.scale));
        const Interval error = Interval::point(static_cast<double>(y)) - f;
        const bool at_lo = u.saturates && y + u.out.zero_point <= u.clamp.lo;
        const bool at_hi = u.saturates && y + u.out.zero_point >= u.clamp.hi;
        if (!at_hi) worst = std::max(worst, -error.lo);
        if (!at_lo) worst = std::max(worst, error.hi);
    }
    return worst;
}

Int8Kernel build(const NodeView& node, const Unary& u, double envelope) {
    std::vector<std::int32_t> values;
    for (std::int32_t q = u.domain.lo; q <= u.domain.hi; ++q) {
        values.push_back(int8::clamp(u.unclamped(q - u.in.zero_point) + u.out.zero_point, u.clamp));
    }
    if (node.input(0).elements() != node.output().elements()) {
        throw ShapeError(node.message("input and output must have the same number of elements"));
    }
    return int8::unary_kernel(int8::UnaryTable(u.domain, std::move(values)), node.output().elements(), u.clamp,
                              {envelope, 0.0});
}

Unary tflite_unary(const NodeView& node) {
    Unary u;
    u.in = tflite_tensor(node, node.input(0));
    u.out = tflite_tensor(node, node.output());
    u.domain = int8::storage_range(node, node.input(0));
    u.clamp = int8::storage_range(node, node.output());
    return u;
}

double scale_ratio(const Unary& u) {
    return static_cast<double>(u.in.scale) / static_cast<double>(u.out.scale);
}

void requantised(const NodeView& node, Unary& u, double ratio) {
    const Multiplier m = quantize_multiplier(ratio);
    check_shift(node, int8::largest_centred(u.domain, u.in.zero_point), m, "input");
    u.unclamped = [m](std::int32_t x) { return requantize(x, m); };
    u.real = [](double x) { return Interval::point(x); };
}

bool ends_at_six(const NodeView& node) {
    const std::string_view op = node.op().name;
    if (op != "clip") return op == "relu6";
    const double ceiling = node.number("max");
    if (node.number("min") != 0.0 || (ceiling != 6.0 && ceiling <= std::numeric_limits<double>::max())) {
        throw UnsupportedOperatorError(node.message("the TFLite profiles have no clip but [0, inf) and [0, 6]"));
    }
    return ceiling == 6.0;
}

// The envelope covers f = x / s_out before the clamp and, for engines that apply the activation to f, f = relu(x) /
// s_out after it: the lower clamp is the zero point exactly, so the first implies the second.
Int8Kernel relu(const NodeView& node, double ratio) {
    Unary u = tflite_unary(node);
    requantised(node, u, ratio);
    u.clamp = int8::activation_range(node, "relu");
    return build(node, u, enumerated_error(u));
}

// The rounded upper clamp is enumerated too.
Int8Kernel relu6(const NodeView& node, double ratio) {
    Unary u = tflite_unary(node);
    requantised(node, u, ratio);
    u.clamp = int8::activation_range(node, "relu6");
    Unary limited = u;
    limited.unclamped = [y = u.unclamped, clamp = u.clamp, zero = u.out.zero_point](std::int32_t x) {
        return std::int64_t{int8::clamp(y(x) + zero, clamp)} - zero;
    };
    limited.real = [](double x) { return Interval::point(std::min(std::max(x, 0.0), 6.0)); };
    return build(node, u, std::max(enumerated_error(u), enumerated_error(limited)));
}

Int8Kernel leaky_relu(const NodeView& node, double identity, double slope) {
    Unary u = tflite_unary(node);
    const double alpha = node.number("alpha");
    const Multiplier above = quantize_multiplier(identity);
    const Multiplier below = quantize_multiplier(slope);
    const std::int64_t reach = int8::largest_centred(u.domain, u.in.zero_point);
    check_shift(node, reach, above, "input");
    check_shift(node, reach, below, "input");
    u.unclamped = [above, below](std::int32_t x) { return requantize(x, x >= 0 ? above : below); };
    u.real = [alpha](double x) { return x >= 0.0 ? Interval::point(x) : Interval::point(alpha) * Interval::point(x); };
    return build(node, u, enumerated_error(u));
}

}  // namespace tflm

using numeric::Interval;
using tflm::enumerated_error;
using tflm::Multiplier;
using tflm::Unary;

Int8Kernel tflm_relu(const NodeView& node) {
    Unary u = tflm::tflite_unary(node);
    if (!tflm::ends_at_six(node)) return tflm::relu(node, tflm::scale_ratio(u));
    // RELU6 compares stored integers with limits in the *input's* parameters and copies them
    const std::int32_t six = int8::clamp(
        static_cast<std::int64_t>(std::min(std::round(6.0F / u.in.scale), 1e6F)) + u.in.zero_point, u.domain);
    const std::int32_t shift = u.in.zero_point - u.out.zero_point;
    u.clamp = {u.in.zero_point, six};
    u.unclamped = [shift](std::int32_t x) { return std::int64_t{x} + shift; };
    u.real = [](double x) { return Interval::point(x); };
    Unary limited = u;
    limited.unclamped = [shift, top = six - u.in.zero_point](std::int32_t x) {
        return std::int64_t{std::min(std::max(x, 0), top)} + shift;
    };
    limited.real = [](double x) { return Interval::point(std::min(std::max(x, 0.0), 6.0)); };
    return tflm::build(node, u, std::max(enumerated_error(u), enumerated_error(limited)));
}

Int8Kernel tflm_leaky_relu(const NodeView& node) {
    const Unary u = tflm::tflite_unary(node);
    const double alpha = static_cast<double>(static_cast<float>(node.number("alpha")));
    const double s_in = static_cast<double>(u.in.scale);
    return tflm::leaky_relu(node, tflm::scale_ratio(u), s_in * alpha / static_cast<double>(u.out.scale));
}

namespace {

constexpr int input_bits = 4;

// logistic and tanh: x = A(q - z; s_in 2^27) with 4 integer bits, constant beyond |q - z| >= radius, where x would pass
// 15; function with 0 integer bits; rounded to `output_bits` fraction bits.
Int8Kernel saturating(const NodeView& node, std::int32_t (*function)(std::int32_t), int output_bits,
                      std::int32_t offset, Interval (*real)(double)) {
    Unary u = tflm::tflite_unary(node);
    Multiplier m;
    const double fraction = std::frexp(static_cast<double>(u.in.scale) * 0x1p27, &m.exponent);
    m.mantissa = static_cast<std::int32_t>(fraction * 0x1p31);  // exact: a float32 significand
    if (m.exponent < 0) throw QuantizationError(node.message("the input's scale is below 2^-28; use a larger one"));
    const std::int32_t radius = m.exponent > 40 ? 0 : static_cast<std::int32_t>((std::int64_t{15} << 27) >> m.exponent);
    u.saturates = true;
    u.unclamped = [=, zero = u.out.zero_point](std::int32_t x) -> std::int64_t {
        if (x <= -radius) return std::int64_t{-128} - zero;
        if (x >= radius) return std::int64_t{127} - zero;
        const auto raw = static_cast<std::int32_t>(tflm::requantize(x, m));
        const std::int64_t stored = tflm::rounded_shift(function(raw), 31 - output_bits) + offset;
        return int8::clamp(stored, {-128, 127}) - std::int64_t{zero};
    };
    u.real = real;
    return tflm::build(node, u, enumerated_error(u));
}

}  // namespace

Int8Kernel tflm_sigmoid(const NodeView& node) {
    if (node.output().quantization && node.output().quantization->zero_point() != -128) {
        throw QuantizationError(node.message("the device's logistic needs the output zero point -128"));
    }
    return saturating(node, tflm::logistic, 8, -128, numeric::sigmoid_at);
}

Int8Kernel tflm_tanh(const NodeView& node) {
    return saturating(node, tflm::hyperbolic_tangent, 7, 0, numeric::tanh_at);
}

Int8Kernel tflm_quantize(const NodeView& node) {
    Unary u;
    u.in = int8::per_tensor(node, node.input(0));
    u.out = int8::per_tensor(node, node.output());
    u.domain = int8::storage_range(node, node.input(0));
    u.clamp = int8::storage_range(node, node.output());
    const auto is_uint8 = [](const Tensor& t) { return t.dtype == DType::uint8; };
    const bool wide = node.input(0).dtype == DType::int16 || node.output().dtype == DType::int16;
    if (is_uint8(node.input(0)) && is_uint8(node.output())) {
        throw UnsupportedOperatorError(node.message("the device has no requantisation from uint8 to uint8"));
    }
    if (wide && (is_uint8(node.input(0)) || is_uint8(node.output()))) {
        throw UnsupportedOperatorError(node.message("no requantisation between uint8 and int16 is supported"));
    }
    tflm::requantised(node, u, tflm::scale_ratio(u));
    return tflm::build(node, u, enumerated_error(u));
}

std::int32_t tflm_quantize_float(float x, const Quantization& output, std::int32_t lo, std::int32_t hi) {
    const float steps = std::round(x / output.scale());
    if (!(std::fabs(steps) < 0x1p31F)) {
        throw OverflowRiskError("the input " + std::to_string(x) +
                                " is 2^31 quantisation steps or more from zero, where "
                                "the device's conversion to int32 isn't defined; clip the inputs");
    }
    return int8::clamp(static_cast<std::int64_t>(steps) + output.zero_point(), {lo, hi});
}

float tflm_dequantize_value(std::int32_t q, const Quantization& input) {
    return input.scale() * static_cast<float>(q - input.zero_point());
}

}  // namespace gonogo
