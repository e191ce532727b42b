// dense, conv2d, depthwise_conv2d of LiteRT: a requantiser per runtime for the template of tflm/linear.hpp.
#include "ops/tflm/linear.hpp"

#include <cmath>

#include "gonogo/error.hpp"

#include "ops/litert/litert.hpp"
#include "ops/ort/float_steps.hpp"

namespace gonogo {

namespace {

using int8::LinearAccumulator;
using numeric::Interval;
using tflm::LinearChannel;
using tflm::ScaleProduct;
using tflm::TwoRoundings;

// Variant D: rne(fl32(fl32(x) s)), s = fl32(fl32(s_in s_w) / s_out). Its theorem is that of ort/linear.cpp: four
// float32 roundings, each relative, and the last one to an integer.
struct FloatNearest {
    float factor;

    FloatNearest(const NodeView& node, const LinearChannel& channel)
        : factor(ort::requantisation_factor(node, channel.s_in, channel.s_w, channel.s_out)) {
        if (!(factor < 256.0F)) {
            throw QuantizationError(node.message("channel " + std::to_string(channel.index) +
                                                 ": XNNPACK refuses the scale ratio " + std::to_string(factor) +
                                                 ", it must be below 256; use a larger output scale"));
        }
    }
    std::int64_t operator()(std::int32_t x) const {
        return ort::round_clamped(static_cast<float>(x) * factor, {-ort::wide, ort::wide}, 0);
    }
    Envelope error(const Interval& /*exact*/) const { return {ort::half, ort::six_roundings}; }
};

// Variant E: ties away from zero of RN(x s), s = RN(s_in s_w / s_out), in binary64.
// Theorem. The product of two float32 scales is exact; the quotient and the product with x round once each, relatively
// by at most 2^-53, so |RN(x s) - x M| <= 2^-51 |x M|; the rounding to an integer adds 1/2.
struct DoubleAway {
    double factor;

    DoubleAway(const NodeView& node, const LinearChannel& channel)
        : factor(static_cast<double>(channel.s_in) * static_cast<double>(channel.s_w) /
                 static_cast<double>(channel.s_out)) {
        // Beyond int32 the device's conversion isn't defined; the zero point and the rounding need a little room.
        if (!(static_cast<double>(channel.bound) * factor < 2147483648.0 - 1024.0)) {
            throw OverflowRiskError(node.message("channel " + std::to_string(channel.index) +
                                                 ": the requantised value leaves int32; use a larger output scale"));
        }
    }
    std::int64_t operator()(std::int32_t x) const {
        return static_cast<std::int64_t>(std::round(static_cast<double>(x) * factor));
    }
    Envelope error(const Interval& /*exact*/) const { return {0.5, 0x1p-51}; }
};

// Variant B for the first `vectors` channels, A for the rest.
Int8Kernel two_roundings(const NodeView& node, LinearAccumulator accumulator, std::int64_t vectors,
                         ScaleProduct product = ScaleProduct::exact) {
    return tflm::linear_kernel(node, std::move(accumulator), [&](const LinearChannel& channel) {
        return TwoRoundings(node, channel, channel.index < vectors, product);
    });
}

template <class R>
Int8Kernel one_rounding(const NodeView& node, LinearAccumulator accumulator) {
    return tflm::linear_kernel(node, std::move(accumulator),
                               [&](const LinearChannel& channel) { return R(node, channel); });
}

}  // namespace

// With one scale for all weights the kernel multiplies the scales in float32.
Int8Kernel litert_dense(const NodeView& node) {
    LinearAccumulator a = LinearAccumulator::dense(node);
    const std::int64_t channels = a.channels();
    const bool single = node.input(1).quantization->per_tensor();  // checked by the accumulator
    return two_roundings(node, std::move(a), channels, single ? ScaleProduct::float32 : ScaleProduct::exact);
}

// Grouped convolutions run on the reference kernel.
Int8Kernel litert_conv2d(const NodeView& node) {
    LinearAccumulator a = LinearAccumulator::conv2d(node);
    const std::int64_t channels = a.channels();
    const bool grouped = node.has("groups") && node.integer("groups") != 1;
    return two_roundings(node, std::move(a), grouped ? 0 : channels);
}

// Eight channels at a time in vectors, the remaining ones one by one.
Int8Kernel litert_depthwise_conv2d(const NodeView& node) {
    LinearAccumulator a = LinearAccumulator::depthwise_conv2d(node);
    const std::int64_t channels = a.channels();
    return two_roundings(node, std::move(a), channels / 8 * 8);
}

Int8Kernel litert_ref_dense(const NodeView& node) {
    return one_rounding<DoubleAway>(node, LinearAccumulator::dense(node));
}

// XNNPACK packs rows of int4 weights in whole bytes: an odd number of inputs is handed back to the built-in kernel.
Int8Kernel xnnpack_dense(const NodeView& node) {
    const Tensor& weights = node.input(1);
    if (weights.packed_int4 && weights.dims.size() == 2 && weights.dims[1] % 2 != 0) return litert_dense(node);
    return one_rounding<FloatNearest>(node, LinearAccumulator::dense(node));
}

// The delegate hands convolutions with int4 weights back to the built-in kernels.
Int8Kernel xnnpack_conv2d(const NodeView& node) {
    if (node.input(1).packed_int4) return litert_conv2d(node);
    return one_rounding<FloatNearest>(node, LinearAccumulator::conv2d(node));
}

Int8Kernel xnnpack_depthwise_conv2d(const NodeView& node) {
    if (node.input(1).packed_int4) return litert_depthwise_conv2d(node);
    return one_rounding<FloatNearest>(node, LinearAccumulator::depthwise_conv2d(node));
}

}  // namespace gonogo
