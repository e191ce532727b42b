// Exact dot products of 8-bit integers over windows, at a point and over a box (Theorems 34 and 35 of
// docs/soundness.md): what a quantised layer's int32 accumulators hold. Uses the pool of parallel.hpp; results depend
// on nothing but the operands.
#pragma once

#include <cstdint>
#include <memory>

#include "gonogo/numeric/convolution.hpp"

namespace gonogo::numeric {

struct IntegerPlan;

// sum_k w[k] (x[k] - zero) + bias for every output of a convolution, taps outside the input left out. A dense layer is
// a convolution of 1 x 1 images.
class IntegerConvolution {
  public:
    // Inputs are integers from `lowest` to lowest + 255 (-128 for int8, 0 for uint8), `zero` one of them; weights are
    // from -255 to 255, their zero point removed. One bias per output channel, or null. std::invalid_argument for
    // anything else. Weights from -128 to 127 go to the 8-bit products of VNNI where the processor has them.
    IntegerConvolution(const ConvolutionShape& shape, const std::int16_t* weights, const WeightSteps& steps,
                       std::int32_t lowest, std::int32_t zero, const std::int32_t* bias);
    ~IntegerConvolution();
    IntegerConvolution(IntegerConvolution&&) noexcept;
    IntegerConvolution& operator=(IntegerConvolution&&) noexcept;

    // The exact sums, where they fit int32; else their residues modulo 2^32.
    void point(const std::int32_t* x, std::int32_t* sums) const;
    // The exact minimum and maximum of each sum over all integers x in [lo, hi], lo <= hi, likewise.
    void range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* least, std::int32_t* greatest) const;

  private:
    std::unique_ptr<const IntegerPlan> plan_;
};

}  // namespace gonogo::numeric
