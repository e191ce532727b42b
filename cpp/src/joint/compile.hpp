// Networks as systems of linear bounds: one network, or a reference together with what is deployed.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "gonogo/semantics/real.hpp"

#include "joint/deployment.hpp"
#include "joint/match.hpp"
#include "linear/solver.hpp"
#include "linear/split.hpp"

namespace gonogo::joint {

// A tensor's elements in the order of its block.
struct Layout {
    linear::Block block;
    std::vector<std::int64_t> order;  // place in the block of flat element i; empty: i

    std::size_t place(std::size_t i) const { return order.empty() ? i : static_cast<std::size_t>(order[i]); }
};

// The variables of one tensor: the reference's value, and the deployed network's difference from it and value. -1:
// none.
struct Variables {
    linear::BlockId r = -1, d = -1, v = -1;
    Layout layout;
    linear::BlockId before = -1;  // the deployed value before its clamp, if it has one
    RealClamp clamp = {};
};

struct Program {
    linear::System system;
    std::vector<linear::BlockId> inputs;  // one block per graph input
    std::vector<Layout> input_layouts;
    std::vector<Variables> tensors;  // by tensor of the deployed graph
};

// The system of a network in real arithmetic (`deployment` null), or of the pair: then `pairing` leads from `graph`,
// the deployed one, to `reference`. A node that no rule exists for leaves its output's variables out.
Program compile(const Graph& reference, const Graph& graph, const Pairing& pairing, const Deployment* deployment);

// The state of a program over a box: inputs filled in, everything else unknown.
linear::BoxState start(const Program& program, std::span<const IntervalTensor> box);

// Input k's part of a box of the system, as a box of the graph.
IntervalTensor input_box(const Program& program, std::size_t k, const linear::InputBox& part, const Shape& shape);

// Gives a block the ranges that are known of it, in the order of the tensor.
void set_ranges(const Variables& tensor, linear::BlockId block, const IntervalTensor& range, linear::BoxState& state);

// A block's ranges in the order of the tensor.
IntervalTensor ranges_of(const Variables& tensor, linear::BlockId block, const linear::BoxState& state,
                         const Shape& shape);

}  // namespace gonogo::joint
