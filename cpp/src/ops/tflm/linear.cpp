#include "ops/tflm/linear.hpp"

#include <cmath>
#include <limits>

#include "gonogo/error.hpp"

#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace tflm {

using numeric::Interval;

std::vector<LinearChannel> linear_channels(const NodeView& node, std::span<const std::int64_t> bounds) {
    const int8::Affine in = tflite_tensor(node, node.input(0));
    const int8::Affine out = tflite_tensor(node, node.output());
    const Tensor& weights = node.input(1);
    const Quantization& q = *weights.quantization;  // checked by the accumulator
    if (weights.dtype != DType::int8) throw UnsupportedTypeError(node.message("the weights must be int8"));
    for (const std::int32_t zero : q.zero_points) {
        if (zero != 0)
            throw UnsupportedOperatorError(node.message("the device's kernel needs weights with zero point 0"));
    }
    std::vector<LinearChannel> channels;
    const auto count = static_cast<std::int64_t>(bounds.size());
    for (std::int64_t c = 0; c < count; ++c) {
        const float s_w = q.scale(c);
        if (!(s_w > 0.0F) || !std::isfinite(s_w)) {
            throw QuantizationError(
                node.message("the weights' scale of channel " + std::to_string(c) + " isn't positive and finite"));
        }
        channels.push_back({c, count, bounds[static_cast<std::size_t>(c)], in.scale, s_w, out.scale});
    }
    return channels;
}

double bias_error(const NodeView& node) {
    if (!node.has_input(2) || !node.input(2).quantization) return 0.0;
    const float s_in = node.input(0).quantization->scale();
    const float s_out = node.output().quantization->scale();
    const Quantization& weights = *node.input(1).quantization;
    const Quantization& declared = *node.input(2).quantization;
    const std::vector<std::int64_t> bias = int8::bias_integers(node, node.input(2));
    if (declared.scales.size() != 1 && declared.scales.size() != bias.size()) return 0.0;
    double worst = 0.0;
    for (std::size_t c = 0; c < bias.size(); ++c) {
        const auto channel = static_cast<std::int64_t>(c);
        const Interval used =
            Interval::point(static_cast<double>(s_in)) * Interval::point(static_cast<double>(weights.scale(channel)));
        const Interval difference = Interval::point(static_cast<double>(declared.scale(channel))) - used;
        const Interval steps =
            Interval::point(static_cast<double>(bias[c])) * difference / Interval::point(static_cast<double>(s_out));
        worst = std::max(worst, steps.magnitude());
    }
    return worst;
}

TwoRoundings::TwoRoundings(const NodeView& node, const LinearChannel& channel, double ratio, bool up)
    : multiplier(quantize_multiplier(ratio)), ties_up(up) {
    const std::string what = "channel " + std::to_string(channel.index);
    check_shift(node, channel.bound, multiplier, what);
    // Ties up adds half a divisor to the high product before the shift, and that must stay in int32 too.
    const std::int64_t half = multiplier.exponent < 0 ? (std::int64_t{1} << -multiplier.exponent) / 2 : 0;
    if (up && high_product(channel.bound, multiplier.mantissa) + half > std::numeric_limits<std::int32_t>::max()) {
        throw OverflowRiskError(node.message(what + ": the rounding of " + std::to_string(channel.bound) +
                                             " leaves int32; use a smaller bias"));
    }
}

}  // namespace tflm

namespace {

Int8Kernel linear(const NodeView& node, int8::LinearLayer layer) {
    return tflm::linear_kernel(
        node, int8::LinearAccumulator(node, std::move(layer)),
        [&](const tflm::LinearChannel& channel) { return tflm::TwoRoundings(node, channel, channel.ratio(), false); });
}

}  // namespace

Int8Kernel tflm_dense(const NodeView& node) {
    const Tensor& weights = node.input(1);
    if (weights.packed_int4 && weights.quantization && !weights.quantization->per_tensor()) {
        throw UnsupportedOperatorError(
            node.message("TensorFlow Lite Micro refuses int4 weights with scales per "
                         "channel in dense layers; '" +
                         weights.name + "' needs one scale"));
    }
    return linear(node, int8::LinearLayer::dense(node));
}

Int8Kernel tflm_conv2d(const NodeView& node) {
    return linear(node, int8::LinearLayer::conv2d(node));
}

Int8Kernel tflm_depthwise_conv2d(const NodeView& node) {
    return linear(node, int8::LinearLayer::depthwise_conv2d(node));
}

}  // namespace gonogo
