// Functions of one stored element: a table of all inputs, 256 or 65,536, and envelopes by enumeration of them in
// interval arithmetic.
#pragma once

#include <functional>

#include "ops/tflm/requantize.hpp"

namespace gonogo::tflm {

// One unary operator: its integers before and after the clamp, and the real functions that the envelope must cover.
struct Unary {
    int8::Affine in, out;
    ClampRange domain, clamp;
    std::function<std::int64_t(std::int32_t)> unclamped;  // of q - z_in; zero point removed
    std::function<numeric::Interval(double)> real;        // of the dequantised input
    bool saturates = false;                               // `unclamped` already holds the clamp
};

// Theorem (enumeration). The maximum over all stored inputs of |y - f|, rounded up, f enclosed by an interval. Where y
// is already clamped and sits on an end of the clamp, any y beyond the end gives the same device output: only the side
// that points inward counts.
double enumerated_error(const Unary& u);

// The kernel of u's table.
Int8Kernel build(const NodeView& node, const Unary& u, double envelope);

// Domain and clamp the storage types' ranges, parameters from the node's tensors.
Unary tflite_unary(const NodeView& node);
// y = A(q - z_in; ratio), f = x / s_out; `ratio` is what the device computes of s_in / s_out.
void requantised(const NodeView& node, Unary& u, double ratio);
// s_in / s_out in binary64.
double scale_ratio(const Unary& u);

// relu, or a clip that is it: requantised, then clamped at the output's zero point.
Int8Kernel relu(const NodeView& node, double ratio);
// relu6 of LiteRT: requantised, then clamped at round(fl32(6 / s_out)) steps of the *output*.
Int8Kernel relu6(const NodeView& node, double ratio);
// y = A(x; identity) for x >= 0, A(x; slope) below.
Int8Kernel leaky_relu(const NodeView& node, double identity, double slope);
// Whether a relu, relu6 or clip ends at 6. Throws UnsupportedOperatorError for clips that the runtimes don't have.
bool ends_at_six(const NodeView& node);

}  // namespace gonogo::tflm
