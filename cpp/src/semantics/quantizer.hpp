// The quantiser in front of a deployed network's integer inputs. It is the application's code, so nothing is assumed
// but that it rounds x / scale to a nearest integer, ties either way, after at most two roundings to float32.
#pragma once

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/semantics/integer.hpp"

namespace gonogo {

// |q - z - x / scale| <= this before the clamp, for |x / scale| <= 512: one half plus 512 * ((1 + 2^-24)^2 - 1) <
// 2^-13.
inline constexpr double quantizer_steps = 0.5 + 0x1p-13;

// All integers that the quantiser may give for inputs in the box.
DeviceRange quantize_box(const Tensor& input, const IntervalTensor& box);
// The integer it gives for x, ties to even, computed without double rounding.
std::int32_t quantize_point(const Tensor& input, double x);

}  // namespace gonogo
