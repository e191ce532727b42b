#include "gonogo/semantics/integer.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/error.hpp"
#include "gonogo/semantics/real.hpp"

#include "ops/movement.hpp"
#include "semantics/device_float.hpp"

namespace gonogo {

namespace {

// Premises of the rounding envelopes. An input's quotient by its scale must not suffer from float32 underflow; all but
// TFLite Micro also multiply and divide scales in float32, where products of three factors have to stay normal.
void check_scales(const Graph& g, Profile profile) {
    const bool wide = profile == Profile::tflm || profile == Profile::litert_ref;
    const float least = wide ? 0x1p-100F : 0x1p-30F;
    const float most = wide ? 0x1p100F : 0x1p30F;
    const auto check = [&](const Tensor& t, const std::string& where) {
        if (!t.is_quantized() || t.dtype == DType::int32 || t.dtype == DType::int64) return;
        for (const float s : t.quantization->scales) {
            if (s < least || s > most) {
                throw QuantizationError(where + ": tensor '" + t.name + "' has a scale outside " +
                                        (wide ? "[2^-100, 2^100]" : "[2^-30, 2^30]") +
                                        ", where this profile's arithmetic on scales isn't proved");
            }
        }
    };
    for (const TensorId t : g.inputs) check(g.tensor(t), g.source);
    for (std::size_t n = 0; n < g.nodes.size(); ++n) {
        const Node& node = g.nodes[n];
        const bool weights = node.op->joint == JointKind::affine;
        for (std::size_t k = 0; k < (weights ? 1 : node.inputs.size()); ++k) {
            if (node.inputs[k] != absent) check(g.tensor(node.inputs[k]), g.where(static_cast<NodeId>(n)));
        }
        for (const TensorId t : node.outputs) check(g.tensor(t), g.where(static_cast<NodeId>(n)));
    }
}

// Conversions between float32 and int16 are known of the TFLite runtimes, with zero point 0.
void check_conversion(const NodeView& node, Profile profile) {
    for (const Tensor* t : {&node.input(0), &node.output()}) {
        if (t->dtype != DType::int16) continue;
        if (profile == Profile::ort) {
            throw UnsupportedOperatorError(
                node.message("profile 'ort' has no integer kernel for this operator on int16 tensors"));
        }
        if (t->quantization && t->quantization->zero_point() != 0) {
            throw QuantizationError(node.message("tensor '" + t->name + "' is int16 and must have zero point 0"));
        }
    }
}

std::size_t elements(const Tensor& t) {
    return static_cast<std::size_t>(t.elements());
}

}  // namespace

ClampRange storage_limits(const Tensor& tensor) {
    switch (tensor.dtype) {
        case DType::int8:
            return {-128, 127};
        case DType::uint8:
            return {0, 255};
        case DType::int16:
            return {-32768, 32767};
        default:
            throw UnsupportedTypeError("tensor '" + tensor.name + "' has element type " +
                                       std::string(name_of(tensor.dtype)) +
                                       "; the integer profiles handle int8, uint8 and int16");
    }
}

IntervalTensor real_range(const Tensor& tensor, const DeviceRange& range) {
    if (!tensor.is_quantized()) return range.floats;
    IntervalTensor out(tensor.dims);
    for (std::size_t i = 0; i < out.size() && i < range.integers.lo.size(); ++i) {
        out.lo[i] = dequantized(*tensor.quantization, range.integers.lo[i]);
        out.hi[i] = dequantized(*tensor.quantization, range.integers.hi[i]);
    }
    return out;
}

IntegerProgram::Way IntegerProgram::way_of(const NodeView& view) const {
    const std::string_view op = view.op().name;
    if (is_folded(*graph_, view.node()) || op == "argmax") return Way::left_out;
    if (op == "dequantize") return Way::dequantize;
    if (op == "quantize" && view.input(0).dtype == DType::float32) return Way::quantize;
    if (view.output().dtype == DType::float32) {
        if (op == "reshape" || op == "identity") return Way::move;
        throw UnsupportedOperatorError(view.message(
            "this operator runs in float32 on the device; the integer profiles bound integer arithmetic only. "
            "Quantise this layer, or end the model before it"));
    }
    return Way::integer;
}

IntegerProgram::IntegerProgram(std::shared_ptr<const Graph> graph, Profile profile)
    : graph_(std::move(graph)), profile_(profile) {
    check_scales(*graph_, profile);
    std::vector<bool> known(graph_->tensors.size(), false);
    for (const TensorId t : graph_->inputs) known[static_cast<std::size_t>(t)] = true;
    for (std::size_t i = 0; i < graph_->nodes.size(); ++i) {
        const NodeView view(*graph_, static_cast<NodeId>(i));
        Step step;
        step.way = way_of(view);
        if (step.way != Way::left_out) {
            for (std::size_t k = 0; k < view.input_count(); ++k) {
                if (!view.has_input(k) || view.input(k).is_constant || view.input(k).known_value) continue;
                if (!known[static_cast<std::size_t>(view.node().inputs[k])]) {
                    throw UnsupportedOperatorError(view.message("input '" + view.input(k).name +
                                                                "' comes from an operator that bounds can't follow"));
                }
            }
            known[static_cast<std::size_t>(view.node().outputs[0])] = true;
        }
        if (step.way == Way::quantize || step.way == Way::dequantize) check_conversion(view, profile);
        if (step.way == Way::integer) {
            step.kernel = integer_rule(view, profile)(view);
        }
        steps_.push_back(std::move(step));
    }
}

std::vector<IntegerProgram> IntegerProgram::members() const {
    std::vector<IntegerProgram> programs;
    for (const Profile p : concrete_profiles) {
        const bool covered = std::all_of(steps_.begin(), steps_.end(), [&](const Step& step) {
            return std::none_of(step.kernel.left_out.begin(), step.kernel.left_out.end(),
                                [&](const LeftOut& l) { return l.profile == p; });
        });
        if (!covered) continue;
        try {
            programs.emplace_back(graph_, p);
        } catch (const Error&) {  // this profile refuses the graph: it has no points there
            continue;
        }
    }
    return programs;
}

void IntegerProgram::check_inputs(std::size_t given) const {
    if (given != graph_->inputs.size()) {
        throw BoxError(graph_->source + ": " + std::to_string(given) + " inputs given, the model has " +
                       std::to_string(graph_->inputs.size()));
    }
}

void IntegerProgram::run(std::span<const DeviceValue> inputs, std::vector<DeviceValue>& values) const {
    const Graph& g = *graph_;
    check_inputs(inputs.size());
    if (profile_ == Profile::any) {
        throw UnsupportedOperatorError(g.source +
                                       ": profile 'any' stands for several kernels at once and has no exact "
                                       "integers; evaluate a concrete profile");
    }
    values.resize(g.tensors.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Tensor& t = g.tensor(g.inputs[i]);
        const std::size_t n = t.is_quantized() ? inputs[i].integers.size() : inputs[i].floats.size();
        if (n != elements(t))
            throw BoxError(g.source + ": input '" + t.name + "' needs " + std::to_string(elements(t)) + " elements, " +
                           std::to_string(n) + " given");
        values[static_cast<std::size_t>(g.inputs[i])] = inputs[i];
    }
    std::vector<const std::int32_t*> in;
    for (std::size_t s = 0; s < steps_.size(); ++s) {
        const Step& step = steps_[s];
        if (step.way == Way::left_out) continue;
        const Node& node = g.nodes[s];
        const DeviceValue& x = values[static_cast<std::size_t>(node.inputs[0])];
        DeviceValue& out = values[static_cast<std::size_t>(node.outputs[0])];
        const Tensor& result = g.tensor(node.outputs[0]);
        switch (step.way) {
            case Way::move:
                out.floats = x.floats;
                break;
            case Way::quantize:
                out.integers.resize(elements(result));
                for (std::size_t i = 0; i < out.integers.size(); ++i)
                    out.integers[i] = quantize_float(profile_, x.floats[i], result, i);
                break;
            case Way::dequantize:
                out.floats.resize(elements(result));
                for (std::size_t i = 0; i < out.floats.size(); ++i)
                    out.floats[i] = dequantize(profile_, x.integers[i], g.tensor(node.inputs[0]), i);
                break;
            default:
                in.clear();
                for (const TensorId t : node.inputs) {
                    const DeviceValue* v = t == absent ? nullptr : &values[static_cast<std::size_t>(t)];
                    in.push_back(v == nullptr || v->integers.empty() ? nullptr : v->integers.data());
                }
                out.integers.resize(elements(result));
                if (!step.kernel.point) {
                    throw UnsupportedOperatorError(
                        NodeView(g, static_cast<NodeId>(s))
                            .message("profile '" + std::string(name_of(profile_)) + "' has no exact integers for it"));
                }
                step.kernel.point(in, out.integers.data());
        }
    }
}

void IntegerProgram::run(std::span<const DeviceRange> inputs, std::vector<DeviceRange>& ranges) const {
    const Graph& g = *graph_;
    check_inputs(inputs.size());
    ranges.resize(g.tensors.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Tensor& t = g.tensor(g.inputs[i]);
        const std::size_t n = t.is_quantized() ? inputs[i].integers.lo.size() : inputs[i].floats.size();
        if (n != elements(t))
            throw BoxError(g.source + ": input '" + t.name + "' needs " + std::to_string(elements(t)) + " elements, " +
                           std::to_string(n) + " given");
        ranges[static_cast<std::size_t>(g.inputs[i])] = inputs[i];
    }
    std::vector<const std::int32_t*> lo, hi;
    for (std::size_t s = 0; s < steps_.size(); ++s) {
        const Step& step = steps_[s];
        if (step.way == Way::left_out) continue;
        const Node& node = g.nodes[s];
        const DeviceRange& x = ranges[static_cast<std::size_t>(node.inputs[0])];
        DeviceRange& out = ranges[static_cast<std::size_t>(node.outputs[0])];
        const Tensor& result = g.tensor(node.outputs[0]);
        const std::size_t n = elements(result);
        switch (step.way) {
            case Way::move:
                out.floats = x.floats;
                out.floats.shape = result.dims;
                break;
            case Way::quantize:
                out.integers = quantize_range(profile_, x.floats, result);
                break;
            case Way::dequantize: {
                const Quantization& q = *g.tensor(node.inputs[0]).quantization;
                out.floats = IntervalTensor(result.dims);
                for (std::size_t i = 0; i < n; ++i) {
                    const numeric::Interval v = dequantize_range(profile_, x.integers.lo[i], x.integers.hi[i], q);
                    out.floats.lo[i] = v.lo;
                    out.floats.hi[i] = v.hi;
                }
                break;
            }
            default:
                lo.clear();
                hi.clear();
                for (const TensorId t : node.inputs) {
                    const DeviceRange* v = t == absent ? nullptr : &ranges[static_cast<std::size_t>(t)];
                    const bool none = v == nullptr || v->integers.lo.empty();
                    lo.push_back(none ? nullptr : v->integers.lo.data());
                    hi.push_back(none ? nullptr : v->integers.hi.data());
                }
                out.integers.lo.resize(n);
                out.integers.hi.resize(n);
                step.kernel.range(lo, hi, out.integers.lo.data(), out.integers.hi.data());
        }
    }
}

}  // namespace gonogo
