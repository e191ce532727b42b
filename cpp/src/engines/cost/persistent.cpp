// The persistent part of TensorFlow Lite Micro's arena, rebuilt allocation by allocation in the allocator's order: it
// grows from the end of the arena, and each request is aligned down. `used` is the number of bytes taken so far; the
// arena is assumed to end on a multiple of 16 bytes.
#include <numeric>

#include "engines/cost/model.hpp"

namespace gonogo::costing {

namespace {

struct Tail {
    Expr used = 0;
    std::int64_t multiple = arena_alignment;  // `used` is known to be a multiple of it

    // Takes so many bytes where `asked` is 1.
    Expr take(const Expr& bytes, std::int64_t alignment, const Expr& asked = 1) {
        const Expr before = used;
        if (multiple % alignment == 0) {
            used = used + asked * (ceil_div(bytes, alignment) * Expr(alignment));
        } else {
            used = select(asked, ceil_div(used + bytes, alignment) * Expr(alignment), used);
        }
        if (used.is_constant()) {
            multiple = std::gcd(used.constant(), arena_alignment);
        } else {
            multiple = asked.is_constant() ? alignment : std::gcd(multiple, alignment);
        }
        return used - before;
    }
};

// Records of a model's inputs and outputs: a list of pointers, then per tensor its description and quantisation.
Expr take_ports(Tail& tail, const std::vector<Expr>& quantized, std::int64_t pointer) {
    const bool wide = pointer == 8;
    Expr bytes = tail.take(pointer * static_cast<std::int64_t>(quantized.size()), arena_alignment);
    for (const Expr& q : quantized) {
        bytes = bytes + tail.take(wide ? 64 : 32, pointer);
        bytes = bytes + tail.take(wide ? 24 : 12, pointer, q);
        bytes = bytes + tail.take(8, 4, q);
    }
    return bytes;
}

}  // namespace

std::vector<SymbolicPart> persistent_parts(const Summary& summary, const CostTarget& target) {
    const std::vector<NodeFacts>& nodes = summary.nodes;
    const std::int64_t pointer = target.pointer_bits / 8;
    const bool wide = pointer == 8;
    const bool reference = target.kernels == KernelSet::reference;
    Expr node_count = 0;
    for (const NodeFacts& node : nodes) node_count = node_count + node.active;
    Tail tail;
    std::vector<SymbolicPart> parts;
    parts.reserve(9);
    parts.emplace_back("allocator and planner", tail.take(wide ? 488 : 236, pointer));
    parts.emplace_back("tensor records", tail.take(summary.tensor_count * Expr(wide ? 24 : 12), pointer));
    parts.emplace_back("node records", tail.take(node_count * Expr(wide ? 64 : 32), pointer));

    Expr options = 0;
    for (const NodeFacts& node : nodes) {
        const KernelFacts& k = *node.kernel;
        const std::int64_t bytes = wide ? k.options_64 : k.options_32;
        if (bytes > 0) options = options + tail.take(bytes, wide ? k.align_64 : k.align_32, node.active);
    }
    parts.emplace_back("operator options", options);

    Expr states = 0;
    for (const NodeFacts& node : nodes) {
        const std::int64_t bytes = wide ? node.kernel->state_64 : node.kernel->state_32;
        if (bytes > 0) states = states + tail.take(bytes, arena_alignment, node.active);
    }
    parts.emplace_back("kernel state", states);

    Expr per_channel = 0;
    Expr sums = 0;
    Expr handles = 0;
    for (const NodeFacts& node : nodes) {
        const bool convolves = node.family == Family::conv || node.family == Family::depthwise;
        if (convolves) {
            const Expr asked = reference ? node.active : node.active * node.quantized;
            per_channel = per_channel + tail.take(node.channels * Expr(4), arena_alignment, asked);  // multipliers
            per_channel = per_channel + tail.take(node.channels * Expr(4), arena_alignment, asked);  // shifts
        }
        if (node.family == Family::dense) {
            const Expr asked = node.active * node.quantized * less(1, node.scales);
            per_channel = per_channel + tail.take(node.scales * Expr(4), arena_alignment, asked);
            per_channel = per_channel + tail.take(node.scales * Expr(4), arena_alignment, asked);
        }
        if (node.family == Family::dense && target.kernels == KernelSet::cmsis_nn_mve) {
            sums = sums + tail.take(node.channels * Expr(4), arena_alignment, node.active * node.quantized);
        }
        handles = handles + node.active * scratch_of(node, target.kernels).handles;
    }
    parts.emplace_back("per-channel scales", per_channel);
    if (!sums.is_constant() || sums.constant() > 0) parts.emplace_back("weight sums", sums);
    parts.emplace_back("scratch handles", tail.take(handles * Expr(pointer), pointer));
    const Expr inputs = take_ports(tail, summary.input_quantized, pointer);
    parts.emplace_back("input and output records", inputs + take_ports(tail, summary.output_quantized, pointer));
    return parts;
}

}  // namespace gonogo::costing
