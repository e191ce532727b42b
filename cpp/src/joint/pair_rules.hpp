// Scalar rules of the joint pass. A pair (r, d) stands for the reference's value r and the deployed network's
// difference d, independent of each other within their intervals: each rule encloses g(r + d) - f(r).
// Theorems: docs/soundness.md, "Joint propagation".
#pragma once

#include "gonogo/numeric/interval.hpp"

#include "ops/common.hpp"

namespace gonogo::joint {

using numeric::Interval;

// phi(r + d) - psi(r) for two clamps.
Interval clamp_pair(Interval r, Interval d, RealClamp phi, RealClamp psi);
// f(r + d) - f(r) for leaky_relu, sigmoid and tanh.
Interval leaky_relu_pair(Interval r, Interval d, double alpha);
Interval sigmoid_pair(Interval r, Interval d);
Interval tanh_pair(Interval r, Interval d);
// v_a v_b - r_a r_b.
Interval product_pair(Interval ra, Interval da, Interval rb, Interval db);
// softmax_i(r + d) - softmax_i(r); `p` encloses softmax_i(r), `shift` beta (d_i - d_j) for all j != i.
Interval softmax_pair(Interval p, Interval shift);

// Intersection of two enclosures of the same set; the sharper end on each side.
inline Interval meet(Interval a, Interval b) {
    return {a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
}

}  // namespace gonogo::joint
