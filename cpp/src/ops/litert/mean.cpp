// Means of LiteRT's built-in kernels and of XNNPACK.
#include <cmath>

#include "gonogo/error.hpp"

#include "ops/litert/litert.hpp"
#include "ops/ort/float_steps.hpp"
#include "ops/tflm/reduction.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

using numeric::Interval;
using tflm::Multiplier;
using tflm::Reduction;

// The built-in vector kernel handles rank 4 with exactly the axes 1 and 2, kept.
bool over_image(const NodeView& node, const Reduction& r) {
    return node.input(0).dims.size() == 4 && node.output().dims.size() == 4 && node.integers("axes").size() == 2 &&
           !r.reduced[0] && r.reduced[1] && r.reduced[2] && !r.reduced[3];
}

}  // namespace

// Over height and width, kept: y = V(sum q; m) + b, clamped, with m from fl32(s_in / fl32(n s_out)), b = z_out -
// trunc(t), t = fl32(fl32(z_in s_in) / s_out) moved away from zero by 1/2, and V variant B for the first channels,
// sixteen at a time, A for the rest. Other axes: TFLite Micro's mean. Threads split the channels and move the boundary
// between A and B, so `range` covers both for every channel; `point` is the kernel on one thread.
//
// Theorem. With M = s_in / (s_out n), f = (sum q) M - n z_in M: |y - z_out - f| <= r + |sum q|max |m - M| + |b - z_out
// + z_in s_in / s_out|, r the rounding error of Theorem A; the last two terms don't depend on f and are computed in
// interval arithmetic.
Int8Kernel litert_mean(const NodeView& node) {
    const int8::Affine in = tflm::tflite_tensor(node, node.input(0));
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    const Reduction r = tflm::reduction_of(node);
    if (!over_image(node, r)) return tflm_mean(node);
    const auto n = static_cast<float>(r.count);
    const float offset = static_cast<float>(in.zero_point) * in.scale / out.scale;
    const float moved = offset > 0.0F ? offset + 0.5F : offset - 0.5F;
    const float ratio = in.scale / (n * out.scale);
    if (!(std::fabs(moved) < 0x1p30F) || !ort::is_normal(ratio)) {
        throw QuantizationError(node.message("the scales of input and output are too far apart"));
    }
    const std::int64_t bias = out.zero_point - static_cast<std::int32_t>(moved);
    const Multiplier m = tflm::quantize_multiplier(static_cast<double>(ratio));
    const std::int64_t reach = 128 * r.count;
    tflm::check_shift(node, reach, m, "sum");

    const Interval exact = tflm::ratio(in.scale, out.scale);
    const Interval drift = Interval::point(tflm::value_of(m)) - exact / Interval::point(static_cast<double>(r.count));
    const Interval shift = Interval::point(static_cast<double>(bias - out.zero_point)) +
                           Interval::point(static_cast<double>(in.zero_point)) * exact;
    const Interval total = Interval::point(tflm::rounding_error(m)) + Interval::point(shift.magnitude()) +
                           Interval::point(static_cast<double>(reach)) * Interval::point(drift.magnitude());

    const std::int64_t channels = node.output().dims.back();
    const std::int64_t vectors = channels / 16 * 16;
    const ClampRange clamp{-128, 127};
    Int8Kernel kernel;
    kernel.clamp = clamp;
    kernel.envelope = {total.hi, 0.0};
    kernel.point = [=](std::span<const std::int32_t* const> x, std::int32_t* y) {
        r.run(x[0], 0, y);
        for (std::int64_t o = 0; o < r.outputs; ++o) {
            const std::int64_t v = o % channels < vectors ? tflm::requantize_up(y[o], m) : tflm::requantize(y[o], m);
            y[o] = int8::clamp(v + bias, clamp);
        }
    };
    kernel.range = [=](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                       std::int32_t* out_lo, std::int32_t* out_hi) {
        r.run(lo[0], 0, out_lo);
        r.run(hi[0], 0, out_hi);
        for (std::int64_t o = 0; o < r.outputs; ++o) {
            const std::int64_t least = std::min(tflm::requantize(out_lo[o], m), tflm::requantize_up(out_lo[o], m));
            const std::int64_t most = std::max(tflm::requantize(out_hi[o], m), tflm::requantize_up(out_hi[o], m));
            out_lo[o] = int8::clamp(least + bias, clamp);
            out_hi[o] = int8::clamp(most + bias, clamp);
        }
    };
    return kernel;
}

// y = rne(fl32(fl32(S s) + c)) with S = sum q, s = fl32(fl32(s_in / s_out) / n), c = fl32(z_out - fl32(fl32(n z_in)
// s)). Non-decreasing in S.
//
// Theorem. |y - z_out - f| <= 1/2 + 2^-21 n M (128 + |z_in|) + 2^-14 with M = s_in / (s_out n). Proof: |S| <= 128 n and
// n |z_in| are below 2^24, so exact in float32. With u = 2^-24: s has two relative roundings and each product one more,
// 3u
// (|S| M + n |z_in| M) in all; c rounds once, u (|z_out| + n |z_in| M), and the sum once, u (|S| M + |z_out| + n |z_in|
// M). That is at most u (4 * 128 + 5 |z_in|) n M + 256 u, and second orders, below 8u (128 + |z_in|) n M + 2^-14. A
// fused multiply-add only leaves out one of these roundings.
Int8Kernel xnnpack_mean(const NodeView& node) {
    const int8::Affine in = tflm::tflite_tensor(node, node.input(0));
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    const Reduction r = tflm::reduction_of(node);
    const auto n = static_cast<float>(r.count);
    const float s = in.scale / out.scale / n;
    if (!ort::is_normal(s) || !(s * n < 0x1p13F) || r.count > (1 << 16)) {
        throw QuantizationError(
            node.message("the scales of input and output, or the number of elements, leave the "
                         "range in which XNNPACK's mean is proved"));
    }
    const float offset = static_cast<float>(out.zero_point) - static_cast<float>(r.count * in.zero_point) * s;
    const Interval steps = tflm::ratio(in.scale, out.scale);  // n M
    const Interval size = steps * Interval::point(128.0 + std::abs(static_cast<double>(in.zero_point)));
    const Interval total = Interval::point(ort::half + 0x1p-14) + size * Interval::point(0x1p-21);
    const ClampRange clamp{-128, 127};
    return tflm::monotone(clamp, {total.hi, 0.0}, [=](const std::int32_t* x, std::int32_t* y) {
        r.run(x, 0, y);
        for (std::int64_t o = 0; o < r.outputs; ++o)
            y[o] = ort::round_clamped(static_cast<float>(y[o]) * s + offset, {-128.0F, 127.0F}, 0);
    });
}

}  // namespace gonogo
