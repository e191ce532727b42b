// The joint pass: encloses, for every matched tensor, the difference deployed - reference.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gonogo/semantics/integer.hpp"

#include "engines/error/match.hpp"
#include "ops/affine.hpp"
#include "ops/averaging.hpp"
#include "ops/movement.hpp"

namespace gonogo::joint {

// What is known before the joint pass starts; all of it by reference, owned by the caller.
struct Ranges {
    const std::vector<IntervalTensor>& reference;  // by reference tensor: interval propagation of the real network
    const std::vector<IntervalTensor>& deployed;   // by deployed tensor: real values of the integer ranges
};

class JointPass {
  public:
    JointPass(const Graph& reference, const IntegerProgram& deployed, const Pairing& pairing, const Ranges& ranges);

    // Encloses the difference of every tensor that has a counterpart; entries of the inputs are read, others written.
    void run(std::vector<IntervalTensor>& difference) const;

    // The hypothetical network in which only node `real` (or only the input quantiser, for -1) computes as deployed and
    // every other node as the reference does: differences of `input` quantisation in, difference of `output` out. For
    // attribution only.
    IntervalTensor run_alone(const std::vector<IntervalTensor>& input, NodeId real, TensorId output) const;

  private:
    struct Step {
        AffineMap reference_map, deployed_map;  // affine nodes
        IntervalTensor weight_part;             // (Wq - W) r + (bq - b)
        Averaging averaging;
        Movement movement;
        IntervalTensor reference_pre;  // the reference's value before the activation
        // By deployed input: value and difference of a constant operand; empty for activations.
        std::vector<IntervalTensor> constant_r, constant_d;
    };
    void prepare(NodeId id);  // what doesn't depend on the differences
    void prepare_constants(const NodeView& deployed, const NodeView& reference, const Match& m, Step& step) const;
    // The reference's value of input k of a deployed node.
    const IntervalTensor& value_of(const Step& step, const Node& node, std::size_t k) const;
    void before_activation(NodeId id, const std::vector<IntervalTensor>& difference, bool exact,
                           IntervalTensor& pre) const;
    IntervalTensor step(NodeId id, const std::vector<IntervalTensor>& difference, bool exact) const;
    void finish(NodeId id, bool exact, IntervalTensor& pre) const;
    const IntervalTensor& reference_value(TensorId deployed) const;

    const Graph& r_;
    const IntegerProgram& program_;
    const Graph& d_;
    const Pairing& pairing_;
    const Ranges ranges_;
    std::vector<Step> steps_;
};

}  // namespace gonogo::joint
