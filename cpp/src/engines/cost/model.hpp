// What the parts of the cost engine share: a node's geometry, read once, and the table of kernels.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "gonogo/engines/cost.hpp"
#include "gonogo/ops/node_view.hpp"

#include "ops/window.hpp"

namespace gonogo::costing {

// Facts about TensorFlow Lite Micro's kernel for a canonical operator. Sizes of its structures in bytes, for 64- and
// 32-bit builds: `options` is what the flatbuffer's options are parsed into (packed at its alignment), `state` what the
// kernel keeps per node (rounded up to 16 by the allocator).
struct KernelFacts {
    std::string_view op;
    KernelClass timing = KernelClass::none;
    bool in_tflm = true;
    std::int32_t options_64 = 0, align_64 = 1;
    std::int32_t options_32 = 0, align_32 = 1;
    std::int32_t state_64 = 0, state_32 = 0;
};

const KernelFacts* kernel_facts(std::string_view op);

// The scratch buffers one node asks for; no node asks for more than three.
struct Scratch {
    std::array<std::int64_t, 3> bytes = {};
    std::size_t count = 0;

    void add(std::int64_t size) { bytes[count++] = size; }
    std::span<const std::int64_t> requests() const { return {bytes.data(), count}; }
};

enum class Family : std::uint8_t { conv, depthwise, dense, pool, reduce, other };

struct NodeFacts {
    const KernelFacts* kernel = nullptr;
    Family family = Family::other;
    Window window;              // conv, depthwise, pool
    std::int64_t groups = 1;    // conv
    std::int64_t inputs = 0;    // elements of the first input
    std::int64_t outputs = 0;   // elements of the first output
    std::int64_t channels = 0;  // output channels of conv and depthwise, outputs of a dense row
    std::int64_t terms = 0;     // products summed per output element of a dense node
    std::int64_t rank = 0;      // of the first input
    std::int64_t axes = 0;      // number of reduced axes
    bool quantized = false;     // runs on 8-bit integers
    bool computes_float = false;
    std::string problem;  // not empty: why TensorFlow Lite Micro can't run this node
    KernelClass timing = KernelClass::none;
    std::array<double, term_count> counts = {};  // of the instruction model's terms
};

// Reads one node. Throws ShapeError for a symbolic shape.
NodeFacts read_node(const NodeView& view, const NodeCost& work);

// Class and counts of the node in the instruction model.
KernelClass timing_of(const NodeFacts& node);
std::array<double, term_count> counts_of(const NodeFacts& node, const NodeCost& work);

// What doesn't depend on the target. Holds no reference to the graph.
struct Summary {
    std::string source;
    bool is_tflite = false;
    std::int64_t tensor_count = 0;
    std::vector<bool> input_quantized, output_quantized;  // one entry per input and output of the graph
    std::vector<std::string> node_names;
    std::vector<NodeFacts> nodes;
    CostResult work;                        // work and flash; the rest is filled in per target
    std::vector<BufferRequest> tensors;     // activations, in the file's order
    std::vector<std::string> tensor_names;  // theirs
    std::string problem;                    // of the first node that TensorFlow Lite Micro can't run
};
Summary summarise(const Graph& graph);

Scratch scratch_of(const NodeFacts& node, KernelSet kernels);

// All buffers of the activation arena in the order in which TFLM adds them: tensors, then scratch by node.
struct Buffers {
    std::vector<BufferRequest> requests;
    std::vector<NodeId> scratch_nodes;  // whose the requests after the tensors are
};
void find_lifetimes(const Graph& graph, Summary& summary);
Buffers buffers_of(const Summary& summary, KernelSet kernels);

// Persistent part of the arena, by what takes it.
std::vector<Part> persistent_parts(const Summary& summary, const CostTarget& target);

inline constexpr std::int64_t arena_alignment = 16;
inline constexpr std::int64_t aligned(std::int64_t bytes) {
    return (bytes + arena_alignment - 1) / arena_alignment * arena_alignment;
}

}  // namespace gonogo::costing
