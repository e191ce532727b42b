// Operators that copy stored integers: reshape, identity, transpose, strided_slice, pad, concat.
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
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
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
        const Envelope e = tflm::copy_error(tflm::tflite_tensor(node, tensor), out);
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, e.absolute);
        kernel.envelope.relative = std::max(kernel.envelope.relative, e.relative);
        state->constants.emplace_back();
        if (tensor.is_constant) state->constants.back() = int8::constant_integers(node, tensor);
    }
    if (state->movement.plain && node.input(0).elements() != node.output().elements()) {
        throw ShapeError(node.message("input and output must have the same number of elements"));
    }
    // Without a constant the device pads with the output's zero point; with one, with that stored integer.
    kernel.clamp = int8::storage_range(node, node.output());
    if (state->movement.fill != 0.0) {
        const double steps = state->movement.fill / static_cast<double>(out.scale);
        state->fill = int8::clamp(
            static_cast<std::int64_t>(std::round(std::min(std::max(steps, -1e6), 1e6))) + out.zero_point, kernel.clamp);
        const Interval error = Interval::point(static_cast<double>(state->fill - out.zero_point)) -
                               Interval::point(state->movement.fill) / Interval::point(static_cast<double>(out.scale));
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, error.magnitude());
    }
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

}  // namespace gonogo
