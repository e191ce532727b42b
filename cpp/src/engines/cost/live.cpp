// Convolution filters whose weights are all zero. Their channel is constant, and some engines leave it out, also where
// the next layer reads it.
#include <algorithm>
#include <map>

#include "engines/cost/model.hpp"

namespace gonogo::costing {

namespace {

std::int64_t live_filters(const Tensor& weights, std::int64_t filters) {
    if (!weights.has_values || weights.dtype != DType::int8 || filters == 0) return filters;
    const std::size_t size = weights.data.size() / static_cast<std::size_t>(filters);
    std::int64_t live = 0;
    for (std::int64_t f = 0; f < filters; ++f) {
        const auto first = weights.data.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(f) * size);
        live +=
            std::any_of(first, first + static_cast<std::ptrdiff_t>(size), [](std::byte b) { return b != std::byte{}; });
    }
    return std::max<std::int64_t>(live, 1);
}

bool passes_channels(const NodeFacts& node) {
    return node.family == Family::pool || node.family == Family::reduce ||
           node.kernel->timing == KernelClass::requantize;
}

}  // namespace

void find_live_factors(const Graph& graph, Summary& summary) {
    std::map<TensorId, std::int64_t> live;  // of tensors with constant channels only
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const Node& node = graph.nodes[i];
        NodeFacts& facts = summary.nodes[i];
        if (facts.kernel == nullptr || !facts.window.in_c.is_constant() || !facts.channels.is_constant()) continue;
        const auto found = live.find(node.inputs[0]);
        NodeFacts reduced = facts;
        if (found != live.end()) reduced.window.in_c = found->second;
        if (facts.family == Family::conv && facts.groups == 1) {
            reduced.channels = live_filters(graph.tensor(node.inputs[1]), facts.channels.constant());
        } else if (found != live.end() && (facts.family == Family::depthwise || passes_channels(facts))) {
            reduced.channels = found->second;
        } else if (found == live.end()) {
            continue;
        }
        const bool same = alike(reduced.channels, facts.channels) && found == live.end();
        if (same) continue;
        if (facts.family == Family::conv || facts.family == Family::depthwise || facts.family == Family::pool) {
            reduced.window.out_c = reduced.channels;
            facts.live_factors = std::make_shared<const Factors>(factors_of(reduced));
        }
        if (facts.family != Family::dense && facts.family != Family::other)
            live[node.outputs[0]] = reduced.channels.constant();
    }
}

}  // namespace gonogo::costing
