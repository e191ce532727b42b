// What the parts of the cost engine share: a node's geometry, read once, and the table of kernels.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
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

// The scratch buffers one node asks for, in bytes; no node asks for more than three. One of size 0 isn't planned.
struct Scratch {
    std::array<Expr, 3> bytes = {};
    std::size_t count = 0;
    Expr handles = 0;  // how many it asks for

    void add(const Expr& size, const Expr& asked) {
        bytes[count++] = size;
        handles = handles + asked;
    }
    std::span<const Expr> requests() const { return {bytes.data(), count}; }
};

enum class Family : std::uint8_t { conv, depthwise, dense, pool, reduce, other };

// A class of kernels, and where it is the one that runs; conditions of one node exclude each other.
struct Timing {
    Expr when;
    KernelClass kernel;
};

using Factors = std::array<Expr, factor_count>;

// Sizes are integers for a model and expressions for an architecture; conditions are 0 or 1.
struct NodeFacts {
    const KernelFacts* kernel = nullptr;
    Family family = Family::other;
    Expr active = 1;
    SymbolicWindow window;    // conv, depthwise, pool
    std::int64_t groups = 1;  // conv
    Expr inputs = 0;          // elements of the first input
    Expr outputs = 0;         // elements of the first output
    Expr rows = 1;            // elements of the first output over its last two dimensions
    Expr channels = 0;        // output channels of conv and depthwise, outputs of a dense row
    Expr terms = 0;           // products summed per output element of a dense node
    Expr scales = 0;          // of a dense node's weights
    Expr coded = 0;           // bytes of the weights in an entropy coding
    std::int64_t rank = 0;    // of the first input
    std::int64_t axes = 0;    // number of reduced axes
    Expr quantized = 0;       // runs on 8-bit integers
    Expr computes_float = 0;
    std::string problem;  // not empty: why TensorFlow Lite Micro can't run this node
    std::vector<Timing> timings;
    Factors factors = {};
    std::shared_ptr<const Factors> live_factors;  // without filters that are all zero; null where there are none
};

struct SymbolicWork {
    Expr macs = 0;
    Expr other_operations = 0;
    Expr parameter_bytes = 0;
};

// Scales of a quantised tensor; 0: it isn't.
inline Expr scales_of(const Tensor& tensor) {
    if (!tensor.scale_count.is_constant() || tensor.scale_count.constant() != 0) return tensor.scale_count;
    return tensor.quantization ? Expr(static_cast<std::int64_t>(tensor.quantization->scales.size())) : Expr(0);
}

// Reads one node.
NodeFacts read_node(const NodeView& view);

// Classes of the node in the instruction model, and the factors of its loop counts.
std::vector<Timing> timings_of(const NodeFacts& node);
Factors factors_of(const NodeFacts& node);

// The value of a formula on a node's factors, which must be integers.
double value_of(const Formula& formula, const Factors& factors);

// What lives when: the schedule by tensors alone.
struct Schedule {
    struct Step {
        Expr active;
        std::vector<TensorId> inputs, outputs;
    };
    std::vector<Step> steps;
    std::vector<std::optional<Merge>> merges;  // by tensor
    std::vector<TensorId> inputs, outputs;     // of the graph

    // The tensor that holds `t`'s values, given which merges take their first tensor.
    TensorId holder(TensorId t, const std::vector<char>& yes) const;
};

// Steps during which a tensor lives: 0 is before the first node, node i runs at step i + 1. first < 0: never.
struct Life {
    std::int64_t first = -1;
    std::int64_t last = -1;
};
// By tensor. `active`: by step; `yes`: by tensor, for merges.
std::vector<Life> lives_of(const Schedule& schedule, const std::vector<char>& active, const std::vector<char>& yes);

// A tensor that takes memory at run time.
struct Activation {
    TensorId tensor = absent;
    std::string name;
    Expr bytes = 0;  // a multiple of 16
};

struct Summary;

struct Flash {
    std::int64_t file_bytes = 0;  // 0: no TFLite file
    Expr constants = 0;
    Expr around = 0;  // what a converter typically adds
    Expr nodes = 0;
    Expr scales = 0;  // of 8-bit weights
    Expr floats = 0;  // 1: some layer's weights are float32

    // As CodeSize says; before its scale.
    Expr code(const CodeSize& size) const;
};
void add_flash(const Graph& graph, Summary& summary);
void set_flash(const Flash& flash, const CostTarget& target, CostResult& result);
// 1 where a configuration has the tensor: with the node that makes it; a constant with the one that reads it.
Expr exists(const Graph& graph, const Tensor& tensor);

// What doesn't depend on the target. Holds no reference to the graph.
struct Summary {
    std::string source;
    std::string format;
    Expr tensor_count = 0;
    std::vector<Expr> input_quantized, output_quantized;  // one condition per input and output of the graph
    std::vector<std::string> node_names;
    std::vector<NodeFacts> nodes;
    std::vector<SymbolicWork> work;  // by node, as if it were there
    SymbolicWork total;              // of the nodes that are; parameter bytes: each constant once
    Flash flash;
    Schedule schedule;
    std::vector<Activation> activations;  // in the file's order
    std::string problem;                  // of the first node that TensorFlow Lite Micro can't run

    // Whether file and device agree on the tensors and the order of the nodes.
    bool is_scheduled() const { return format != "onnx"; }
};
Summary summarise(const Graph& graph);
void find_live_factors(const Graph& graph, Summary& summary);
// Estimate of the bytes that 8-bit weights take in the encoding of an accelerator: their entropy, where their values
// are known.
Expr coded_bytes(const Tensor& weights);

Scratch scratch_of(const NodeFacts& node, KernelSet kernels);

// Buffers of a model whose sizes are integers, in the order in which TFLM adds them: activations, then scratch by node.
struct Buffers {
    std::vector<BufferRequest> requests;
    std::vector<std::string> names;
};
Buffers buffers_of(const Summary& summary, const std::vector<Life>& lives, KernelSet kernels);

// Persistent part of the arena, by what takes it.
using SymbolicPart = std::pair<std::string_view, Expr>;
std::vector<SymbolicPart> persistent_parts(const Summary& summary, const CostTarget& target);

inline constexpr std::int64_t arena_alignment = 16;
inline Expr aligned(const Expr& bytes) {
    return ceil_div(bytes, arena_alignment) * Expr(arena_alignment);
}

}  // namespace gonogo::costing
