// Boxes of inputs.
#pragma once

#include <span>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/ir/graph.hpp"

namespace gonogo {

// The whole range that the inputs' element types represent; throws BoxError for float inputs, which have no such range.
std::vector<IntervalTensor> whole_box(const Graph& graph);

// Checks shapes, order and finiteness of a box against the inputs of a graph. Throws BoxError.
void check_box(const Graph& graph, std::span<const IntervalTensor> box);

}  // namespace gonogo
