#include "joint/integer_deployment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/numeric/rounding.hpp"

#include "ops/ort/ort.hpp"
#include "semantics/quantizer.hpp"

namespace gonogo::joint {

namespace {

bool from_float(const NodeView& node) {
    return node.op().name == "quantize" && node.input(0).dtype == DType::float32;
}

// The clamp in real units: integers in [lo, hi] stand for exactly these binary64 numbers.
RealClamp dequantized_clamp(const Tensor& t, ClampRange range) {
    return {dequantized(*t.quantization, range.lo), dequantized(*t.quantization, range.hi)};
}

Rounding envelope(double absolute, double relative) {
    return [absolute, relative](const Sizes& sizes, std::span<double> error) {
        for (std::size_t i = 0; i < error.size(); ++i)
            error[i] = numeric::add_up(absolute, numeric::mul_up(relative, sizes.magnitude[i]));
    };
}

}  // namespace

// float32 division and rounding: half a step and at most two relative roundings, for quotients that aren't clamped
// anyway.
Envelope IntegerDeployment::envelope_of(const NodeView& node) const {
    return from_float(node) ? Envelope{0.5, 0x1p-22} : program_.kernel(node.id()).envelope;
}

Rounding IntegerDeployment::rounding(const NodeView& node) const {
    const Tensor& out = node.output();
    if (!out.is_quantized()) {
        // To float32: the product scale * (q - zero_point) is rounded once, in some profiles a little more; movements
        // round nothing.
        if (node.op().name != "dequantize") return {};
        return envelope(dequantize_error(program_.profile(), *node.input(0).quantization), 0x1p-24);
    }
    if (moves(node)) return {};
    const Envelope e = envelope_of(node);
    return envelope(numeric::mul_up(e.absolute, static_cast<double>(out.quantization->scale())), e.relative);
}

double IntegerDeployment::quantum(const NodeView& node) const {
    const Tensor& out = node.output();
    if (!out.is_quantized() || moves(node) || envelope_of(node).absolute < 0.5) return 0.0;
    return static_cast<double>(out.quantization->scale());
}

RealClamp IntegerDeployment::clamp(const NodeView& node) const {
    const Tensor& out = node.output();
    if (!out.is_quantized() || moves(node)) return no_clamp;
    return dequantized_clamp(out, from_float(node) ? storage_limits(out) : program_.kernel(node.id()).clamp);
}

Deployment::Input IntegerDeployment::input(std::size_t k) const {
    const Tensor& t = input_tensor(k);
    Input in;
    if (!t.is_quantized()) return in;
    const double step = numeric::mul_up(static_cast<double>(t.quantization->scale()), quantizer_steps(t));
    in.rounding = envelope(step, 0.0);
    in.clamp = dequantized_clamp(t, storage_limits(t));
    return in;
}

std::vector<DeviceRange> IntegerDeployment::integer_ranges(std::span<const IntervalTensor> box) const {
    std::vector<DeviceRange> inputs;
    for (std::size_t k = 0; k < box.size(); ++k) inputs.push_back(quantize_box(input_tensor(k), box[k]));
    std::vector<DeviceRange> ranges;
    program_.run(std::span<const DeviceRange>(inputs), ranges);
    return ranges;
}

std::vector<IntervalTensor> IntegerDeployment::ranges(std::span<const IntervalTensor> box) const {
    const std::vector<DeviceRange> integers = integer_ranges(box);
    std::vector<IntervalTensor> real(integers.size());
    for (std::size_t t = 0; t < real.size(); ++t) {
        if (!integers[t].integers.lo.empty() || integers[t].floats.size() > 0)
            real[t] = real_range(graph().tensors[t], integers[t]);
    }
    return real;
}

// Float inputs reach the device as float32 numbers: only those may be witnesses.
double IntegerDeployment::settle(std::size_t k, double x, double lo, double hi) const {
    x = std::min(std::max(x, lo), hi);
    if (input_tensor(k).is_quantized()) return x;
    float f = static_cast<float>(x);
    if (static_cast<double>(f) < lo) f = std::nextafter(f, std::numeric_limits<float>::infinity());
    if (static_cast<double>(f) > hi) f = std::nextafter(f, -std::numeric_limits<float>::infinity());
    return static_cast<double>(f);
}

// Also of a float input that only a quantiser reads.
double IntegerDeployment::input_step(std::size_t k) const {
    const Tensor& t = input_tensor(k);
    if (t.is_quantized()) return static_cast<double>(t.quantization->scale());
    for (std::size_t n = 0; n < graph().nodes.size(); ++n) {
        const NodeView node(graph(), static_cast<NodeId>(n));
        if (from_float(node) && node.node().inputs[0] == graph().inputs[k])
            return static_cast<double>(node.output().quantization->scale());
    }
    return 0.0;
}

std::vector<Enclosure> IntegerDeployment::evaluate(std::span<const std::vector<double>> point,
                                                   std::span<const TensorId> tensors, int variant) const {
    std::vector<DeviceValue> inputs;
    for (std::size_t k = 0; k < point.size(); ++k) {
        DeviceValue v;
        for (const double x : point[k]) {
            if (input_tensor(k).is_quantized()) {
                v.integers.push_back(quantize_point(input_tensor(k), x));
            } else {
                v.floats.push_back(static_cast<float>(x));
            }
        }
        inputs.push_back(std::move(v));
    }
    std::vector<DeviceValue> values;
    const bool any = program_.profile() == Profile::any;
    (any ? members_[static_cast<std::size_t>(variant)] : program_).run(std::span<const DeviceValue>(inputs), values);
    std::vector<Enclosure> out;
    for (const TensorId t : tensors) {
        const DeviceValue& v = values[static_cast<std::size_t>(t)];
        std::vector<double> real;
        if (graph().tensor(t).is_quantized()) {
            for (const std::int32_t q : v.integers) real.push_back(dequantized(*graph().tensor(t).quantization, q));
        } else {
            for (const float f : v.floats) real.push_back(static_cast<double>(f));
        }
        out.push_back({real, real});
    }
    return out;
}

std::vector<std::string> IntegerDeployment::assumptions() const {
    const Graph& g = graph();
    std::vector<std::string> list{assumption_of(program_.profile())};
    for (std::size_t n = 0; n < g.nodes.size(); ++n) {
        for (const LeftOut& gap : program_.kernel(static_cast<NodeId>(n)).left_out) {
            list.push_back("profile " + std::string(name_of(gap.profile)) + " isn't among the mixture: " + gap.reason);
        }
    }
    const auto wide_softmax = [&](const Node& n) {
        return n.op->name == "softmax" && g.tensor(n.outputs[0]).dtype == DType::int16;
    };
    if (std::any_of(g.nodes.begin(), g.nodes.end(), wide_softmax)) {
        list.emplace_back(
            "the table of exponentials that the device's softmax on int16 computes is exact to the last "
            "integer");
    }
    for (const TensorId t : g.inputs) {
        if (g.tensor(t).is_quantized()) {
            list.push_back("input '" + g.tensor(t).name +
                           "' is quantised to a nearest integer, ties either way, and saturated");
        } else {
            list.push_back(
                "input '" + g.tensor(t).name +
                "' reaches both networks as the same float32 numbers; ends of the box that aren't were widened");
        }
    }
    const bool ort = program_.profile() == Profile::ort || program_.profile() == Profile::any;
    for (std::size_t n = 0; ort && n < g.nodes.size(); ++n) {
        const std::string text = ort_machine_assumption(NodeView(g, static_cast<NodeId>(n)));
        if (!text.empty()) list.push_back(text);
    }
    return list;
}

}  // namespace gonogo::joint
