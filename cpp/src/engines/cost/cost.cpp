// One walk over the graph: work, flash, arena, latency.
#include "gonogo/engines/cost.hpp"

#include <algorithm>

#include "gonogo/error.hpp"
#include "gonogo/ops/record.hpp"

#include "engines/cost/model.hpp"

namespace gonogo {

std::string_view name_of(Standing standing) {
    static constexpr std::string_view names[] = {"exact", "estimated", "assumed", "undecided"};
    return names[static_cast<std::size_t>(standing)];
}

namespace {

using namespace costing;

// Beyond this many buffers the quadratic planner would take seconds.
constexpr std::size_t most_buffers = 16384;

// Sums of counts from an untrusted file.
void add(std::int64_t& sum, std::int64_t value, const Graph& graph) {
    if (__builtin_add_overflow(sum, value, &sum)) throw ShapeError(graph.source + ": the counts don't fit 64 bits");
}

NodeCost work_of(const NodeView& view) {
    NodeCost cost;
    if (view.op().work != nullptr) {
        const Work work = view.op().work(view);
        cost.macs = work.macs.constant();
        cost.other_operations = work.other_operations.constant();
        cost.parameter_bytes = work.parameter_bytes.constant();
        return cost;
    }
    for (std::size_t i = 0; i < view.input_count(); ++i) {
        if (view.has_input(i) && view.input(i).is_constant) cost.parameter_bytes += view.input(i).stored_bytes();
    }
    return cost;
}

void check_shapes(const Graph& graph) {
    for (const Tensor& tensor : graph.tensors) {
        if (tensor.symbolic) {
            throw ShapeError(graph.source + ": tensor '" + tensor.name +
                             "' has a symbolic shape; cost needs concrete shapes");
        }
    }
}

void add_work(const Graph& graph, CostResult& result) {
    result.nodes.reserve(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const NodeCost& node = result.nodes.emplace_back(work_of(NodeView(graph, static_cast<NodeId>(i))));
        add(result.macs, node.macs, graph);
        add(result.other_operations, node.other_operations, graph);
        if (node.macs == 0) continue;
        const std::string_view op = graph.nodes[i].op->name;
        const auto found = std::find_if(result.macs_by_op.begin(), result.macs_by_op.end(),
                                        [&](const Part& part) { return part.first == op; });
        if (found == result.macs_by_op.end()) {
            result.macs_by_op.emplace_back(op, node.macs);
        } else {
            add(found->second, node.macs, graph);
        }
    }
    for (const Tensor& tensor : graph.tensors) {
        if (tensor.is_constant) add(result.parameter_bytes, tensor.stored_bytes(), graph);
    }
}

// TFLM stores the whole file. Without a TFLite file: constants, and what a converter adds around them. Over the
// corpus's 77 files that is 0.29 to 1.31 times the formula; the upper end allows 1.5 times.
void add_flash(const Graph& graph, CostResult& result) {
    result.flash_lower_bytes = result.parameter_bytes;
    if (graph.format == "tflite" && graph.file_bytes > 0) {
        result.flash_bytes = graph.file_bytes;
        result.flash_upper_bytes = graph.file_bytes;
        return;
    }
    std::int64_t channels = 0;
    for (const Tensor& tensor : graph.tensors) {
        if (!tensor.is_constant || !tensor.quantization || tensor.dtype == DType::int32) continue;
        channels += static_cast<std::int64_t>(tensor.quantization->scales.size());
    }
    const std::int64_t around = 4700 + 155 * static_cast<std::int64_t>(graph.tensors.size()) + 25 * channels;
    result.flash_bytes = result.parameter_bytes + around;
    result.flash_upper_bytes = result.parameter_bytes + around + around / 2;
    result.flash_standing = Standing::estimated;
    result.notes.emplace_back("flash: no TFLite file, so constants plus a typical overhead per tensor and channel");
}

// The largest sum of live buffers over the steps, and the node at whose step it is reached first.
void find_peak(const Buffers& buffers, std::size_t nodes, CostResult& result) {
    std::vector<std::int64_t> change(nodes + 2, 0);
    for (const BufferRequest& r : buffers.requests) {
        change[static_cast<std::size_t>(r.first)] += r.size_bytes;
        change[static_cast<std::size_t>(r.last) + 1] -= r.size_bytes;
    }
    std::int64_t live = 0;
    for (std::size_t step = 0; step <= nodes; ++step) {
        live += change[step];
        if (live <= result.ram_live_bytes) continue;
        result.ram_live_bytes = live;
        result.peak_node = static_cast<NodeId>(step) - 1;
    }
}

void add_memory(const Summary& summary, const CostTarget& target, CostResult& result) {
    const Buffers buffers = buffers_of(summary, target.kernels);
    find_peak(buffers, summary.nodes.size(), result);
    if (!summary.problem.empty()) {
        result.notes.push_back("RAM undecided: " + summary.problem);
        return;
    }
    if (buffers.requests.size() > most_buffers) {
        result.notes.push_back("RAM undecided: more than " + std::to_string(most_buffers) + " buffers to plan");
        return;
    }
    const std::vector<std::int64_t> offsets = greedy_offsets(buffers.requests);
    std::int64_t top = 0;
    for (std::size_t i = 0; i < offsets.size(); ++i) top = std::max(top, offsets[i] + buffers.requests[i].size_bytes);
    result.ram_activation_bytes = top;
    // Only a TFLite file fixes the tensors and the order of the nodes that the device will see.
    const bool scheduled = summary.is_tflite;
    result.ram_activation_standing = scheduled ? Standing::exact : Standing::estimated;
    if (!scheduled)
        result.notes.emplace_back("RAM: planned for the graph as it is; conversion to TFLite may fuse nodes");

    result.ram_persistent_parts = persistent_parts(summary, target);
    std::int64_t persistent = 0;
    for (const Part& part : result.ram_persistent_parts) persistent += part.second;
    result.ram_persistent_bytes = persistent;
    result.ram_persistent_standing = Standing::estimated;
    result.ram_bytes = top + persistent;
}

Bracket scaled(const Bracket& a, const Bracket& b) {
    return {a.lower * b.lower, a.estimate * b.estimate, a.upper * b.upper};
}

std::string place(const Summary& summary, std::size_t i) {
    const KernelFacts* kernel = summary.nodes[i].kernel;
    return summary.source + ": node " + std::to_string(i) + " '" + summary.node_names[i] + "' (" +
           std::string(kernel != nullptr ? kernel->op : "?") + ")";
}

void add_latency(const Summary& summary, const CostTarget& target, CostResult& result) {
    if (!target.clock_hz || !target.cycles_per_instruction) {
        result.notes.push_back("latency undecided: target '" + target.name + "' has no measured or assumed timing");
        return;
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < summary.nodes.size(); ++i) {
        const NodeFacts& node = summary.nodes[i];
        const bool known = node.timing != KernelClass::none;
        const Coefficients* coefficients = nullptr;
        if (known) {
            const auto& row = target.instructions[static_cast<std::size_t>(node.timing)];
            if (row) coefficients = &*row;
        }
        if (coefficients == nullptr) {
            result.notes.push_back("latency undecided: " + place(summary, i) + ": no timing for " +
                                   (node.computes_float ? "float32 kernels" : "this kernel") + " on target '" +
                                   target.name + "'");
            return;
        }
        double instructions = 0.0;
        for (std::size_t t = 0; t < term_count; ++t) instructions += (*coefficients)[t] * node.counts[t];
        result.nodes[i].instructions = instructions;
        sum += instructions;
    }
    result.instructions = sum;
    const double seconds = sum / *target.clock_hz;
    result.latency_seconds = scaled({seconds, seconds, seconds}, *target.cycles_per_instruction);
    result.latency_standing = target.latency_standing;
    if (target.power_watts) {
        result.energy_joules = scaled(*result.latency_seconds, *target.power_watts);
    } else {
        result.notes.push_back("energy undecided: target '" + target.name + "' has no measured power");
    }
}

}  // namespace

namespace costing {

Summary summarise(const Graph& graph) {
    check_shapes(graph);
    Summary summary;
    summary.source = graph.source;
    summary.is_tflite = graph.format == "tflite";
    summary.tensor_count = static_cast<std::int64_t>(graph.tensors.size());
    for (const TensorId t : graph.inputs) summary.input_quantized.push_back(graph.tensor(t).quantization.has_value());
    for (const TensorId t : graph.outputs) summary.output_quantized.push_back(graph.tensor(t).quantization.has_value());
    add_work(graph, summary.work);
    add_flash(graph, summary.work);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        summary.node_names.push_back(graph.nodes[i].name);
        summary.nodes.push_back(read_node(NodeView(graph, static_cast<NodeId>(i)), summary.work.nodes[i]));
        if (summary.problem.empty()) summary.problem = summary.nodes.back().problem;
    }
    find_lifetimes(graph, summary);
    return summary;
}

}  // namespace costing

