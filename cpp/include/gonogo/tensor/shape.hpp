#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace gonogo {

using Shape = std::vector<std::int64_t>;

// Product of the dimensions; 1 for a scalar. Throws ShapeError when it doesn't fit 62 bits or a dimension is negative.
std::int64_t element_count(const Shape& shape);

// "[1, 49, 10, 1]"
std::string to_string(const Shape& shape);

}  // namespace gonogo
