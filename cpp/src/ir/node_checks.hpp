// Checks of one node against its record, shared by the builder's entry points.
#pragma once

#include <string>

#include "gonogo/ops/record.hpp"

namespace gonogo {

// Producer of an activation that no node has claimed yet.
inline constexpr NodeId pending_producer = -2;

// Fills defaults in and refuses unknown, missing or ill-typed attributes.
void complete_attributes(const std::string& where, const OperatorRecord& record, Attributes& attributes);
// Weights that must be constants are; throws UnsupportedOperatorError otherwise.
void check_constant_inputs(const NodeView& view);
// Element types fit together: all float, or all quantised with parameters. Throws UnsupportedTypeError.
void check_node_types(const NodeView& view);

}  // namespace gonogo
