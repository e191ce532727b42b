// Sums over axes, and kernels that are non-decreasing in every input.
#pragma once

#include <memory>
#include <vector>

#include "ops/tflm/requantize.hpp"

namespace gonogo::tflm {

// A kernel whose range is its point rule at both ends.
template <class Point>
Int8Kernel monotone(ClampRange clamp, Envelope envelope, Point point) {
    Int8Kernel kernel;
    kernel.clamp = clamp;
    kernel.envelope = envelope;
    kernel.point = [point](std::span<const std::int32_t* const> in, std::int32_t* out) { point(in[0], out); };
    kernel.range = [point](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                           std::int32_t* out_lo, std::int32_t* out_hi) {
        point(lo[0], out_lo);
        point(hi[0], out_hi);
    };
    return kernel;
}

// The sums that a mean node divides.
struct Reduction {
    std::int64_t count = 1;  // elements per sum
    std::int64_t outputs = 0;
    std::vector<bool> reduced;                                 // per axis of the input
    std::shared_ptr<const std::vector<std::int64_t>> targets;  // output index of every input element

    // sums[o] = sum of (x - zero_point), exact: construction checks that no sum leaves int32.
    void run(const std::int32_t* x, std::int32_t zero_point, std::int32_t* sums) const;
};
// Throws ShapeError, OverflowRiskError.
Reduction reduction_of(const NodeView& node);

}  // namespace gonogo::tflm
