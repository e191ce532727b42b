// Theorem 71 (sums of 16-bit inputs). Write x = 256 h + l with l = x mod 256, so -128 <= h <= 127 and 0 <= l <= 255.
// Then sum w x = 256 sum w h + sum w l. Over a box lo <= x <= hi with hi - lo = 256 g + m, 0 <= g, m <= 255: the
// extremes of sum w x are sum w lo + 256 sum min(w, 0) g + sum min(w, 0) m and the same with max(w, 0) (Theorem 34).
// Each of the sums over bytes is at most 255 sum |w| in magnitude, which construction keeps below 2^31, so that Theorem
// 35 gives them exactly; the rest is 64-bit arithmetic on numbers below 2^48.
#include "ops/int16/accumulator.hpp"

#include <cstdlib>
#include <string>
#include <utility>

#include "gonogo/error.hpp"

namespace gonogo::int16 {

namespace {

constexpr std::int64_t reach = 32768;

// Upper and lower bytes of n numbers.
struct Bytes {
    std::vector<std::int32_t> upper, lower;

    template <class Value>
    Bytes(std::int64_t n, Value value) : upper(static_cast<std::size_t>(n)), lower(upper.size()) {
        for (std::size_t i = 0; i < upper.size(); ++i) {
            const std::int32_t x = value(i);
            upper[i] = x >> 8;
            lower[i] = x & 255;
        }
    }
};

}  // namespace

WideAccumulator::WideAccumulator(const NodeView& node, int8::LinearLayer layer, std::int64_t most)
    : layer_(std::move(layer)) {
    for (std::int64_t c = 0; c < layer_.channels(); ++c) {
        const std::int64_t mass = layer_.masses[static_cast<std::size_t>(c)];
        if (mass > ((std::int64_t{1} << 31) - 1) / 255) {
            throw UnsupportedOperatorError(node.message("channel " + std::to_string(c) + " has weights that sum to " +
                                                        std::to_string(mass) +
                                                        " in magnitude; int16 layers are supported up to 2^23"));
        }
        bounds_.push_back(mass * reach + std::abs(layer_.bias[static_cast<std::size_t>(c)]));
        if (bounds_.back() > most) {
            throw OverflowRiskError(node.message("channel " + std::to_string(c) + ": the accumulator can reach " +
                                                 std::to_string(bounds_.back()) + ", the device's kernel takes " +
                                                 std::to_string(most) +
                                                 "; use fewer inputs per output, or a smaller bias"));
        }
    }
    upper_ = std::make_shared<const numeric::IntegerConvolution>(layer_.sums(-128, 0, nullptr));
    lower_ = std::make_shared<const numeric::IntegerConvolution>(layer_.sums(0, 0, nullptr));
    layer_.weights = {};
}

std::vector<std::int64_t> WideAccumulator::sums_at(const std::int32_t* x) const {
    const Bytes bytes(layer_.inputs(), [&](std::size_t i) { return x[i]; });
    const auto n = static_cast<std::size_t>(layer_.outputs());
    std::vector<std::int32_t> upper(n), lower(n);
    upper_->point(bytes.upper.data(), upper.data());
    lower_->point(bytes.lower.data(), lower.data());
    std::vector<std::int64_t> sums(n);
    layer_.each([&](std::int64_t c, std::int64_t i) {
        const auto k = static_cast<std::size_t>(i);
        sums[k] = std::int64_t{256} * upper[k] + lower[k] + layer_.bias[static_cast<std::size_t>(c)];
    });
    return sums;
}

WideAccumulator::Ends WideAccumulator::ends_over(const std::int32_t* lo, const std::int32_t* hi) const {
    const Bytes widths(layer_.inputs(), [&](std::size_t i) { return hi[i] - lo[i]; });
    const std::vector<std::int32_t> zeros(widths.upper.size(), 0);
    const auto n = static_cast<std::size_t>(layer_.outputs());
    std::vector<std::int32_t> least_upper(n), most_upper(n), least_lower(n), most_lower(n);
    lower_->range(zeros.data(), widths.upper.data(), least_upper.data(), most_upper.data());
    lower_->range(zeros.data(), widths.lower.data(), least_lower.data(), most_lower.data());
    Ends ends{sums_at(lo), {}};
    ends.hi = ends.lo;
    for (std::size_t i = 0; i < n; ++i) {
        ends.lo[i] += std::int64_t{256} * least_upper[i] + least_lower[i];
        ends.hi[i] += std::int64_t{256} * most_upper[i] + most_lower[i];
    }
    return ends;
}

}  // namespace gonogo::int16
