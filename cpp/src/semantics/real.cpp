#include "gonogo/semantics/real.hpp"

#include <cmath>
#include <limits>

#include "ops/common.hpp"

namespace gonogo {

namespace {

// Inputs that a real kernel reads as tensors. The others are weights, which it holds itself, or shapes and paddings.
bool is_operand(const OperatorRecord& op, std::size_t input) {
    return input == 0 || op.name == "add" || op.name == "sub" || op.name == "mul" || op.name == "concat";
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
        // Plain integers are shapes on their way to a reshape: no real value depends on them.
        const bool is_number = view.output().dtype == DType::float32 || view.output().is_quantized();
        if (view.op().real != nullptr && is_number && !is_folded(*graph_, view.node())) {
            step.kernel = view.op().real(view);
            for (std::size_t k = 0; k < view.input_count(); ++k) {
                if (!view.has_input(k) || !view.input(k).is_constant || !is_operand(view.op(), k)) continue;
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

void RealProgram::run(std::span<const IntervalTensor> inputs, std::vector<IntervalTensor>& values,
                      const After& after) const {
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
        for (std::size_t k = 0; k < node.inputs.size(); ++k) {
            const TensorId t = node.inputs[k];
            if (t == absent || !is_operand(*node.op, k)) {
                in.push_back(nullptr);
                continue;
            }
            const auto at = static_cast<std::size_t>(t);
            const Tensor& tensor = g.tensor(t);
            const IntervalTensor* value = tensor.is_constant ? &constants_[at] : &values[at];
            if (value->size() == 0) {
                throw UnsupportedOperatorError(g.where(step.node) + ": input '" + tensor.name +
                                               "' comes from an operator that bounds can't follow");
            }
            in.push_back(value);
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
        if (after) after(step.node, out);
    }
}

}  // namespace gonogo
