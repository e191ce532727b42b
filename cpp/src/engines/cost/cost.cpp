// One walk over the graph: work, flash, arena, latency.
#include "gonogo/engines/cost.hpp"

#include <algorithm>

#include "gonogo/error.hpp"
#include "gonogo/ops/record.hpp"

#include "engines/cost/model.hpp"
#include "ops/common.hpp"

namespace gonogo {

std::string_view name_of(Standing standing) {
    static constexpr std::string_view names[] = {"exact", "estimated", "assumed", "undecided"};
    return names[static_cast<std::size_t>(standing)];
}

namespace {

using namespace costing;

// Beyond this many buffers the quadratic planner would take seconds.
constexpr std::size_t most_buffers = 16384;

void check_shapes(const Graph& graph) {
    for (const Tensor& tensor : graph.tensors) {
        if (tensor.symbolic || tensor.merge) {
            throw ShapeError(graph.source + ": tensor '" + tensor.name +
                             "' has a symbolic shape; cost needs concrete shapes");
        }
    }
}

SymbolicWork work_of(const NodeView& view) {
    SymbolicWork cost;
    if (view.op().work != nullptr) {
        const Work work = view.op().work(view);
        cost.macs = work.macs;
        cost.other_operations = work.other_operations;
        cost.parameter_bytes = work.parameter_bytes;
    } else {
        cost.parameter_bytes = constant_bytes(view);
    }
    return cost;
}

Expr stored_bytes(const Tensor& tensor) {
    return tensor.packed_int4 ? Expr(tensor.stored_bytes()) : count(tensor.shape) * tensor.element_bytes();
}

void add_work(const Graph& graph, Summary& summary) {
    summary.work.reserve(graph.nodes.size());
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const SymbolicWork& node = summary.work.emplace_back(work_of(NodeView(graph, static_cast<NodeId>(i))));
        summary.total.macs = summary.total.macs + graph.nodes[i].active * node.macs;
        summary.total.other_operations = summary.total.other_operations + graph.nodes[i].active * node.other_operations;
    }
    for (const Tensor& tensor : graph.tensors) {
        const Expr is_there = exists(graph, tensor);
        summary.tensor_count = summary.tensor_count + is_there;
        if (tensor.is_constant)
            summary.total.parameter_bytes = summary.total.parameter_bytes + is_there * stored_bytes(tensor);
    }
}

void add_schedule(const Graph& graph, Summary& summary) {
    Schedule& schedule = summary.schedule;
    schedule.inputs = graph.inputs;
    schedule.outputs = graph.outputs;
    for (const Node& node : graph.nodes) schedule.steps.push_back({node.active, node.inputs, node.outputs});
    for (std::size_t t = 0; t < graph.tensors.size(); ++t) {
        const Tensor& tensor = graph.tensors[t];
        schedule.merges.push_back(tensor.merge);
        if (tensor.is_constant || tensor.merge) continue;
        const Expr bytes = aligned(count(tensor.shape) * tensor.element_bytes());
        summary.activations.push_back({static_cast<TensorId>(t), tensor.name, bytes});
    }
}

void set_work(const Graph& graph, const Summary& summary, CostResult& result) {
    result.macs = summary.total.macs.constant();
    result.other_operations = summary.total.other_operations.constant();
    result.parameter_bytes = summary.total.parameter_bytes.constant();
    result.nodes.reserve(summary.work.size());
    for (std::size_t i = 0; i < summary.work.size(); ++i) {
        const SymbolicWork& work = summary.work[i];
        const NodeCost& node = result.nodes.emplace_back(NodeCost{.macs = work.macs.constant(),
                                                                  .other_operations = work.other_operations.constant(),
                                                                  .parameter_bytes = work.parameter_bytes.constant(),
                                                                  .instructions = std::nullopt,
                                                                  .seconds = std::nullopt});
        if (node.macs == 0) continue;
        const std::string_view op = graph.nodes[i].op->name;
        const auto found = std::find_if(result.macs_by_op.begin(), result.macs_by_op.end(),
                                        [&](const Part& part) { return part.first == op; });
        if (found == result.macs_by_op.end()) {
            result.macs_by_op.emplace_back(op, node.macs);
        } else {
            found->second += node.macs;
        }
    }
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

void add_memory(const Summary& summary, const std::vector<Life>& lives, const CostTarget& target, CostResult& result) {
    const Buffers buffers = buffers_of(summary, lives, target.kernels);
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
    const bool exact = summary.is_scheduled() && target.plans_as_tflm;
    result.ram_activation_standing = exact ? Standing::exact : Standing::estimated;
    if (!target.plans_as_tflm)
        result.notes.emplace_back(
            "RAM: the engine plans in a way of its own; TensorFlow Lite Micro's plan estimates it");
    if (!summary.is_scheduled())
        result.notes.emplace_back("RAM: planned for the graph as it is; conversion to TFLite may fuse nodes");

    std::int64_t persistent = 0;
    for (const SymbolicPart& part : persistent_parts(summary, target)) {
        result.ram_persistent_parts.emplace_back(part.first, part.second.constant());
        persistent += result.ram_persistent_parts.back().second;
    }
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

const Formula* formula_of(const FormulaTable& table, const NodeFacts& node) {
    if (node.timings.empty()) return nullptr;
    const std::optional<Formula>& formula = table[static_cast<std::size_t>(node.timings.front().kernel)];
    return formula ? &*formula : nullptr;
}

void add_instructions(const Summary& summary, const CostTarget& target, CostResult& result) {
    double sum = 0.0;
    bool complete = !summary.nodes.empty();
    for (std::size_t i = 0; i < summary.nodes.size(); ++i) {
        const NodeFacts& node = summary.nodes[i];
        if (const Formula* formula = formula_of(target.instructions, node)) {
            result.nodes[i].instructions = value_of(*formula, node.factors);
            sum += *result.nodes[i].instructions;
        } else {
            complete = false;
        }
    }
    if (complete) result.instructions = sum;
}

// The largest of the target's rooflines; nothing where none has a formula for the node.
std::optional<double> cycles_of(const NodeFacts& node, const CostTarget& target) {
    const bool reduced = target.skips_zero_filters && node.live_factors != nullptr;
    const Factors& factors = reduced ? *node.live_factors : node.factors;
    std::optional<double> cycles;
    for (const FormulaTable& table : target.cycles) {
        if (const Formula* formula = formula_of(table, node))
            cycles = std::max(cycles.value_or(0.0), value_of(*formula, factors));
    }
    return cycles;
}

void add_latency(const Summary& summary, const CostTarget& target, CostResult& result) {
    add_instructions(summary, target, result);
    if (!target.clock_hz || target.cycles.empty()) {
        result.notes.push_back("latency undecided: target '" + target.name + "' has no measured or assumed timing");
        return;
    }
    double sum = 0.0;
    for (std::size_t i = 0; i < summary.nodes.size(); ++i) {
        const std::optional<double> cycles = cycles_of(summary.nodes[i], target);
        if (!cycles) {
            result.notes.push_back(
                "latency undecided: " + place(summary, i) + ": no timing for " +
                (summary.nodes[i].computes_float.constant() != 0 ? "float32 kernels" : "this kernel") + " on target '" +
                target.name + "'");
            return;
        }
        result.nodes[i].seconds = *cycles / *target.clock_hz;
        sum += *cycles;
    }
    const double seconds = sum / *target.clock_hz;
    result.latency_seconds = scaled({seconds, seconds, seconds}, target.latency_scale);
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
    Summary summary;
    summary.source = graph.source;
    summary.format = graph.format;
    const auto quantized = [&](TensorId t) {
        const Tensor& tensor = graph.tensor(t);
        return tensor.quantization ? Expr(1) - tensor.wide : Expr(0);
    };
    for (const TensorId t : graph.inputs) summary.input_quantized.push_back(quantized(t));
    for (const TensorId t : graph.outputs) summary.output_quantized.push_back(quantized(t));
    add_work(graph, summary);
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        summary.node_names.push_back(graph.nodes[i].name);
        summary.nodes.push_back(read_node(NodeView(graph, static_cast<NodeId>(i))));
        if (summary.problem.empty()) summary.problem = summary.nodes.back().problem;
    }
    add_flash(graph, summary);
    find_live_factors(graph, summary);
    add_schedule(graph, summary);
    return summary;
}

// A model's summary, and what of its costs no target changes.
struct ModelFacts {
    Summary summary;
    CostResult work;
    std::vector<Life> lives;
};

}  // namespace costing

namespace {

ModelFacts facts_of(const Graph& graph) {
    check_shapes(graph);
    ModelFacts facts;
    facts.summary = summarise(graph);
    set_work(graph, facts.summary, facts.work);
    const Schedule& schedule = facts.summary.schedule;
    facts.lives =
        lives_of(schedule, std::vector<char>(schedule.steps.size(), 1), std::vector<char>(schedule.merges.size(), 1));
    return facts;
}

}  // namespace

CostModel::CostModel(const Graph& graph) : facts_(std::make_shared<const ModelFacts>(facts_of(graph))) {}

const std::string& CostModel::node_name(NodeId id) const {
    return facts_->summary.node_names.at(static_cast<std::size_t>(id));
}

CostResult CostModel::cost(const CostTarget& target) const {
    CostResult result = facts_->work;
    set_flash(facts_->summary.flash, target, result);
    add_memory(facts_->summary, facts_->lives, target, result);
    add_latency(facts_->summary, target, result);
    return result;
}

std::vector<PlannedBuffer> CostModel::plan(const CostTarget& target) const {
    const Summary& summary = facts_->summary;
    if (!summary.problem.empty()) throw UnsupportedOperatorError(summary.problem);
    const Buffers buffers = buffers_of(summary, facts_->lives, target.kernels);
    if (buffers.requests.size() > most_buffers)
        throw UnsupportedOperatorError(summary.source + ": too many buffers to plan");
    const std::vector<std::int64_t> offsets = greedy_offsets(buffers.requests);
    std::vector<PlannedBuffer> plan;
    plan.reserve(offsets.size());
    for (std::size_t i = 0; i < offsets.size(); ++i) {
        const BufferRequest& r = buffers.requests[i];
        plan.push_back({.name = buffers.names[i],
                        .size_bytes = r.size_bytes,
                        .offset_bytes = offsets[i],
                        .first = r.first,
                        .last = r.last});
    }
    return plan;
}

}  // namespace gonogo
