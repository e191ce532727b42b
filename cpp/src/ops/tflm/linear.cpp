// dense, conv2d, depthwise_conv2d: exact int32 accumulator, variant-A requantisation per channel, zero point, clamp.
//
// Theorem (envelope). With x the accumulator, M_c = s_in s_w[c] / s_out and f = x M_c: Theorem A of requantize.hpp,
// with the worst channel's constants. The kernel gives the bias the scale s_in s_w[c] whatever its tensor declares; a
// declared scale s_b adds |b_c| |s_b - s_in s_w[c]| / s_out, so that the bound also holds when f uses s_b.
// Theorem (range). The multipliers are not negative, and both roundings, the addition of the zero point and the clamp
// are non-decreasing: the ends of the accumulator's exact range give the ends of the output's exact range.
#include <cmath>
#include <memory>
#include <utility>

#include "gonogo/error.hpp"

#include "ops/tflm/requantize.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

using int8::LinearAccumulator;
using numeric::Interval;
using tflm::Multiplier;

struct Linear {
    LinearAccumulator accumulator;
    std::vector<Multiplier> multipliers;
    std::int32_t zero_point;
    ClampRange clamp;

    void finish(std::int32_t* values, ClampRange range) const {
        accumulator.finish(values, [&](std::int64_t c, std::int32_t acc) {
            return int8::clamp(tflm::requantize(acc, multipliers[static_cast<std::size_t>(c)]) + zero_point, range);
        });
    }
};

void widen(Envelope& to, const Envelope& with) {
    to.absolute = std::max(to.absolute, with.absolute);
    to.relative = std::max(to.relative, with.relative);
}

// Upper bound on |b_c| |s_b - s_in s_w[c]| / s_out, in output steps.
double bias_error(const NodeView& node, float s_in, const Quantization& weights, float s_out) {
    if (!node.has_input(2) || !node.input(2).quantization) return 0.0;
    const Quantization& declared = *node.input(2).quantization;
    const std::vector<std::int32_t> bias = int8::constant_integers(node, node.input(2));
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

Int8Kernel linear(const NodeView& node, LinearAccumulator accumulator) {
    const int8::Affine in = tflm::int8_tensor(node, node.input(0));
    const int8::Affine out = tflm::int8_tensor(node, node.output());
    const Tensor& weights = node.input(1);
    const Quantization& q = *weights.quantization;  // checked by the accumulator
    if (weights.dtype != DType::int8) throw UnsupportedTypeError(node.message("the weights must be int8"));
    for (const std::int32_t zero : q.zero_points) {
        if (zero != 0)
            throw UnsupportedOperatorError(node.message("the device's kernel needs weights with zero point 0"));
    }

    Int8Kernel kernel;
    auto state =
        std::make_shared<Linear>(Linear{std::move(accumulator), {}, out.zero_point, int8::activation_range(node)});
    for (std::int64_t c = 0; c < state->accumulator.channels(); ++c) {
        const float s_w = q.scale(c);
        if (!(s_w > 0.0F) || !std::isfinite(s_w)) {
            throw QuantizationError(
                node.message("the weights' scale of channel " + std::to_string(c) + " isn't positive and finite"));
        }
        const double product = static_cast<double>(in.scale) * static_cast<double>(s_w);  // exact
        const Multiplier m = tflm::quantize_multiplier(product / static_cast<double>(out.scale));
        tflm::check_shift(node, state->accumulator.bound(c), m, "channel " + std::to_string(c));
        state->multipliers.push_back(m);
        const Interval exact = Interval::point(static_cast<double>(in.scale)) *
                               Interval::point(static_cast<double>(s_w)) /
                               Interval::point(static_cast<double>(out.scale));
        widen(kernel.envelope, tflm::requantize_error(m, exact));
    }
    kernel.envelope.absolute = numeric::add_up(kernel.envelope.absolute, bias_error(node, in.scale, q, out.scale));
    kernel.clamp = state->clamp;
    kernel.point = [state](std::span<const std::int32_t* const> x, std::int32_t* y) {
        state->accumulator.point(x[0], y);
        state->finish(y, state->clamp);
    };
    const auto range_with = [state](ClampRange clamp) {
        return [state, clamp](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                              std::int32_t* out_lo, std::int32_t* out_hi) {
            state->accumulator.range(lo[0], hi[0], out_lo, out_hi);
            state->finish(out_lo, clamp);
            state->finish(out_hi, clamp);
        };
    };
    kernel.range = range_with(state->clamp);
    kernel.unclamped_range = range_with({INT32_MIN, INT32_MAX});
    return kernel;
}

}  // namespace

Int8Kernel tflm_dense(const NodeView& node) {
    return linear(node, LinearAccumulator::dense(node));
}

Int8Kernel tflm_conv2d(const NodeView& node) {
    return linear(node, LinearAccumulator::conv2d(node));
}

Int8Kernel tflm_depthwise_conv2d(const NodeView& node) {
    return linear(node, LinearAccumulator::depthwise_conv2d(node));
}

}  // namespace gonogo
