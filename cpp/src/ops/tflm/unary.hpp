// Functions of one int8 element: 256-entry tables, and envelopes by enumeration of the 256 inputs in interval
// arithmetic.
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

// Domain and clamp [-128, 127], parameters from the node's tensors.
Unary int8_unary(const NodeView& node);
// y = A(q - z_in; s_in / s_out), f = x / s_out.
void requantised(const NodeView& node, Unary& u);

}  // namespace gonogo::tflm
