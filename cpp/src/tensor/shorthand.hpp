// What sources of every room write all the time. One definition: sources of one room may be compiled together.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>

namespace gonogo {

inline constexpr double infinity = std::numeric_limits<double>::infinity();

// An index as the standard library wants it.
inline std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

}  // namespace gonogo
