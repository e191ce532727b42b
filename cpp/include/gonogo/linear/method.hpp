// How bounds are found.
#pragma once

#include <cstdint>

namespace gonogo {

enum class Method : std::uint8_t {
    interval,  // interval propagation alone
    linear,    // linear bounds, substituted back to the inputs
};

}  // namespace gonogo
