// Accumulators of the linear layers with 16-bit inputs.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "ops/int8_common.hpp"

namespace gonogo::int16 {

// sum_k w_k x_k + b_c for every output of a layer with int16 inputs of zero point 0, exact. Every partial sum is below
// bounds()[c] in magnitude, whatever the order; construction throws OverflowRiskError where that passes `most`.
class WideAccumulator {
  public:
    WideAccumulator(const NodeView& node, int8::LinearLayer layer, std::int64_t most);

    std::span<const std::int64_t> bounds() const { return bounds_; }

    // As LinearAccumulator's.
    template <class F>
    void point(const std::int32_t* x, std::int32_t* out, F&& f) const {
        const std::vector<std::int64_t> sums = sums_at(x);
        layer_.each([&](std::int64_t c, std::int64_t i) { out[i] = f(c, sums[static_cast<std::size_t>(i)]); });
    }
    template <class F>
    void range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi,
               F&& f) const {
        const Ends ends = ends_over(lo, hi);
        layer_.each([&](std::int64_t c, std::int64_t i) {
            out_lo[i] = f(c, ends.lo[static_cast<std::size_t>(i)]);
            out_hi[i] = f(c, ends.hi[static_cast<std::size_t>(i)]);
        });
    }

  private:
    struct Ends {
        std::vector<std::int64_t> lo, hi;
    };
    std::vector<std::int64_t> sums_at(const std::int32_t* x) const;
    Ends ends_over(const std::int32_t* lo, const std::int32_t* hi) const;

    int8::LinearLayer layer_;                                           // without its weights
    std::shared_ptr<const numeric::IntegerConvolution> upper_, lower_;  // sums over int8 and over uint8
    std::vector<std::int64_t> bounds_;
};

}  // namespace gonogo::int16
