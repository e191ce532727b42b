// Which tensor of the reference each tensor of the deployed graph stands for.
#pragma once

#include <string>
#include <vector>

#include "gonogo/ops/record.hpp"

#include "ops/common.hpp"

namespace gonogo::joint {

struct Match {
    enum class Kind : std::uint8_t {
        none,       // no counterpart found: bounds fall back to two separate ranges from here on
        both,       // `reference_node` computes the same operator on matched inputs
        one_sided,  // only the deployed graph has this step (quantize, dequantize, relayout without effect)
    };
    Kind kind = Kind::none;
    NodeId reference_node = -1;
    std::vector<std::size_t> reference_input;  // reference input that deployed input k corresponds to
    NodeId absorbed_norm = -1;                 // a batch_norm of the reference that follows and is folded in
    RealClamp reference_clamp{};               // activation of the reference: fused, or following and folded in
};

struct Pairing {
    std::vector<TensorId> reference_of;  // by deployed tensor; `absent` when it has no counterpart
    std::vector<Match> matches;          // by deployed node
    std::vector<std::string> notes;      // why something has no counterpart
};

// The rule (docs/soundness.md, "Matching"): walking the deployed schedule, a node corresponds to the first unused
// reference node with the same operator and geometry whose inputs correspond. Reshapes, identities, quantize and
// dequantize steps of the reference are looked through. A batch_norm or activation that follows on the reference side
// only is folded into the correspondence.
Pairing match(const Graph& reference, const Graph& deployed);

// The tensor whose elements, in the same order, `tensor` of a graph holds: looks through reshape, identity, quantize
// and dequantize, which don't change values in real arithmetic.
TensorId canonical(const Graph& graph, TensorId tensor);

// relu, relu6 and clip, and the clamp that such a node (or a fused activation) applies to real values.
bool is_clamp(std::string_view op);
RealClamp clamp_of(const NodeView& view);

}  // namespace gonogo::joint
