#pragma once

#include <memory>

#include "gonogo/joint/device.hpp"

#include "joint/deployment.hpp"

namespace gonogo::joint {

// Throws what the implementation does when the graph can't run in that arithmetic.
std::unique_ptr<const Deployment> make_deployment(std::shared_ptr<const Graph> graph,
                                                  const DeviceArithmetic& arithmetic);

}  // namespace gonogo::joint
