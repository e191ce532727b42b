// The quantiser in front of a deployed network's integer inputs. It is the application's code, so nothing is assumed
// but that it rounds x / scale to a nearest integer, ties either way, after at most two roundings to float32.
#pragma once

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/semantics/integer.hpp"

namespace gonogo {

// |q - z - x / scale| <= this before the clamp, wherever the clamp doesn't decide alone: one half plus N ((1 + 2^-24)^2
// - 1) with |x / scale| <= N = 512 steps of 8 bits, or 2^16 of 16 bits.
double quantizer_steps(const Tensor& input);

// All integers that the quantiser may give for inputs in the box.
DeviceRange quantize_box(const Tensor& input, const IntervalTensor& box);
// The integer it gives for x, ties to even, computed without double rounding.
std::int32_t quantize_point(const Tensor& input, double x);

}  // namespace gonogo
