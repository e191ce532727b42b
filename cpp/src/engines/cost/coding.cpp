// How far an accelerator's encoding of weights shrinks them.
#include <array>
#include <cmath>

#include "engines/cost/model.hpp"
#include "ops/common.hpp"

namespace gonogo::costing {

namespace {

// Of weights nobody knows yet: most networks of the corpus lie between 0.8 and 1 (docs/cost-model.md).
constexpr std::int64_t typical_tenths = 9;

}  // namespace

Expr coded_bytes(const Tensor& weights) {
    if (!weights.has_values || weights.dtype != DType::int8 || weights.packed_int4)
        return floor_div(count(weights.shape) * Expr(typical_tenths), Expr(10));
    std::array<std::int64_t, 256> times = {};
    for (const std::byte b : weights.data) ++times[static_cast<std::size_t>(b)];
    const auto all = static_cast<double>(weights.data.size());
    double bits = 0.0;
    for (const std::int64_t n : times) {
        const auto some = static_cast<double>(n);
        if (n > 0) bits += some * std::log2(all / some);
    }
    return static_cast<std::int64_t>(std::ceil(bits / 8.0));
}

}  // namespace gonogo::costing
