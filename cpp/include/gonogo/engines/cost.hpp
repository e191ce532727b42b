// What a network costs on a device: work, flash, RAM, latency, energy. One walk over the graph, no state.
//
// Words: MACs, other operations and parameter bytes are exact. The activation part of the arena is exact for the kernel
// library and schedule that the target names; the persistent part, latency and energy are estimated. A quantity that
// can't be stated is absent and a note says why: never a wrong number.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gonogo/ir/graph.hpp"

namespace gonogo {

enum class Standing : std::uint8_t { exact, estimated, assumed, undecided };
std::string_view name_of(Standing standing);

// Which kernels TensorFlow Lite Micro runs: they decide the scratch buffers and the persistent structures.
enum class KernelSet : std::uint8_t {
    reference,       // TFLM's own portable kernels
    cmsis_nn_plain,  // CMSIS-NN without DSP instructions (Cortex-M0+, M3)
    cmsis_nn_dsp,    // with the DSP extension (M4, M7, M33)
    cmsis_nn_mve,    // with Helium (M55)
};

// Terms of the instruction model. Each is a count over a node's shapes with non-negative weight, hence monotone.
enum class Term : std::uint8_t {
    macs,         // multiply-accumulates, taps on padding included
    inside_macs,  // multiply-accumulates whose input lies inside the map
    outputs,      // output elements
    positions,    // output height x width
    gathered,     // elements copied by im2col: positions x window x input channels
    padding,      // taps on padding, each times input channels
    inputs,       // elements of the first input
    tail,         // macs that don't fill a group of four: (window x input channels) mod 4 per output element
    call,         // 1
};
inline constexpr std::size_t term_count = 9;

// Classes of kernels that the instruction model tells apart.
enum class KernelClass : std::uint8_t {
    conv_1x1,
    conv_general,
    depthwise_3x3,
    depthwise_general,
    depthwise_plain,  // more outputs than inputs
    dense,
    add,
    max_pool,
    average_pool,
    mean,
    softmax,
    quantize,    // between float and integer
    requantize,  // between integers
    copy,        // reshape, pad, concat: runs of elements
    permute,     // transpose, slices, resizing: element by element
    sigmoid,
    none,  // no model: latency is undecided
};
inline constexpr std::size_t kernel_class_count = 16;  // without `none`
std::string_view name_of(KernelClass kernel);
std::string_view name_of(Term term);

using Coefficients = std::array<double, term_count>;  // instructions per term

struct Bracket {
    double lower = 0.0;
    double estimate = 0.0;
    double upper = 0.0;
};

struct CostTarget {
    std::string name;
    KernelSet kernels = KernelSet::reference;
    int pointer_bits = 32;
    // Latency = instructions * cycles_per_instruction / clock. Absent parts make latency undecided.
    std::optional<double> clock_hz;
    std::array<std::optional<Coefficients>, kernel_class_count> instructions = {};
    std::optional<Bracket> cycles_per_instruction;
    Standing latency_standing = Standing::undecided;
    std::optional<Bracket> power_watts;  // whole board, under the conditions that the target's file states
};

struct PlannedBuffer {
    std::string name;  // tensor name, or "<node name> scratch"
    std::int64_t size_bytes = 0;
    std::int64_t offset_bytes = 0;
    std::int64_t first = 0;  // steps during which it lives: 0 = before the first node, i + 1 = while node i runs
    std::int64_t last = 0;
};

struct NodeCost {
    std::int64_t macs = 0;
    std::int64_t other_operations = 0;
    std::int64_t parameter_bytes = 0;
    std::optional<double> instructions;
};

using Part = std::pair<std::string_view, std::int64_t>;

struct CostResult {
    std::int64_t macs = 0;
    std::int64_t other_operations = 0;
    std::int64_t parameter_bytes = 0;
    std::vector<Part> macs_by_op;
    std::vector<NodeCost> nodes;

    std::int64_t flash_bytes = 0;
    std::int64_t flash_lower_bytes = 0;  // constants alone: no engine that stores them uncompressed needs less
    Standing flash_standing = Standing::exact;

    std::optional<std::int64_t> ram_bytes;
    std::optional<std::int64_t> ram_activation_bytes;
    std::optional<std::int64_t> ram_persistent_bytes;
    std::int64_t ram_live_bytes = 0;  // the most bytes alive at once: a floor for every plan without overlap
    std::vector<Part> ram_persistent_parts;
    Standing ram_activation_standing = Standing::undecided;
    Standing ram_persistent_standing = Standing::undecided;
    NodeId peak_node = -1;  // the node while which most bytes are alive; -1: before the first node

    std::optional<double> instructions;
    std::optional<Bracket> latency_seconds;
    std::optional<Bracket> energy_joules;
    Standing latency_standing = Standing::undecided;

    std::vector<std::string> notes;  // what is undecided and why, and what the figures assume
};

namespace costing {
struct Summary;
}

// A graph read once for any number of targets: all that doesn't depend on the device. Immutable; shared freely between
// threads. Throws ShapeError when a shape holds a symbol, UnsupportedOperatorError for recurrent operators.
class CostModel {
  public:
    explicit CostModel(const Graph& graph);  // keeps no reference to it

    CostResult cost(const CostTarget& target) const;
    // Where each buffer of the activation arena lies. Throws UnsupportedOperatorError when the plan is undecided.
    std::vector<PlannedBuffer> plan(const CostTarget& target) const;
    const std::string& node_name(NodeId id) const;

  private:
    std::shared_ptr<const costing::Summary> summary_;
};

// The planner by itself: offsets for buffers with given sizes and lifetimes (TensorFlow Lite Micro's greedy rule).
struct BufferRequest {
    std::int64_t size_bytes = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
};
std::vector<std::int64_t> greedy_offsets(const std::vector<BufferRequest>& requests);

}  // namespace gonogo
