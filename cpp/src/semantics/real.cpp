#include "gonogo/semantics/real.hpp"

#include <cmath>
#include <limits>

#include "ops/common.hpp"

namespace gonogo {

namespace {

// Constants that a real kernel reads as tensors: operands of arithmetic. Weights and shape arguments are not among
// them.
bool is_operand(const Tensor& t) {
    return t.is_constant && t.has_values && (t.dtype == DType::float32 || t.is_quantized()) && t.dtype != DType::int32;
}

bool holds_its_own(const OperatorRecord& op) {
    return op.name == "dense" || op.name == "conv2d" || op.name == "depthwise_conv2d" || op.name == "batch_norm";
}

}  // namespace

bool is_folded(const Graph& graph, const Node& node) {
    for (const TensorId t : node.outputs) {
        if (!graph.tensor(t).known_value) return false;
    }
    return true;
}

RealProgram::RealProgram(std::shared_ptr<const Graph> graph)
    : graph_(std::move(graph)), constants_(graph_->tensors.size()) {
    for (std::size_t i = 0; i < graph_->nodes.size(); ++i) {
        const auto id = static_cast<NodeId>(i);
        const NodeView view(*graph_, id);
        Step step{id, nullptr};
        if (view.op().real != nullptr && !is_folded(*graph_, view.node())) {
            step.kernel = view.op().real(view);
            for (std::size_t k = 0; k < view.input_count() && !holds_its_own(view.op()); ++k) {
                if (!view.has_input(k) || !is_operand(view.input(k))) continue;
                IntervalTensor& c = constants_[static_cast<std::size_t>(view.node().inputs[k])];
                if (c.size() > 0) continue;
                c = IntervalTensor(view.input(k).dims);
                c.lo = real_values(view, view.input(k));
                c.hi = c.lo;
            }
        }
        steps_.push_back(std::move(step));
    }
}

void RealProgram::run(std::span<const IntervalTensor> inputs, std::vector<IntervalTensor>& values) const {
    const Graph& g = *graph_;
    if (inputs.size() != g.inputs.size()) {
        throw BoxError(g.source + ": " + std::to_string(inputs.size()) + " boxes given, the model has " +
                       std::to_string(g.inputs.size()) + " inputs");
    }
    values.resize(g.tensors.size());
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        const Tensor& t = g.tensor(g.inputs[i]);
        if (inputs[i].size() != static_cast<std::size_t>(t.elements())) {
            throw BoxError(g.source + ": the box of input '" + t.name + "' has " + std::to_string(inputs[i].size()) +
                           " elements, the input " + to_string(t.dims));
        }
        values[static_cast<std::size_t>(g.inputs[i])] = inputs[i];
    }
    std::vector<const IntervalTensor*> in;
    for (const Step& step : steps_) {
        if (!step.kernel) continue;
        const Node& node = g.node(step.node);
        in.clear();
        for (const TensorId t : node.inputs) {
            if (t == absent) {
                in.push_back(nullptr);
                continue;
            }
            const auto at = static_cast<std::size_t>(t);
            const Tensor& tensor = g.tensor(t);
            const IntervalTensor* value = tensor.is_constant ? &constants_[at] : &values[at];
            if (!tensor.is_constant && value->size() == 0 && tensor.elements() > 0 &&
                (tensor.dtype == DType::float32 || tensor.is_quantized())) {
                throw UnsupportedOperatorError(g.where(step.node) + ": input '" + tensor.name +
                                               "' comes from an operator that bounds can't follow");
            }
            in.push_back(value->size() == 0 ? nullptr : value);
        }
        IntervalTensor& out = values[static_cast<std::size_t>(node.outputs[0])];
        const Tensor& result = g.tensor(node.outputs[0]);
        if (out.size() != static_cast<std::size_t>(result.elements())) out = IntervalTensor(result.dims);
        step.kernel(in, out);
        for (std::size_t i = 0; i < out.size(); ++i) {
            // NaN never leaves a kernel as a number: it means "unbounded".
            if (!(out.lo[i] <= out.hi[i])) {
                out.lo[i] = -std::numeric_limits<double>::infinity();
                out.hi[i] = std::numeric_limits<double>::infinity();
            }
        }
    }
}

}  // namespace gonogo
