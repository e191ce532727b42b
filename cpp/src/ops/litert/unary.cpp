// relu6, leaky_relu and quantize where LiteRT isn't TFLite Micro: fixed-point functions of one stored integer.
#include "ops/tflm/unary.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "gonogo/error.hpp"

#include "ops/litert/litert.hpp"
#include "ops/ort/float_steps.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

using numeric::Interval;
using tflm::Multiplier;
using tflm::Unary;

// XNNPACK's multipliers have 8 fraction bits: y = floor((x w + 2^7) / 2^8), w = rne(256 r). The envelope is enumerated,
// so the coarse multiplier needs no theorem of its own. |x w| < 255 * 2^15.
std::int64_t eighth_bits(float ratio) {
    return static_cast<std::int64_t>(std::nearbyint(256.0 * static_cast<double>(ratio)));
}
std::int64_t scaled(std::int64_t x, std::int64_t weight) {
    return (x * weight + 128) >> 8;
}
// The ratios that XNNPACK takes; others stay with the built-in kernels. At 2^7 its 16-bit weight overflows.
bool taken(const NodeView& node, float ratio) {
    if (eighth_bits(ratio) == 1 << 15) {
        throw QuantizationError(node.message("the ratio of the scales is 128, where XNNPACK's multiplier overflows"));
    }
    return ratio >= 0x1p-8F && ratio <= 0x1p7F;
}

Unary conversion(const NodeView& node) {
    Unary u;
    u.in = int8::per_tensor(node, node.input(0));
    u.out = int8::per_tensor(node, node.output());
    u.domain = int8::storage_range(node, node.input(0));
    u.clamp = int8::storage_range(node, node.output());
    u.real = [](double x) { return Interval::point(x); };
    return u;
}

}  // namespace

// RELU, RELU6, LEAKY_RELU requantise as TFLite Micro does, but compute the multipliers in float32.
Int8Kernel litert_relu(const NodeView& node) {
    const Unary u = tflm::tflite_unary(node);
    const auto ratio = static_cast<double>(u.in.scale / u.out.scale);
    return tflm::ends_at_six(node) ? tflm::relu6(node, ratio) : tflm::relu(node, ratio);
}

Int8Kernel litert_leaky_relu(const NodeView& node) {
    const Unary u = tflm::tflite_unary(node);
    const float slope = u.in.scale * static_cast<float>(node.number("alpha")) / u.out.scale;
    return tflm::leaky_relu(node, static_cast<double>(u.in.scale / u.out.scale), static_cast<double>(slope));
}

// Ratio fl32(s_in / s_out) for x >= 0, fl32(that alpha) below.
Int8Kernel xnnpack_leaky_relu(const NodeView& node) {
    Unary u = tflm::tflite_unary(node);
    const double alpha = node.number("alpha");
    const float ratio = u.in.scale / u.out.scale;
    const float slope = ratio * static_cast<float>(alpha);
    const bool negative_taken = slope < 0.0F ? slope <= -0x1p-8F && slope >= -127.99609375F : taken(node, slope);
    if (!taken(node, ratio) || !negative_taken) return litert_leaky_relu(node);
    u.unclamped = [above = eighth_bits(ratio), below = eighth_bits(slope)](std::int32_t x) {
        return scaled(x, x >= 0 ? above : below);
    };
    u.real = [alpha](double x) { return x >= 0.0 ? Interval::point(x) : Interval::point(alpha) * Interval::point(x); };
    return tflm::build(node, u, tflm::enumerated_error(u));
}

// Variant B for the first elements, sixteen at a time, and variant A for the rest: two tables.
Int8Kernel litert_quantize(const NodeView& node) {
    Unary u = conversion(node);
    const Multiplier m = tflm::quantize_multiplier(static_cast<double>(u.in.scale) / static_cast<double>(u.out.scale));
    tflm::check_shift(node, int8::largest_centred(u.domain, u.in.zero_point), m, "input");
    u.unclamped = [m](std::int32_t x) { return tflm::requantize(x, m); };
    const double rest_error = tflm::enumerated_error(u);
    const Int8Kernel rest = tflm::build(node, u, rest_error);
    u.unclamped = [m](std::int32_t x) { return tflm::requantize_up(x, m); };
    const double vector_error = tflm::enumerated_error(u);
    const Int8Kernel vectors = tflm::build(node, u, vector_error);

    const auto n = static_cast<std::size_t>(node.output().elements());
    const std::size_t split = n / 16 * 16;
    Int8Kernel kernel;
    kernel.clamp = u.clamp;
    kernel.envelope = {std::max(rest_error, vector_error), 0.0};
    kernel.point = [=](std::span<const std::int32_t* const> in, std::int32_t* out) {
        std::vector<std::int32_t> tail(n);
        vectors.point(in, out);
        rest.point(in, tail.data());
        std::copy(tail.begin() + static_cast<std::ptrdiff_t>(split), tail.end(), out + split);
    };
    kernel.range = [=](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                       std::int32_t* out_lo, std::int32_t* out_hi) {
        std::vector<std::int32_t> tail_lo(n);
        std::vector<std::int32_t> tail_hi(n);
        vectors.range(lo, hi, out_lo, out_hi);
        rest.range(lo, hi, tail_lo.data(), tail_hi.data());
        std::copy(tail_lo.begin() + static_cast<std::ptrdiff_t>(split), tail_lo.end(), out_lo + split);
        std::copy(tail_hi.begin() + static_cast<std::ptrdiff_t>(split), tail_hi.end(), out_hi + split);
    };
    return kernel;
}

// As on TFLite Micro, uint8 to uint8 included.
Int8Kernel litert_ref_quantize(const NodeView& node) {
    Unary u = conversion(node);
    tflm::requantised(node, u, tflm::scale_ratio(u));
    return tflm::build(node, u, tflm::enumerated_error(u));
}

Int8Kernel xnnpack_quantize(const NodeView& node) {
    Unary u = conversion(node);
    const float ratio = u.in.scale / u.out.scale;
    if (node.input(0).dtype != node.output().dtype || !taken(node, ratio)) return litert_quantize(node);
    u.unclamped = [weight = eighth_bits(ratio)](std::int32_t x) { return scaled(x, weight); };
    return tflm::build(node, u, tflm::enumerated_error(u));
}

std::int32_t litert_quantize_float(float x, const Quantization& output, std::int32_t lo, std::int32_t hi, bool vector) {
    const double quotient = static_cast<double>(x) / static_cast<double>(output.scale());
    if (!(std::fabs(quotient) < 0x1p30)) {
        throw OverflowRiskError("the input " + std::to_string(x) +
                                " is 2^30 quantisation steps or more from zero, where the device's conversion to int32 "
                                "isn't defined; clip the inputs");
    }
    const double steps =
        vector ? static_cast<double>(std::nearbyint(x * (1.0F / output.scale()))) : std::round(quotient);
    return int8::clamp(static_cast<std::int64_t>(steps) + output.zero_point(), {lo, hi});
}

float litert_dequantize_vector(std::int32_t q, const Quantization& input) {
    const float offset = static_cast<float>(-input.zero_point()) * input.scale();
    return input.scale() * static_cast<float>(q) + offset;
}

std::int32_t xnnpack_quantize_float(float x, const Quantization& output, std::int32_t lo, std::int32_t hi) {
    const auto zero = static_cast<float>(output.zero_point());
    const ort::FloatRange range{static_cast<float>(lo) - zero, static_cast<float>(hi) - zero};
    return ort::round_clamped(x * (1.0F / output.scale()), range, output.zero_point());
}

}  // namespace gonogo
