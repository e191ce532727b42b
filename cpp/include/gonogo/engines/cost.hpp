// What a network costs on a device: work, flash, RAM, latency, energy. One walk over the graph, no state.
//
// Words: MACs, other operations and parameter bytes are exact. The activation part of the arena is exact for the kernel
// library and schedule that the target names; the persistent part, latency and energy are estimated. A quantity that
// can't be stated is absent and a note says why: never a wrong number.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gonogo/engines/cost_target.hpp"
#include "gonogo/ir/graph.hpp"

namespace gonogo {

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
    std::optional<double> instructions;  // of the core's counted kernels
    std::optional<double> seconds;       // its part of the estimated latency
};

using Part = std::pair<std::string_view, std::int64_t>;

struct ByteRange {
    std::int64_t lower = 0, estimate = 0, upper = 0;
};

struct CostResult {
    std::int64_t macs = 0;
    std::int64_t other_operations = 0;
    std::int64_t parameter_bytes = 0;
    std::vector<Part> macs_by_op;
    std::vector<NodeCost> nodes;

    ByteRange flash_model;  // exact where the engine stores the file that was counted
    Standing flash_model_standing = Standing::undecided;
    ByteRange flash_code;  // kernels and runtime
    Standing flash_code_standing = Standing::undecided;
    std::int64_t flash_model_floor_bytes = 0;  // proved: no less is possible

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
struct ModelFacts;
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
    std::shared_ptr<const costing::ModelFacts> facts_;
};

// The planner by itself: offsets for buffers with given sizes and lifetimes (TensorFlow Lite Micro's greedy rule).
struct BufferRequest {
    std::int64_t size_bytes = 0;
    std::int64_t first = 0;
    std::int64_t last = 0;
};
std::vector<std::int64_t> greedy_offsets(const std::vector<BufferRequest>& requests);

}  // namespace gonogo