CostModel::CostModel(const Graph& graph) : summary_(std::make_shared<const Summary>(summarise(graph))) {}

const std::string& CostModel::node_name(NodeId id) const {
    return summary_->node_names.at(static_cast<std::size_t>(id));
}

CostResult CostModel::cost(const CostTarget& target) const {
    CostResult result = summary_->work;
    add_memory(*summary_, target, result);
    add_latency(*summary_, target, result);
    return result;
}

std::vector<PlannedBuffer> CostModel::plan(const CostTarget& target) const {
    if (!summary_->problem.empty()) throw UnsupportedOperatorError(summary_->problem);
    const Buffers buffers = buffers_of(*summary_, target.kernels);
    if (buffers.requests.size() > most_buffers)
        throw UnsupportedOperatorError(summary_->source + ": too many buffers to plan");
    const std::vector<std::int64_t> offsets = greedy_offsets(buffers.requests);
    std::vector<PlannedBuffer> plan;
    plan.reserve(offsets.size());
    for (std::size_t i = 0; i < offsets.size(); ++i) {
        const std::size_t tensors = summary_->tensor_names.size();
        const BufferRequest& r = buffers.requests[i];
        plan.push_back({.name = i < tensors ? summary_->tensor_names[i]
                                            : node_name(buffers.scratch_nodes[i - tensors]) + " scratch",
                        .size_bytes = r.size_bytes,
                        .offset_bytes = offsets[i],
                        .first = r.first,
                        .last = r.last});
    }
    return plan;
}

}  // namespace gonogo
