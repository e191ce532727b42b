// The persistent part of TensorFlow Lite Micro's arena, rebuilt allocation by allocation in the allocator's order: it
// grows from the end of the arena, and each request is aligned down. `used` is the number of bytes taken so far; the
// arena is assumed to end on a multiple of 16 bytes.
#include "engines/cost/model.hpp"

namespace gonogo::costing {

namespace {

struct Tail {
    std::int64_t used = 0;

    std::int64_t take(std::int64_t bytes, std::int64_t alignment) {
        const std::int64_t before = used;
        used = (used + bytes + alignment - 1) / alignment * alignment;
        return used - before;
    }
};

// Records of a model's inputs and outputs: a list of pointers, then per tensor its description and quantisation.
std::int64_t take_ports(Tail& tail, const std::vector<bool>& quantized, std::int64_t pointer) {
    const bool wide = pointer == 8;
    std::int64_t bytes = tail.take(pointer * static_cast<std::int64_t>(quantized.size()), arena_alignment);
    for (const bool q : quantized) {
        bytes += tail.take(wide ? 64 : 32, pointer);
        if (!q) continue;
        bytes += tail.take(wide ? 24 : 12, pointer);
        bytes += tail.take(8, 4);
    }
    return bytes;
}

}  // namespace

std::vector<Part> persistent_parts(const Summary& summary, const CostTarget& target) {
    const std::vector<NodeFacts>& nodes = summary.nodes;
    const std::int64_t pointer = target.pointer_bits / 8;
    const bool wide = pointer == 8;
    const bool reference = target.kernels == KernelSet::reference;
    Tail tail;
    std::vector<Part> parts;
    parts.reserve(9);
    parts.emplace_back("allocator and planner", tail.take(wide ? 488 : 236, pointer));
    parts.emplace_back("tensor records", tail.take((wide ? 24 : 12) * summary.tensor_count, pointer));
    parts.emplace_back("node records", tail.take((wide ? 64 : 32) * static_cast<std::int64_t>(nodes.size()), pointer));

    std::int64_t options = 0;
    for (const NodeFacts& node : nodes) {
        const KernelFacts& k = *node.kernel;
        const std::int64_t bytes = wide ? k.options_64 : k.options_32;
        if (bytes > 0) options += tail.take(bytes, wide ? k.align_64 : k.align_32);
    }
    parts.emplace_back("operator options", options);

    std::int64_t states = 0;
    for (const NodeFacts& node : nodes) {
        const std::int64_t bytes = wide ? node.kernel->state_64 : node.kernel->state_32;
        if (bytes > 0) states += tail.take(bytes, arena_alignment);
    }
    parts.emplace_back("kernel state", states);

    std::int64_t per_channel = 0;
    std::int64_t sums = 0;
    std::int64_t handles = 0;
    for (const NodeFacts& node : nodes) {
        const bool convolves = node.family == Family::conv || node.family == Family::depthwise;
        if (convolves && (reference || node.quantized)) {
            per_channel += tail.take(4 * node.channels, arena_alignment);  // multipliers
            per_channel += tail.take(4 * node.channels, arena_alignment);  // shifts
        }
        if (node.family == Family::dense && node.quantized && target.kernels == KernelSet::cmsis_nn_mve) {
            sums += tail.take(4 * node.channels, arena_alignment);
        }
        handles += static_cast<std::int64_t>(scratch_of(node, target.kernels).count);
    }
    parts.emplace_back("per-channel scales", per_channel);
    if (sums > 0) parts.emplace_back("weight sums", sums);
    parts.emplace_back("scratch handles", tail.take(pointer * handles, pointer));
    const std::int64_t inputs = take_ports(tail, summary.input_quantized, pointer);
    parts.emplace_back("input and output records", inputs + take_ports(tail, summary.output_quantized, pointer));
    return parts;
}

}  // namespace gonogo::costing
