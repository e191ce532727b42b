// The activation part of TensorFlow Lite Micro's arena: which buffers live when, and where its greedy planner puts
// them.
#include <algorithm>
#include <numeric>

#include "engines/cost/model.hpp"

namespace gonogo {

// TFLM's rule: largest first (of equal ones the later), each at the lowest offset where it overlaps no placed buffer
// that is alive at the same time. No two buffers alive at one step overlap: the offset chosen for a buffer is past the
// end of every such buffer below it, and it ends before the next one begins.
std::vector<std::int64_t> greedy_offsets(const std::vector<BufferRequest>& requests) {
    std::vector<std::size_t> order(requests.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (requests[a].size_bytes != requests[b].size_bytes) return requests[a].size_bytes > requests[b].size_bytes;
        return a > b;
    });

    struct Placed {
        std::int64_t offset, end, first, last;
    };
    std::vector<Placed> placed;  // by offset
    placed.reserve(requests.size());
    std::vector<std::int64_t> offsets(requests.size(), 0);
    for (const std::size_t i : order) {
        const BufferRequest& r = requests[i];
        std::int64_t offset = 0;
        for (const Placed& p : placed) {
            if (p.first > r.last || r.first > p.last) continue;
            if (p.offset - offset >= r.size_bytes) break;
            offset = std::max(offset, p.end);
        }
        offsets[i] = offset;
        const Placed mine{offset, offset + r.size_bytes, r.first, r.last};
        placed.insert(std::upper_bound(placed.begin(), placed.end(), mine,
                                       [](const Placed& a, const Placed& b) { return a.offset < b.offset; }),
                      mine);
    }
    return offsets;
}

namespace costing {

// Lifetimes are closed ranges of steps: 0 is before the first node, node i runs at step i + 1. A tensor lives from its
// producer (graph inputs: from 0) to the last node that reads it; graph outputs live to the end.
void find_lifetimes(const Graph& graph, Summary& summary) {
    const auto end = static_cast<std::int64_t>(graph.nodes.size());
    std::vector<BufferRequest> spans(graph.tensors.size(), BufferRequest{0, -1, -1});
    for (const TensorId t : graph.inputs) spans[static_cast<std::size_t>(t)] = {0, 0, 0};
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
        const auto step = static_cast<std::int64_t>(i) + 1;
        for (const TensorId t : graph.nodes[i].outputs) {
            if (t == absent) continue;
            BufferRequest& span = spans[static_cast<std::size_t>(t)];
            if (span.first < 0) span.first = step;
            span.last = std::max(span.last, step);
        }
        for (const TensorId t : graph.nodes[i].inputs) {
            if (t != absent) spans[static_cast<std::size_t>(t)].last = step;
        }
    }
    for (const TensorId t : graph.outputs) spans[static_cast<std::size_t>(t)].last = end;

    for (std::size_t t = 0; t < graph.tensors.size(); ++t) {
        const Tensor& tensor = graph.tensors[t];
        if (tensor.is_constant || spans[t].first < 0) continue;
        const std::int64_t bytes = tensor.bytes();
        if (bytes == 0) continue;
        summary.tensors.push_back({aligned(bytes), spans[t].first, spans[t].last});
        summary.tensor_names.push_back(tensor.name);
    }
}

Buffers buffers_of(const Summary& summary, KernelSet kernels) {
    Buffers buffers;
    buffers.requests.reserve(summary.tensors.size() + summary.nodes.size());
    buffers.requests = summary.tensors;
    for (std::size_t i = 0; i < summary.nodes.size(); ++i) {
        const Scratch scratch = scratch_of(summary.nodes[i], kernels);
        const auto step = static_cast<std::int64_t>(i) + 1;
        for (const std::int64_t bytes : scratch.requests()) {
            if (bytes == 0) continue;
            buffers.requests.push_back({aligned(bytes), step, step});
            buffers.scratch_nodes.push_back(static_cast<NodeId>(i));
        }
    }
    return buffers;
}

}  // namespace costing

}  // namespace gonogo
