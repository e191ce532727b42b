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

TensorId Schedule::holder(TensorId t, const std::vector<char>& yes) const {
    while (merges[static_cast<std::size_t>(t)]) {
        const Merge& merge = *merges[static_cast<std::size_t>(t)];
        t = yes[static_cast<std::size_t>(t)] != 0 ? merge.yes : merge.no;
    }
    return t;
}

// A tensor lives from its producer (graph inputs: from 0) to the last node that reads it; graph outputs live to the
// end.
std::vector<Life> lives_of(const Schedule& schedule, const std::vector<char>& active, const std::vector<char>& yes) {
    const auto end = static_cast<std::int64_t>(schedule.steps.size());
    std::vector<Life> lives(schedule.merges.size());
    const auto life = [&](TensorId t) -> Life& { return lives[static_cast<std::size_t>(schedule.holder(t, yes))]; };
    for (const TensorId t : schedule.inputs) life(t) = {0, 0};
    for (std::size_t i = 0; i < schedule.steps.size(); ++i) {
        if (active[i] == 0) continue;
        const auto step = static_cast<std::int64_t>(i) + 1;
        for (const TensorId t : schedule.steps[i].outputs) {
            if (t == absent) continue;
            Life& l = life(t);
            if (l.first < 0) l.first = step;
            l.last = std::max(l.last, step);
        }
        for (const TensorId t : schedule.steps[i].inputs) {
            if (t != absent) life(t).last = step;
        }
    }
    for (const TensorId t : schedule.outputs) life(t).last = end;
    return lives;
}

Buffers buffers_of(const Summary& summary, const std::vector<Life>& lives, KernelSet kernels) {
    Buffers buffers;
    buffers.requests.reserve(summary.activations.size() + summary.nodes.size());
    for (const Activation& a : summary.activations) {
        const Life& life = lives[static_cast<std::size_t>(a.tensor)];
        if (life.first < 0 || a.bytes.constant() == 0) continue;
        buffers.requests.push_back({a.bytes.constant(), life.first, life.last});
        buffers.names.push_back(a.name);
    }
    for (std::size_t i = 0; i < summary.nodes.size(); ++i) {
        const Scratch scratch = scratch_of(summary.nodes[i], kernels);
        const auto step = static_cast<std::int64_t>(i) + 1;
        for (const Expr& bytes : scratch.requests()) {
            if (bytes.constant() == 0) continue;
            buffers.requests.push_back({aligned(bytes).constant(), step, step});
            buffers.names.push_back(summary.node_names[i] + " scratch");
        }
    }
    return buffers;
}

}  // namespace costing

}  // namespace gonogo
