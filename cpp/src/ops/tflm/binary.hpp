// add, sub, mul with numpy broadcasting in the TFLite runtimes; either operand may be a quantised constant.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "ops/tflm/requantize.hpp"

namespace gonogo::tflm {

using Indices = std::vector<std::int64_t>;

struct Operand {
    int8::Affine q;
    ClampRange storage;
    Indices indices;
    std::vector<std::int32_t> constant;  // empty for an activation

    const std::int32_t* data(const std::int32_t* given) const { return constant.empty() ? given : constant.data(); }
    std::size_t at(std::size_t i) const { return indices.empty() ? i : static_cast<std::size_t>(indices[i]); }
    std::int64_t reach() const { return int8::largest_centred(storage, q.zero_point); }
    double scale() const { return static_cast<double>(q.scale); }
};

Operand operand(const NodeView& node, std::size_t i);

// y = A(a b; ratio), `ratio` being what the device computes of s_a s_b / s_out.
Int8Kernel product(const NodeView& node, double ratio);

struct Ends {
    std::int64_t lo, hi;
};

// What the three operators share. `combine` encloses, exactly, the requantised value (zero point removed) over boxes of
// centred operands.
template <class Combine>
Int8Kernel binary(const NodeView& node, Operand first, Operand second, Envelope envelope, Combine combine) {
    struct State {
        Operand a, b;
        std::size_t elements;
        std::int32_t zero_point;
        Combine combine;
    };
    const std::int32_t zero_point = tflite_tensor(node, node.output()).zero_point;
    const auto elements = static_cast<std::size_t>(node.output().elements());
    const auto state =
        std::make_shared<const State>(State{std::move(first), std::move(second), elements, zero_point, combine});
    Int8Kernel kernel;
    kernel.envelope = envelope;
    kernel.clamp = int8::activation_range(node);
    kernel.point = [state, clamp = kernel.clamp](std::span<const std::int32_t* const> in, std::int32_t* out) {
        const std::int32_t* a = state->a.data(in[0]);
        const std::int32_t* b = state->b.data(in[1]);
        for (std::size_t i = 0; i < state->elements; ++i) {
            const std::int32_t qa = a[state->a.at(i)] - state->a.q.zero_point;
            const std::int32_t qb = b[state->b.at(i)] - state->b.q.zero_point;
            out[i] = int8::clamp(state->combine.value(qa, qb) + state->zero_point, clamp);
        }
    };
    const auto range_with = [state](ClampRange clamp) {
        return [state, clamp](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                              std::int32_t* out_lo, std::int32_t* out_hi) {
            const Operand& a = state->a;
            const Operand& b = state->b;
            for (std::size_t i = 0; i < state->elements; ++i) {
                const Ends ea{a.data(lo[0])[a.at(i)] - a.q.zero_point, a.data(hi[0])[a.at(i)] - a.q.zero_point};
                const Ends eb{b.data(lo[1])[b.at(i)] - b.q.zero_point, b.data(hi[1])[b.at(i)] - b.q.zero_point};
                const Ends y = state->combine.range(ea, eb);
                out_lo[i] = int8::clamp(y.lo + state->zero_point, clamp);
                out_hi[i] = int8::clamp(y.hi + state->zero_point, clamp);
            }
        };
    };
    kernel.range = range_with(kernel.clamp);
    kernel.unclamped_range = range_with({INT32_MIN, INT32_MAX});
    return kernel;
}

}  // namespace gonogo::tflm
