#pragma once

#include <vector>

#include "gonogo/engines/error.hpp"

namespace gonogo::joint {

// Tensors with elements that the storage type can cut over the box. What a fused activation cuts isn't counted.
std::vector<Saturation> find_saturation(const IntegerProgram& program, const std::vector<DeviceRange>& ranges);

}  // namespace gonogo::joint
