// Device arithmetics from Python: plain values in a dict, as gonogo.semantics makes them.
#pragma once

#include <pybind11/pybind11.h>

#include "gonogo/joint/device.hpp"

namespace gonogo::bindings {

DeviceArithmetic take_arithmetic(const pybind11::object& values);

}  // namespace gonogo::bindings
