// Pooling. Averages run in float32 except where the window is the whole image.
#include <algorithm>
#include <cmath>
#include <memory>

#include "gonogo/error.hpp"

#include "ops/ort/float_steps.hpp"
#include "ops/ort/ort.hpp"
#include "ops/window.hpp"

namespace gonogo {

namespace {

using int8::Affine;

// Calls body(output index, first tap's input index function) for each output; `visit` runs over the taps in the
// runtime's order: rows, then columns.
template <class Begin, class Tap, class End>
void pool(const Window& w, Begin&& begin, Tap&& tap, End&& end) {
    const auto index = [&](std::int64_t n, std::int64_t h, std::int64_t x, std::int64_t c, std::int64_t height,
                           std::int64_t width) {
        return w.channels_first ? ((n * w.in_c + c) * height + h) * width + x
                                : ((n * height + h) * width + x) * w.in_c + c;
    };
    for (std::int64_t n = 0; n < w.batch; ++n)
        for (std::int64_t c = 0; c < w.in_c; ++c)
            for (std::int64_t oh = 0; oh < w.out_h; ++oh)
                for (std::int64_t ow = 0; ow < w.out_w; ++ow) {
                    const Window::Taps rows = w.rows(oh);
                    const Window::Taps columns = w.columns(ow);
                    begin();
                    for (std::int64_t kh = rows.first; kh < rows.last; ++kh)
                        for (std::int64_t kw = columns.first; kw < columns.last; ++kw)
                            tap(index(n, oh * w.stride_h - w.pad_top + kh * w.dilation_h,
                                      ow * w.stride_w - w.pad_left + kw * w.dilation_w, c, w.in_h, w.in_w));
                    end(index(n, oh, ow, c, w.out_h, w.out_w),
                        std::max<std::int64_t>(rows.last - rows.first, 0) *
                            std::max<std::int64_t>(columns.last - columns.first, 0));
                }
}

void need_taps(const NodeView& node, const Window& w) {
    pool(
        w, [] {}, [](std::int64_t) {},
        [&](std::int64_t, std::int64_t taps) {
            if (taps < 1) throw ShapeError(node.message("a pooling window lies wholly in the padding"));
        });
}

// Both ends of a monotone kernel.
template <class Run>
void set_monotone(Int8Kernel& kernel, Run run, ort::FloatRange range) {
    kernel.point = [run, range](std::span<const std::int32_t* const> in, std::int32_t* out) { run(in[0], out, range); };
    const auto enclose = [run](ort::FloatRange r) {
        return [run, r](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                        std::int32_t* out_lo, std::int32_t* out_hi) {
            run(lo[0], out_lo, r);
            run(hi[0], out_hi, r);
        };
    };
    kernel.range = enclose(range);
    kernel.unclamped_range = enclose({-ort::wide, ort::wide});
}

// Theorem. A = sum x - n z is exact (|A| <= 255 n < 2^31 is checked); y = rne(fl(fl(A) s)) with s = fl(s_x / fl(s_y
// n)): four relative roundings, so |v - f| <= 2^-21 |f|. Monotone in every x.
Int8Kernel whole_image(const NodeView& node, Window w) {
    const Affine in = int8::per_tensor(node, node.input(0));
    const Affine out = int8::per_tensor(node, node.output());
    const ClampRange storage = int8::storage_range(node, node.output());
    const std::int64_t count = w.in_h * w.in_w;
    // The runtime's own limits; outside it throws.
    const float factor = count < (1 << 23) ? in.scale / (out.scale * static_cast<float>(count)) : 0.0F;
    if (!(factor >= 0x1p-32F && factor < 256.0F)) {
        throw QuantizationError(node.message("ONNX Runtime refuses these scales for an average over " +
                                             std::to_string(count) + " elements"));
    }
    w.kernel_h = w.in_h, w.kernel_w = w.in_w, w.pad_top = w.pad_left = 0;
    Int8Kernel kernel;
    kernel.clamp = storage;
    kernel.envelope = {ort::half, ort::six_roundings};
    const auto run = [=](const std::int32_t* x, std::int32_t* y, ort::FloatRange range) {
        std::int32_t sum = 0;
        pool(
            w, [&] { sum = 0; }, [&](std::int64_t i) { sum += x[i] - in.zero_point; },
            [&](std::int64_t o, std::int64_t) {
                y[o] = ort::round_clamped(static_cast<float>(sum) * factor, range, out.zero_point);
            });
    };
    set_monotone(kernel, run, ort::FloatRange::of(storage, out.zero_point));
    return kernel;
}

}  // namespace

// Theorem. The maximum of integers is exact and monotone. With other parameters at the output the runtime dequantises,
// takes the same maximum (the scale is positive) and quantises: D and the quotient round once each.
Int8Kernel ort_max_pool2d(const NodeView& node) {
    ort::need_integers(node);
    ort::need_activation(node);
    const Window w = window_of(node);
    need_taps(node, w);
    const auto table = std::make_shared<const int8::UnaryTable>(
        int8::storage_range(node, node.input(0)), ort::conversion_table(node, node.input(0), node.output()));
    const bool copy = ort::same_parameters(node.input(0), node.output());
    Int8Kernel kernel;
    kernel.clamp = int8::storage_range(node, node.output());
    kernel.envelope = copy ? Envelope{0.0, 0.0} : Envelope{ort::half, ort::six_roundings};
    const auto run = [w, table](const std::int32_t* x, std::int32_t* y, ort::FloatRange) {
        std::int32_t best = 0;
        bool first = true;
        pool(
            w, [&] { first = true; },
            [&](std::int64_t i) {
                best = first ? x[i] : std::max(best, x[i]);
                first = false;
            },
            [&](std::int64_t o, std::int64_t) { y[o] = (*table)(best); });
    };
    set_monotone(kernel, run, {});
    kernel.unclamped_range = nullptr;
    return kernel;
}

// Theorem. v = fl(fl(fl(sum) / n) / s_y) + z_y with the sum of n dequantised taps in the stated order. With R = s_x
// max|q - z_x| / s_y the errors are: n + 1 relative roundings in the sum, two quotients, and one of the final sum, all
// of values of at most R + 255: |v - f - z_y| <= (n + 5) 2^-24 (R + 255). Rounded sums and quotients are monotone.
Int8Kernel ort_average_pool2d(const NodeView& node) {
    ort::need_fused(node);
    const Window w = window_of(node);
    need_taps(node, w);
    const bool no_padding =
        node.text("padding") != "explicit" ||
        std::all_of(node.integers("pads").begin(), node.integers("pads").end(), [](std::int64_t p) { return p == 0; });
    if (w.kernel_h == w.in_h && w.kernel_w == w.in_w && no_padding && node.text("padding") != "same") {
        return whole_image(node, w);
    }
    const Affine in = int8::per_tensor(node, node.input(0));
    const Affine out = int8::per_tensor(node, node.output());
    const ClampRange storage = int8::storage_range(node, node.output());
    const bool with_padding = node.integer("count_include_pad") != 0;
    const std::int64_t window = w.kernel_h * w.kernel_w;
    const double reach = static_cast<double>(in.scale) * 256.0 / static_cast<double>(out.scale) + 255.0;
    if (!(reach < 0x1p21) || window > (1 << 20)) throw QuantizationError(node.message("scales too far apart"));
    Int8Kernel kernel;
    kernel.clamp = storage;
    kernel.envelope = {ort::half + static_cast<double>(window + 5) * 0x1.01p-24 * reach, 0.0};
    const auto run = [=](const std::int32_t* x, std::int32_t* y, ort::FloatRange range) {
        float sum = 0.0F;
        const auto zero = static_cast<float>(out.zero_point);
        pool(
            w, [&] { sum = 0.0F; }, [&](std::int64_t i) { sum += ort::dequantize(x[i], in); },
            [&](std::int64_t o, std::int64_t taps) {
                const float mean = sum / static_cast<float>(with_padding ? window : taps);
                y[o] = static_cast<std::int32_t>(
                    ort::nearest_even(ort::limit(mean / out.scale + zero, {range.lo + zero, range.hi + zero})));
            });
    };
    set_monotone(kernel, run, ort::FloatRange::of(storage, out.zero_point));
    return kernel;
}

Int8Kernel ort_global_average_pool(const NodeView& node) {
    ort::need_fused(node);
    return whole_image(node, window_of(node));
}

}  // namespace gonogo
