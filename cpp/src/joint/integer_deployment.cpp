#include "joint/integer_deployment.hpp"

#include "gonogo/numeric/rounding.hpp"

#include "semantics/quantizer.hpp"

namespace gonogo::joint {

namespace {

// Kernels that only pass integers on.
bool moves(const NodeView& node) {
    return node.op().name == "reshape" || node.op().name == "identity";
}

bool from_float(const NodeView& node) {
    return node.op().name == "quantize" && node.input(0).dtype == DType::float32;
}

// The clamp in real units: integers in [lo, hi] stand for exactly these binary64 numbers.
RealClamp dequantized_clamp(const Tensor& t, ClampRange range) {
    return {dequantized(*t.quantization, range.lo), dequantized(*t.quantization, range.hi)};
}

Rounding envelope(double absolute, double relative) {
    return [absolute, relative](std::span<const double> magnitude, auto, std::span<double> error) {
        for (std::size_t i = 0; i < error.size(); ++i)
            error[i] = numeric::add_up(absolute, numeric::mul_up(relative, magnitude[i]));
    };
}

}  // namespace

Rounding IntegerDeployment::rounding(const NodeView& node) const {
    const Tensor& out = node.output();
    if (!out.is_quantized()) {
        // To float32: the product scale * (q - zero_point) is rounded once; movements round nothing.
        return node.op().name == "dequantize" ? envelope(0x1p-149, 0x1p-24) : Rounding{};
    }
    if (moves(node)) return {};
    // float32 division and rounding: half a step and at most two relative roundings, for quotients that aren't clamped
    // anyway.
    const Envelope e = from_float(node) ? Envelope{0.5, 0x1p-22} : program_.kernel(node.id()).envelope;
    return envelope(numeric::mul_up(e.absolute, static_cast<double>(out.quantization->scale())), e.relative);
}

RealClamp IntegerDeployment::clamp(const NodeView& node) const {
    const Tensor& out = node.output();
    if (!out.is_quantized() || moves(node)) return no_clamp;
    return dequantized_clamp(out, from_float(node) ? storage_limits(out) : program_.kernel(node.id()).clamp);
}

Deployment::Input IntegerDeployment::input(std::size_t k) const {
    const Tensor& t = graph().tensor(graph().inputs[k]);
    Input in;
    if (!t.is_quantized()) return in;
    const double step = numeric::mul_up(static_cast<double>(t.quantization->scale()), quantizer_steps);
    in.rounding = envelope(step, 0.0);
    in.clamp = dequantized_clamp(t, storage_limits(t));
    return in;
}

}  // namespace gonogo::joint
