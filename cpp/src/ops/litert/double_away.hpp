// Variant E: LiteRT's reference dense layer.
#pragma once

#include <cmath>

#include "gonogo/error.hpp"

#include "ops/tflm/linear.hpp"

namespace gonogo::litert {

// Ties away from zero of RN(x s), s = RN(s_in s_w / s_out), in binary64.
// Theorem. The product of two float32 scales is exact; the quotient and the product with x round once each, relatively
// by at most 2^-53, so |RN(x s) - x M| <= 2^-51 |x M|; the rounding to an integer adds 1/2.
struct DoubleAway {
    double factor;

    DoubleAway(const NodeView& node, const tflm::LinearChannel& channel) : factor(channel.ratio()) {
        // Beyond int32 the device's conversion isn't defined; the zero point and the rounding need a little room.
        if (!(static_cast<double>(channel.bound) * factor < 2147483648.0 - 1024.0)) {
            throw OverflowRiskError(node.message("channel " + std::to_string(channel.index) +
                                                 ": the requantised value leaves int32; use a larger output scale"));
        }
    }
    std::int64_t operator()(std::int64_t x) const {
        return static_cast<std::int64_t>(std::round(static_cast<double>(x) * factor));
    }
    Envelope error(const numeric::Interval& /*exact*/) const { return {0.5, 0x1p-51}; }
};

}  // namespace gonogo::litert
