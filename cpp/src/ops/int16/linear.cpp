// dense, conv2d, depthwise_conv2d on int16 activations: a requantiser per kind of sum for the template of
// tflm/linear.hpp.
#include "ops/tflm/linear.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "gonogo/error.hpp"

#include "ops/int16/accumulator.hpp"
#include "ops/int16/int16.hpp"
#include "ops/litert/double_away.hpp"

namespace gonogo {

namespace {

using int16::WideAccumulator;
using int8::LinearLayer;
using numeric::Interval;
using tflm::LinearChannel;
using tflm::TwoRoundings;

constexpr std::int64_t narrow_sums = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t wide_sums = (std::int64_t{1} << 47) - 1;

// Variant F: y = (x r + 2^(14 - e)) >> (15 - e), r the multiplier's mantissa rounded to 15 bits.
//
// Theorem 72 (F). |y - x M| <= 1/2 + rho |x M| with rho = |r 2^(e - 15) / M - 1| for every M != 0. Proof: the shift is
// floor(x r 2^(e - 15) + 1/2), the only rounding; x r 2^(e - 15) differs from x M by rho |x M|. It is non-decreasing in
// x, as r >= 0.
struct SixteenBits {
    std::int64_t multiplier = 0;
    int shift = 0;

    SixteenBits(const NodeView& node, const LinearChannel& channel) {
        const tflm::Multiplier m = tflm::quantize_multiplier(channel.ratio());
        const std::string what = "channel " + std::to_string(channel.index);
        if (m.exponent > 7) {
            throw QuantizationError(
                node.message(what + ": the scales need a multiplier of 128 or more, beyond the device's kernel"));
        }
        multiplier = m.mantissa < 0x7FFF0000 ? (m.mantissa + (1 << 15)) >> 16 : 0x7FFF;
        shift = 15 - m.exponent;
        // |x| < 2^47 and r < 2^15: the product fits. The result is an int32 on the device.
        if ((*this)(channel.bound) > narrow_sums) {
            throw OverflowRiskError(
                node.message(what + ": the requantised value leaves int32; use a larger output scale"));
        }
    }
    std::int64_t operator()(std::int64_t x) const {
        return (x * multiplier + (std::int64_t{1} << (shift - 1))) >> shift;
    }
    Envelope error(const Interval& exact) const {
        const Interval used = Interval::point(std::ldexp(static_cast<double>(multiplier), -shift));
        return {0.5, ((used - exact) / exact).magnitude()};
    }
};

enum class Bias : std::uint8_t { none, narrow, wide };
Bias bias_of(const NodeView& node) {
    if (!node.has_input(2)) return Bias::none;
    return node.input(2).dtype == DType::int32 ? Bias::narrow : Bias::wide;
}

template <class R>
Int8Kernel wide(const NodeView& node, LinearLayer layer) {
    return tflm::linear_kernel(node, WideAccumulator(node, std::move(layer), wide_sums),
                               [&](const LinearChannel& channel) { return R(node, channel); });
}

Int8Kernel tflm_linear(const NodeView& node, LinearLayer layer) {
    if (bias_of(node) != Bias::narrow) return wide<SixteenBits>(node, std::move(layer));
    return tflm::linear_kernel(
        node, WideAccumulator(node, std::move(layer), narrow_sums),
        [&](const LinearChannel& channel) { return TwoRoundings(node, channel, channel.ratio(), false); });
}

void refuse(const NodeView& node, Bias bias, const std::string& why) {
    if (bias_of(node) == bias) throw UnsupportedOperatorError(node.message(why));
}
const std::string needs_int64 = "its bias must be int64: the runtime reads an int32 one as if it were";

}  // namespace

Int8Kernel int16_tflm_dense(const NodeView& node) {
    return tflm_linear(node, LinearLayer::dense(node));
}

Int8Kernel int16_tflm_conv2d(const NodeView& node) {
    return tflm_linear(node, LinearLayer::conv2d(node));
}

// Without an int64 bias the built-in kernel sums in 32 bits, variant B, with a multiplier per tensor that takes the
// product of the scales in float32.
Int8Kernel int16_litert_dense(const NodeView& node) {
    LinearLayer layer = LinearLayer::dense(node);
    if (bias_of(node) == Bias::wide) return wide<litert::DoubleAway>(node, std::move(layer));
    const bool per_tensor = node.input(1).quantization->per_tensor();
    return tflm::linear_kernel(
        node, WideAccumulator(node, std::move(layer), narrow_sums), [&](const LinearChannel& channel) {
            return TwoRoundings(node, channel, per_tensor ? channel.float_ratio() : channel.ratio(), true);
        });
}

Int8Kernel int16_litert_ref_dense(const NodeView& node) {
    refuse(node, Bias::narrow, needs_int64);
    return wide<litert::DoubleAway>(node, LinearLayer::dense(node));
}

Int8Kernel int16_litert_conv2d(const NodeView& node) {
    refuse(node, Bias::narrow, needs_int64);
    refuse(node, Bias::none, "LiteRT refuses a convolution on int16 without a bias");
    return wide<SixteenBits>(node, LinearLayer::conv2d(node));
}

Int8Kernel int16_depthwise_conv2d(const NodeView& node) {
    refuse(node, Bias::narrow, needs_int64);
    return wide<SixteenBits>(node, LinearLayer::depthwise_conv2d(node));
}

}  // namespace gonogo
