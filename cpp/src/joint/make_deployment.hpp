#pragma once

#include <memory>
#include <span>
#include <vector>

#include "gonogo/joint/device.hpp"

#include "joint/deployment.hpp"

namespace gonogo::joint {

// Throws what the implementation does when the graph can't run in that arithmetic.
std::unique_ptr<const Deployment> make_deployment(std::shared_ptr<const Graph> graph,
                                                  const DeviceArithmetic& arithmetic);

// The box of inputs that such a device can be given: float32 numbers, wherever float32 is what it reads.
std::vector<IntervalTensor> device_box(const Graph& graph, std::span<const IntervalTensor> box,
                                       const DeviceArithmetic& arithmetic);

}  // namespace gonogo::joint
