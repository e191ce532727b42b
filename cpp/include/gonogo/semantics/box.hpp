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

// The box that a deployed graph's float inputs are evaluated on: they reach the device as float32 numbers, so ends that
// aren't are moved outward to the next one. Integer inputs keep their box. Throws BoxError beyond float32's range.
std::vector<IntervalTensor> settle_box(const Graph& graph, std::span<const IntervalTensor> box);

}  // namespace gonogo
