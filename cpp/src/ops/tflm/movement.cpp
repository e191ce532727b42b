// Operators that copy stored integers: reshape, identity, transpose, strided_slice, pad, concat; and argmax.
// The device copies without looking at scales, so different parameters on the two sides show up in the envelope.
#include "ops/movement.hpp"

#include <cmath>
#include <memory>

#include "gonogo/error.hpp"

#include "ops/common.hpp"
#include "ops/tflm/requantize.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

struct Copy {
    Movement movement;
    std::size_t elements;
    std::int32_t fill;
    std::vector<std::vector<std::int32_t>> constants;  // per input; empty for activations

    void run(std::span<const std::int32_t* const> in, std::int32_t* out) const {
        if (movement.plain) {
            std::copy_n(constants[0].empty() ? in[0] : constants[0].data(), elements, out);
            return;
        }
        for (std::size_t o = 0; o < elements; ++o) {
            const Movement::Source s = movement.sources[o];
            const auto i = static_cast<std::size_t>(s.input);
            out[o] = s.input < 0 ? fill : (constants[i].empty() ? in[i] : constants[i].data())[s.element];
        }
    }
};

Int8Kernel copy(const NodeView& node) {
    const int8::Affine out = tflm::int8_tensor(node, node.output());
    if (node.has("activation") && node.text("activation") != "none") {
        throw UnsupportedOperatorError(node.message("the device has no fused activation here"));
    }
    Int8Kernel kernel;
    auto state = std::make_shared<Copy>(
        Copy{movement_of(node), static_cast<std::size_t>(node.output().elements()), out.zero_point, {}});
    // Further inputs of the other operators are shapes, paddings and permutations.
    const std::size_t operands = node.op().name == "concat" ? node.input_count() : 1;
    for (std::size_t i = 0; i < operands; ++i) {
        const Tensor& tensor = node.input(i);
        const Envelope e = tflm::copy_error(tflm::int8_tensor(node, tensor), out);
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, e.absolute);
        kernel.envelope.relative = std::max(kernel.envelope.relative, e.relative);
        state->constants.emplace_back();
        if (tensor.is_constant) state->constants.back() = int8::constant_integers(node, tensor);
    }
    if (state->movement.plain && node.input(0).elements() != node.output().elements()) {
        throw ShapeError(node.message("input and output must have the same number of elements"));
    }
    // Without a constant the device pads with the output's zero point; with one, with that stored integer.
    if (state->movement.fill != 0.0) {
        const double steps = state->movement.fill / static_cast<double>(out.scale);
        state->fill = int8::clamp(
            static_cast<std::int64_t>(std::round(std::min(std::max(steps, -1000.0), 1000.0))) + out.zero_point,
            {-128, 127});
        const Interval error = Interval::point(static_cast<double>(state->fill - out.zero_point)) -
                               Interval::point(state->movement.fill) / Interval::point(static_cast<double>(out.scale));
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, error.magnitude());
    }
    kernel.clamp = {-128, 127};
    kernel.point = [state](std::span<const std::int32_t* const> in, std::int32_t* y) { state->run(in, y); };
    kernel.range = [state](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                           std::int32_t* out_lo, std::int32_t* out_hi) {
        state->run(lo, out_lo);
        state->run(hi, out_hi);
    };
    return kernel;
}

}  // namespace

Int8Kernel tflm_reshape(const NodeView& node) {
    return copy(node);
}
Int8Kernel tflm_transpose(const NodeView& node) {
    return copy(node);
}
Int8Kernel tflm_strided_slice(const NodeView& node) {
    return copy(node);
}
Int8Kernel tflm_pad(const NodeView& node) {
    return copy(node);
}
Int8Kernel tflm_concat(const NodeView& node) {
    return copy(node);
}

// The first index of the greatest element. Over a box, i can be that index exactly when hi_i >= lo_j for all j > i and
// hi_i > lo_j for all j < i; the least and the greatest such i are returned. (The element with the greatest lo, the
// first of them, always qualifies.)
Int8Kernel tflm_argmax(const NodeView& node) {
    tflm::int8_tensor(node, node.input(0));
    const Shape& dims = node.input(0).dims;
    const std::size_t axis = checked_axis(node, node.integer("axis"), dims.size());
    const std::int64_t depth = dims[axis];
    std::int64_t inner = 1;
    for (std::size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
    const std::int64_t outputs = node.output().elements();
    if (depth < 1 || inner < 1 || outputs * depth != node.input(0).elements()) {
        throw ShapeError(node.message("the output's shape doesn't fit the axis"));
    }
    const auto each = [=](auto&& visit) {
        for (std::int64_t o = 0; o < outputs; ++o) visit(o, (o / inner) * depth * inner + o % inner);
    };
    Int8Kernel kernel;
    kernel.clamp = {0, static_cast<std::int32_t>(std::min<std::int64_t>(depth - 1, INT32_MAX))};
    kernel.point = [=](std::span<const std::int32_t* const> in, std::int32_t* out) {
        each([&](std::int64_t o, std::int64_t base) {
            std::int64_t best = 0;
            for (std::int64_t i = 1; i < depth; ++i) {
                if (in[0][base + i * inner] > in[0][base + best * inner]) best = i;
            }
            out[o] = static_cast<std::int32_t>(best);
        });
    };
    kernel.range = [=](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                       std::int32_t* out_lo, std::int32_t* out_hi) {
        each([&](std::int64_t o, std::int64_t base) {
            std::int64_t anchor = 0;  // first index of the greatest lo
            for (std::int64_t i = 1; i < depth; ++i) {
                if (lo[0][base + i * inner] > lo[0][base + anchor * inner]) anchor = i;
            }
            const std::int32_t bar = lo[0][base + anchor * inner];
            std::int64_t first = anchor;
            std::int64_t last = anchor;
            for (std::int64_t i = 0; i < depth; ++i) {
                const std::int32_t top = hi[0][base + i * inner];
                if (i < anchor ? top >= bar : top > bar) {
                    first = std::min(first, i);
                    last = std::max(last, i);
                }
            }
            out_lo[o] = static_cast<std::int32_t>(first);
            out_hi[o] = static_cast<std::int32_t>(last);
        });
    };
    return kernel;
}

}  // namespace gonogo
