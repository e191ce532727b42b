// dense, conv2d, depthwise_conv2d of LiteRT: a requantiser per runtime for the template of tflm/linear.hpp.
#include "ops/tflm/linear.hpp"

#include <cmath>

#include "gonogo/error.hpp"

#include "ops/litert/double_away.hpp"
#include "ops/litert/litert.hpp"
#include "ops/ort/float_steps.hpp"

namespace gonogo {

namespace {

using int8::LinearAccumulator;
using int8::LinearLayer;
using numeric::Interval;
using tflm::LinearChannel;
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

// Variant B for the first `vectors` channels, A for the rest.
Int8Kernel two_roundings(const NodeView& node, LinearLayer layer, std::int64_t vectors) {
    return tflm::linear_kernel(node, LinearAccumulator(node, std::move(layer)), [&](const LinearChannel& channel) {
        return TwoRoundings(node, channel, channel.ratio(), channel.index < vectors);
    });
}

template <class R>
Int8Kernel one_rounding(const NodeView& node, LinearLayer layer) {
    return tflm::linear_kernel(node, LinearAccumulator(node, std::move(layer)),
                               [&](const LinearChannel& channel) { return R(node, channel); });
}

}  // namespace

// With one scale for all weights the kernel multiplies the scales in float32.
Int8Kernel litert_dense(const NodeView& node) {
    LinearAccumulator a(node, LinearLayer::dense(node));
    const bool single = node.input(1).quantization->per_tensor();  // checked by the layer
    return tflm::linear_kernel(node, std::move(a), [&](const LinearChannel& channel) {
        return TwoRoundings(node, channel, single ? channel.float_ratio() : channel.ratio(), true);
    });
}

// Grouped convolutions run on the reference kernel.
Int8Kernel litert_conv2d(const NodeView& node) {
    LinearLayer a = LinearLayer::conv2d(node);
    const std::int64_t channels = a.channels();
    const bool grouped = node.has("groups") && node.integer("groups") != 1;
    return two_roundings(node, std::move(a), grouped ? 0 : channels);
}

// Eight channels at a time in vectors, the remaining ones one by one.
Int8Kernel litert_depthwise_conv2d(const NodeView& node) {
    LinearLayer a = LinearLayer::depthwise_conv2d(node);
    const std::int64_t channels = a.channels();
    return two_roundings(node, std::move(a), channels / 8 * 8);
}

Int8Kernel litert_ref_dense(const NodeView& node) {
    return one_rounding<litert::DoubleAway>(node, LinearLayer::dense(node));
}

// XNNPACK packs rows of int4 weights in whole bytes: an odd number of inputs is handed back to the built-in kernel.
Int8Kernel xnnpack_dense(const NodeView& node) {
    const Tensor& weights = node.input(1);
    if (weights.packed_int4 && weights.dims.size() == 2 && weights.dims[1] % 2 != 0) return litert_dense(node);
    return one_rounding<FloatNearest>(node, LinearLayer::dense(node));
}

// The delegate hands convolutions with int4 weights back to the built-in kernels.
Int8Kernel xnnpack_conv2d(const NodeView& node) {
    if (node.input(1).packed_int4) return litert_conv2d(node);
    return one_rounding<FloatNearest>(node, LinearLayer::conv2d(node));
}

Int8Kernel xnnpack_depthwise_conv2d(const NodeView& node) {
    if (node.input(1).packed_int4) return litert_depthwise_conv2d(node);
    return one_rounding<FloatNearest>(node, LinearLayer::depthwise_conv2d(node));
}

}  // namespace gonogo
