// How bounds are found.
#pragma once

#include <cstdint>

namespace gonogo {

enum class Method : std::uint8_t {
    interval,   // interval propagation alone
    linear,     // linear bounds, substituted back to the inputs
    optimised,  // the same, with slopes chosen for every bound by itself
};

// Multiplications that back substitution may take unless told otherwise: some seconds.
inline constexpr double default_multiplies = 2e10;

}  // namespace gonogo
