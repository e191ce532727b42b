// A graph in real arithmetic, evaluated over boxes by interval propagation; a point is a box of width zero.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/ops/record.hpp"

namespace gonogo {

class RealProgram {
  public:
    // Prepares every node that has a real rule. Nodes without one (argmax, folded shape arithmetic) are left out; a
    // node that reads what was left out makes run() throw UnsupportedOperatorError.
    explicit RealProgram(std::shared_ptr<const Graph> graph);

    const Graph& graph() const { return *graph_; }

    // Encloses every tensor's value for all inputs in the boxes, one box per graph input. `values` has one entry per
    // tensor of the graph and is reused between calls; entries of tensors that weren't computed are empty.
    // A quantised graph is evaluated with its dequantised weights and without any rounding or saturation.
    // `after`, if there is one, may put something else in the place of a node's result before any other node reads it.
    using After = std::function<void(NodeId node, IntervalTensor& result)>;
    void run(std::span<const IntervalTensor> inputs, std::vector<IntervalTensor>& values,
             const After& after = {}) const;

  private:
    struct Step {
        NodeId node;
        RealKernel kernel;  // empty: left out
    };
    std::shared_ptr<const Graph> graph_;
    std::vector<Step> steps_;
    std::vector<IntervalTensor> constants_;  // by tensor; empty where the kernel holds its own copy
};

// True when an engine needs no value of this node's outputs because the loader folded them.
bool is_folded(const Graph& graph, const Node& node);

}  // namespace gonogo
