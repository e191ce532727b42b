#include "joint/float_deployment.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gonogo::joint {

namespace {

std::string name_of(const numeric::FloatFormat& format) {
    if (format == numeric::binary16) return "float16";
    if (format == numeric::bfloat16) return "bfloat16";
    return format == numeric::binary32 ? "float32" : "float64";
}

// Weights kept as integers: theorem 83 of docs/soundness.md. onnxruntime's own choice for products of matrices is
// another.
void add_integer_weights(const Graph& graph, const numeric::FloatFormat& format, std::vector<std::string>& list) {
    std::string products;
    bool any = false;
    for (const Node& node : graph.nodes) {
        if (node.op->joint != JointKind::affine || node.inputs.size() < 2) continue;
        const Tensor& weights = graph.tensor(node.inputs[1]);
        if (!weights.is_constant || !weights.is_quantized()) continue;
        any = true;
        if (node.op->name == "dense") products += (products.empty() ? "'" : ", '") + node.name + "'";
    }
    if (any) {
        list.push_back("weights stored as integers are dequantised to " + name_of(format) +
                       ", scale * (q - zero point) rounded once, and multiplied by the layer's input as it is");
    }
    if (graph.format == "onnx" && !products.empty()) {
        list.push_back("onnxruntime runs " + products +
                       " so with the session option session.qdq_matmulnbits_accuracy_level = 0 or 1, or with graph "
                       "optimisations off or basic; its default, 4, rounds the layer's input to int8, which isn't "
                       "covered");
    }
}

}  // namespace

Rounding FloatDeployment::rounding(const NodeView& node) const {
    const FloatProgram::ErrorOf error = program_.error_of(node);
    if (!error) return {};
    return [error](const Sizes& sizes, std::span<double> out) {
        for (std::size_t i = 0; i < out.size(); ++i)
            out[i] =
                error({sizes.magnitude[i], i < sizes.mass.size() ? sizes.mass[i] : sizes.magnitude[i], sizes.operands});
    };
}

Deployment::Input FloatDeployment::input(std::size_t) const {
    Input in;
    in.rounding = [this](const Sizes& sizes, std::span<double> out) {
        for (std::size_t i = 0; i < out.size(); ++i) out[i] = program_.input_error(sizes.magnitude[i]);
    };
    return in;
}

std::vector<IntervalTensor> FloatDeployment::ranges(std::span<const IntervalTensor> box) const {
    std::vector<IntervalTensor> ranges;
    program_.run(box, ranges);
    return ranges;
}

// Inputs reach the device as float32 numbers: only those may be witnesses.
double FloatDeployment::settle(std::size_t, double x, double lo, double hi) const {
    x = std::min(std::max(x, lo), hi);
    float f = static_cast<float>(x);
    if (static_cast<double>(f) < lo) f = std::nextafter(f, std::numeric_limits<float>::infinity());
    if (static_cast<double>(f) > hi) f = std::nextafter(f, -std::numeric_limits<float>::infinity());
    return static_cast<double>(f);
}

std::vector<Enclosure> FloatDeployment::evaluate(std::span<const std::vector<double>> point,
                                                 std::span<const TensorId> tensors, int variant) const {
    std::vector<std::vector<double>> values;
    program_.evaluate(point, static_cast<FloatProgram::Order>(variant), values);
    std::vector<Enclosure> out;
    for (const TensorId t : tensors) {
        Enclosure e{values[static_cast<std::size_t>(t)], values[static_cast<std::size_t>(t)]};
        for (std::size_t i = 0; i < e.lo.size(); ++i) {
            // inf - inf on the device: no number is claimed.
            if (std::isnan(e.lo[i])) e.lo[i] = -unlimited, e.hi[i] = unlimited;
        }
        out.push_back(std::move(e));
    }
    return out;
}

std::vector<std::string> FloatDeployment::assumptions() const {
    const FloatingPoint& f = program_.format();
    std::vector<std::string> list;
    list.push_back("the device computes in floating point, to nearest: activations are stored in " +
                   name_of(f.activations) + ", weights and biases in " + name_of(f.weights) +
                   ", sums of products and their bias are formed in " + name_of(f.accumulator) +
                   " (or in float64, rounded once), in any order, with or without fused multiply-adds");
    list.push_back("convolutions are such sums (no Winograd or Fourier transforms)");
    list.push_back(f.may_flush ? "subnormal numbers may be flushed to zero anywhere"
                               : "subnormal numbers are kept: no flushing to zero");
    add_integer_weights(program_.graph(), f.weights, list);
    for (const Node& node : program_.graph().nodes) {
        const std::string_view op = node.op->name;
        if (op != "tanh" && op != "sigmoid" && op != "softmax") continue;
        std::string ulps = std::to_string(f.function_ulps);
        ulps.erase(ulps.find_last_not_of('0') + 1);
        if (ulps.back() == '.') ulps.pop_back();
        list.push_back("the device's exp, tanh and sigmoid are right to " + ulps +
                       " ulp; softmax subtracts the greatest element first");
        break;
    }
    list.push_back("inputs reach both networks as the same float32 numbers; ends of the box that aren't were widened");
    return list;
}

}  // namespace gonogo::joint
