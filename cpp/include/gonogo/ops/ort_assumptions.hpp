// What the exactness of profile `ort` rests on besides the model file.
#pragma once

#include <string>

#include "gonogo/ops/node_view.hpp"

namespace gonogo {

// One sentence for a node that needs it; empty when nothing is assumed. On x86-64 without VNNI the runtime adds
// neighbouring products of a u8 x s8 (or s8 x s8) dot product in saturating int16; the kernels of the profile compute
// the exact sum, as VNNI and Arm do. Empty is a proof that no pair of products of one output leaves int16.
std::string ort_machine_assumption(const NodeView& node);

}  // namespace gonogo
