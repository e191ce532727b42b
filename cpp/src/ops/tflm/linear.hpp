// What dense, conv2d and depthwise_conv2d share in all TFLite runtimes: exact int32 accumulator, a requantisation per
// channel, zero point, clamp. A runtime is one requantiser: a function of the accumulator and a Theorem on its error.
//
// Theorem (envelope). With x the accumulator, M_c = s_in s_w[c] / s_out and f = x M_c: the requantiser's theorem, with
// the worst channel's constants. The kernels give the bias the scale s_in s_w[c] whatever its tensor declares; a
// declared scale s_b adds |b_c| |s_b - s_in s_w[c]| / s_out, so that the bound also holds when f uses s_b.
// Theorem (range). Every requantiser is non-decreasing, and so are the addition of the zero point and the clamp: the
// ends of the accumulator's exact range give the ends of the output's exact range.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "ops/tflm/requantize.hpp"

namespace gonogo::tflm {

struct LinearChannel {
    std::int64_t index = 0, channels = 0;
    std::int64_t bound = 0;  // on |accumulator|
    float s_in = 0, s_w = 0, s_out = 0;

    numeric::Interval multiplier() const {
        return numeric::Interval::point(static_cast<double>(s_in)) * ratio(s_w, s_out);
    }
};

// Checks the node's tensors: int8, weights with zero point 0 and positive finite scales.
std::vector<LinearChannel> linear_channels(const NodeView& node, const int8::LinearAccumulator& accumulator);

// Upper bound on |b_c| |s_b - s_in s_w[c]| / s_out, in output steps.
double bias_error(const NodeView& node);

// make(channel) returns the channel's requantiser R: R(accumulator) is the result without zero point, before the clamp;
// R.error(M) is an Envelope for every M of the interval.
template <class Make>
Int8Kernel linear_kernel(const NodeView& node, int8::LinearAccumulator accumulator, Make&& make) {
    using R = decltype(make(LinearChannel{}));
    struct State {
        int8::LinearAccumulator accumulator;
        std::vector<R> channels;
        std::int32_t zero_point;

        void finish(std::int32_t* values, ClampRange range) const {
            accumulator.finish(values, [&](std::int64_t c, std::int32_t acc) {
                return int8::clamp(channels[static_cast<std::size_t>(c)](acc) + zero_point, range);
            });
        }
    };
    Int8Kernel kernel;
    kernel.clamp = int8::activation_range(node);
    const std::int32_t zero_point = int8_tensor(node, node.output()).zero_point;
    auto state = std::make_shared<State>(State{std::move(accumulator), {}, zero_point});
    for (const LinearChannel& channel : linear_channels(node, state->accumulator)) {
        state->channels.push_back(make(channel));
        const Envelope error = state->channels.back().error(channel.multiplier());
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, error.absolute);
        kernel.envelope.relative = std::max(kernel.envelope.relative, error.relative);
    }
    kernel.envelope.absolute = numeric::add_up(kernel.envelope.absolute, bias_error(node));
    kernel.point = [state, clamp = kernel.clamp](std::span<const std::int32_t* const> x, std::int32_t* y) {
        state->accumulator.point(x[0], y);
        state->finish(y, clamp);
    };
    const auto range_with = [state](ClampRange clamp) {
        return [state, clamp](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                              std::int32_t* out_lo, std::int32_t* out_hi) {
            state->accumulator.range(lo[0], hi[0], out_lo, out_hi);
            state->finish(out_lo, clamp);
            state->finish(out_hi, clamp);
        };
    };
    kernel.range = range_with(kernel.clamp);
    kernel.unclamped_range = range_with({INT32_MIN, INT32_MAX});
    return kernel;
}

// What a requantiser makes of s_in s_w: the exact product, or the float32 number next to it.
enum class ScaleProduct : std::uint8_t { exact, float32 };

// Variants A and B.
struct TwoRoundings {
    Multiplier multiplier;
    bool ties_up = false;

    TwoRoundings(const NodeView& node, const LinearChannel& channel, bool up,
                 ScaleProduct product = ScaleProduct::exact);
    std::int64_t operator()(std::int64_t x) const {
        return ties_up ? requantize_up(x, multiplier) : requantize(x, multiplier);
    }
    Envelope error(const numeric::Interval& exact) const { return requantize_error(multiplier, exact); }
};

}  // namespace gonogo::tflm
