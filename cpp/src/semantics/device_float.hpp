// Conversions between float32 and stored integers inside a graph, as each profile computes them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gonogo/numeric/interval.hpp"
#include "gonogo/semantics/integer.hpp"

namespace gonogo {

// Element `index` of the tensor; exact. `profile` isn't `any`.
std::int32_t quantize_float(Profile profile, float x, const Tensor& out, std::size_t index);
float dequantize(Profile profile, std::int32_t value, const Tensor& in, std::size_t index);

// Enclosures, whatever an element's place.
QuantRange quantize_range(Profile profile, const IntervalTensor& x, const Tensor& out);
numeric::Interval dequantize_range(Profile profile, std::int32_t lo, std::int32_t hi, const Quantization& q);

}  // namespace gonogo
