// Bounds on what operators lose in a device's floating-point arithmetic, over all orders of evaluation.
//
// Every function returns an upper bound on |computed - exact| on the operands as they are stored, +inf where an
// overflow can't be excluded. Theorems 53 and 54: docs/soundness.md.
#pragma once

#include <cstdint>

#include "gonogo/semantics/floating_point.hpp"

namespace gonogo {

class FloatErrors {
  public:
    explicit FloatErrors(const FloatingPoint& format);

    // Sums of n products of weights and activations, a bias counted, mass = sum |w x| + |b|, |exact| <= magnitude; the
    // sums of |w| and of |x| matter for flushed operands only.
    double dot(std::int64_t n, double mass, double magnitude, double weights, double operands) const;
    // Theorem 53. One addition, subtraction or multiplication of stored numbers of at most these magnitudes. The factor
    // is 1, or what a product multiplies a flushed operand with.
    double elementwise(double magnitude, double factor) const;
    // Sum of n numbers divided by n, or by a larger number, in either order; mass = sum |x| / n.
    double average(std::int64_t n, double mass) const;
    // tanh, sigmoid.
    double function(double magnitude) const;
    // Theorem 54. Softmax of beta x for n numbers x of at most this magnitude, at a probability of at most p.
    double softmax(std::int64_t n, double beta, double operands, double p) const;
    // A copy that is compared: max, relu.
    double selection() const;
    double stored(double magnitude) const;  // one rounding into the activations' format

    // Nearest number of a format; infinite beyond it.
    static double rounded(const numeric::FloatFormat& format, double x);

  private:
    double into_activations(double magnitude, double error) const;

    FloatingPoint f_;
    numeric::DeployedArithmetic activations_, sums_, wide_sums_, accumulator_;
    double least_;  // smallest normal number of the activations, with flushing; else 0
};

}  // namespace gonogo
