// Softmax over boxes, for the real rule and for the joint pass.
#pragma once

#include <cstddef>
#include <span>

namespace gonogo {

// One row of n elements, `stride` apart: encloses softmax_i over the box [lo, hi]. A row with an unbounded element
// gives [0, 1].
void softmax_row(std::span<const double> lo, std::span<const double> hi, double beta, std::size_t stride, std::size_t n,
                 double* out_lo, double* out_hi);

}  // namespace gonogo
