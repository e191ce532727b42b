// What dense, conv2d and depthwise_conv2d share in all TFLite runtimes: exact accumulator, a requantisation per
// channel, zero point, clamp. A runtime is one requantiser: a function of the accumulator and a Theorem on its error.
//
// Theorem (envelope). With x the accumulator, M_c = s_in s_w[c] / s_out and f = x M_c: the requantiser's theorem, with
// the worst channel's constants. The kernels give the bias the scale s_in s_w[c] whatever its tensor declares; a
// declared scale s_b adds |b_c| |s_b - s_in s_w[c]| / s_out, so that the bound also holds when f uses s_b.
// Theorem (range). Every requantiser is non-decreasing, and so are the addition of the zero point and the clamp: the
// ends of the accumulator's exact range give the ends of the output's exact range.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "ops/tflm/requantize.hpp"

namespace gonogo::tflm {

struct LinearChannel {
    std::int64_t index = 0, channels = 0;
    std::int64_t bound = 0;  // on |accumulator|
    float s_in = 0, s_w = 0, s_out = 0;

    // s_in s_w / s_out in binary64; the product is exact.
    double ratio() const { return static_cast<double>(s_in) * static_cast<double>(s_w) / static_cast<double>(s_out); }
    // The same with the product rounded to float32.
    double float_ratio() const { return static_cast<double>(s_in * s_w) / static_cast<double>(s_out); }
    numeric::Interval multiplier() const {
        return numeric::Interval::point(static_cast<double>(s_in)) * tflm::ratio(s_w, s_out);
    }
};

// One per bound on an accumulator. Checks the node's tensors: int8 weights with zero point 0 and positive finite
// scales.
std::vector<LinearChannel> linear_channels(const NodeView& node, std::span<const std::int64_t> bounds);

// Upper bound on |b_c| |s_b - s_in s_w[c]| / s_out, in output steps.
double bias_error(const NodeView& node);

// make(channel) returns the channel's requantiser R: R(accumulator) is the result without zero point, before the clamp;
// R.error(M) is an Envelope for every M of the interval. Accumulator: LinearAccumulator, or that of 16-bit inputs.
template <class Accumulator, class Make>
Int8Kernel linear_kernel(const NodeView& node, Accumulator accumulator, Make&& make) {
    using R = decltype(make(LinearChannel{}));
    struct State {
        Accumulator accumulator;
        std::vector<R> channels;
        std::int32_t zero_point;

        auto requantise(ClampRange range) const {
            return [this, range](std::int64_t c, auto acc) {
                return int8::clamp(channels[static_cast<std::size_t>(c)](acc) + zero_point, range);
            };
        }
    };
    Int8Kernel kernel;
    kernel.clamp = int8::activation_range(node);
    const std::int32_t zero_point = tflite_tensor(node, node.output()).zero_point;
    auto state = std::make_shared<State>(State{std::move(accumulator), {}, zero_point});
    for (const LinearChannel& channel : linear_channels(node, state->accumulator.bounds())) {
        state->channels.push_back(make(channel));
        const Envelope error = state->channels.back().error(channel.multiplier());
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, error.absolute);
        kernel.envelope.relative = std::max(kernel.envelope.relative, error.relative);
    }
    kernel.envelope.absolute = numeric::add_up(kernel.envelope.absolute, bias_error(node));
    kernel.point = [state, clamp = kernel.clamp](std::span<const std::int32_t* const> x, std::int32_t* y) {
        state->accumulator.point(x[0], y, state->requantise(clamp));
    };
    const auto range_with = [state](ClampRange clamp) {
        return [state, clamp](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                              std::int32_t* out_lo, std::int32_t* out_hi) {
            state->accumulator.range(lo[0], hi[0], out_lo, out_hi, state->requantise(clamp));
        };
    };
    kernel.range = range_with(kernel.clamp);
    kernel.unclamped_range = range_with({INT32_MIN, INT32_MAX});
    return kernel;
}

// Variants A and B.
struct TwoRoundings {
    Multiplier multiplier;
    bool ties_up = false;

    // `ratio` is what the device computes of s_in s_w / s_out.
    TwoRoundings(const NodeView& node, const LinearChannel& channel, double ratio, bool up);
    std::int64_t operator()(std::int64_t x) const {
        return ties_up ? requantize_up(x, multiplier) : requantize(x, multiplier);
    }
    Envelope error(const numeric::Interval& exact) const { return requantize_error(multiplier, exact); }
};

}  // namespace gonogo::tflm
