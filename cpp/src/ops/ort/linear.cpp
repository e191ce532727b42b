// dense, conv2d, depthwise_conv2d: exact int32 accumulation, then variant D.
#include <cmath>
#include <memory>

#include "gonogo/error.hpp"

#include "ops/ort/float_steps.hpp"
#include "ops/ort/ort.hpp"

namespace gonogo {

namespace {

using int8::Affine;
using int8::LinearAccumulator;
using int8::LinearLayer;

struct Linear {
    LinearAccumulator accumulator;
    std::vector<float> factors;  // one, or one per channel
    ort::FloatRange range;
    std::int32_t zero_point;

    float factor(std::int64_t channel) const {
        return factors[factors.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
    }
};

// The kernel ignores the scale of the bias: it adds the integers. What that moves the result by, in output units:
// max_c |b_c| * |s_b - s_x * s_w| / s_y, rounded up.
double bias_shift(const NodeView& node) {
    if (!node.has_input(2)) return 0.0;
    const Tensor& bias = node.input(2);
    const Quantization& w = *node.input(1).quantization;
    const double sx = static_cast<double>(node.input(0).quantization->scale());
    const double sy = static_cast<double>(node.output().quantization->scale());
    const std::vector<std::int32_t> values = int8::constant_integers(node, bias);
    double worst = 0.0;
    for (std::size_t c = 0; c < values.size(); ++c) {
        const auto channel = static_cast<std::int64_t>(c);
        const double exact = sx * static_cast<double>(w.scale(channel));  // 48 bits: exact in binary64
        const double stated = bias.quantization ? static_cast<double>(bias.quantization->scale(channel)) : exact;
        worst = std::max(worst, std::fabs(static_cast<double>(values[c])) * std::fabs(stated - exact) / sy);
    }
    return worst * (1.0 + 0x1p-40);
}

// Theorem. Let A be the exact accumulator, M = s_x s_w / s_y. The kernel returns rne(v) + z_y clamped to the storage
// range, v = fl(fl(A) * s), s = fl(fl(s_x s_w) / s_y). All four roundings are relative with |d| <= 2^-24 (the factors
// are normal numbers; a product below 2^-126 errs by less than 2^-100), so |v - A M| <= 2^-21 |A M|, and rne adds 1/2.
// The real operator adds the bias at its stated scale, which differs from A M by at most bias_shift().
// Monotone in A because s > 0, so the ends of A give the ends of the result.
Int8Kernel linear_kernel(const NodeView& node, LinearAccumulator accumulator) {
    const ClampRange storage = int8::storage_range(node, node.output());
    const Affine out = int8::per_tensor(node, node.output());
    const Affine in = int8::per_tensor(node, node.input(0));
    const auto self = std::make_shared<Linear>(
        Linear{std::move(accumulator), {}, ort::FloatRange::of(storage, out.zero_point), out.zero_point});
    for (const float scale : node.input(1).quantization->scales) {
        self->factors.push_back(ort::requantisation_factor(node, in.scale, scale, out.scale));
    }
    Int8Kernel kernel;
    kernel.clamp = storage;
    const double shift = bias_shift(node);
    kernel.envelope = {ort::half + shift * (1.0 + ort::six_roundings), ort::six_roundings};
    const auto requantise = [self](ort::FloatRange range) {
        return [self, range](std::int64_t c, std::int32_t acc) {
            return ort::round_clamped(static_cast<float>(acc) * self->factor(c), range, self->zero_point);
        };
    };
    kernel.point = [self, requantise](std::span<const std::int32_t* const> x, std::int32_t* y) {
        self->accumulator.point(x[0], y, requantise(self->range));
    };
    const auto enclose = [self, requantise](ort::FloatRange range) {
        return
            [self, requantise, range](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                                      std::int32_t* out_lo, std::int32_t* out_hi) {
                self->accumulator.range(lo[0], hi[0], out_lo, out_hi, requantise(range));
            };
    };
    kernel.range = enclose(self->range);
    kernel.unclamped_range = enclose({-ort::wide, ort::wide});
    return kernel;
}

}  // namespace

Int8Kernel ort_dense(const NodeView& node) {
    ort::need_fused(node);
    return linear_kernel(node, {node, LinearLayer::dense(node)});
}

Int8Kernel ort_conv2d(const NodeView& node) {
    ort::need_fused(node);
    return linear_kernel(node, {node, LinearLayer::conv2d(node)});
}

Int8Kernel ort_depthwise_conv2d(const NodeView& node) {
    ort::need_fused(node);
    return linear_kernel(node, {node, LinearLayer::depthwise_conv2d(node)});
}

// Theorem. Without VNNI the runtime computes sat16(a0 b0 + a1 b1) with a in [0, 255] (signed activations are shifted by
// 128) and signed weights b. Which products meet depends on the packing, so every pair of one output channel is
// covered: with the two greatest weights p0, p1 >= 0 and the two least n0, n1 <= 0 the sum lies in [255 (n0 + n1), 255
// (p0 + p1)]. uint8 weights use exact 32-bit sums.
std::string ort_machine_assumption(const NodeView& node) {
    const std::string_view op = node.op().name;
    const bool depthwise = op == "depthwise_conv2d";
    if ((op != "dense" && op != "conv2d" && !depthwise) || !node.input(0).is_quantized()) return {};
    const Tensor& w = node.input(1);
    if (w.dtype != DType::int8 || !w.is_constant || !w.has_values || w.dims.empty()) return {};
    const std::vector<std::int32_t> values = int8::constant_integers(node, w);
    const auto channels = static_cast<std::size_t>(depthwise ? w.dims.back() : w.dims.front());
    if (channels == 0) return {};
    const std::size_t taps = values.size() / channels;
    for (std::size_t c = 0; c < channels; ++c) {
        std::int32_t greatest[2] = {0, 0};
        std::int32_t least[2] = {0, 0};
        for (std::size_t k = 0; k < taps; ++k) {
            const std::int32_t v = values[depthwise ? k * channels + c : c * taps + k];
            if (v > greatest[1]) greatest[1] = v;
            if (greatest[1] > greatest[0]) std::swap(greatest[0], greatest[1]);
            if (v < least[1]) least[1] = v;
            if (least[1] < least[0]) std::swap(least[0], least[1]);
        }
        if (255 * (greatest[0] + greatest[1]) > 32767 || 255 * (least[0] + least[1]) < -32768) {
            return node.message(
                "int8 weights of channel " + std::to_string(c) +
                " can saturate int16 pairs on x86-64 processors without VNNI; exact on VNNI and Arm, or "
                "quantise with reduce_range");
        }
    }
    return {};
}

}  // namespace gonogo
