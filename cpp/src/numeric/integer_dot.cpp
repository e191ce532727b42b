// Theorem 34 (box). For integers x_k in [lo_k, hi_k] the greatest value of sum w_k x_k is sum w_k lo_k + sum max(w_k,
// 0) (hi_k - lo_k), the least sum w_k lo_k + sum min(w_k, 0) (hi_k - lo_k): w_k x_k = w_k lo_k + w_k (x_k - lo_k) with
// x_k - lo_k in [0, hi_k - lo_k], and the elements of a box vary independently.
//
// Theorem 35 (integers). Every operation below is addition, subtraction or multiplication modulo 2^32 of integers: the
// kernels' products and pairwise sums are exact in 32 bits, their additions wrap, and the shift of the inputs by
// `lowest` (which makes them uint8) is taken back through the bias: sum w (x - zero) = sum w (x - lowest) - (zero -
// lowest) sum w, padding being x = zero. So a result is congruent to the true one; where that one fits int32, they are
// equal, whatever the partial sums did.
#include "gonogo/numeric/integer_dot.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "gonogo/numeric/parallel.hpp"

#include "numeric/integer_plan.hpp"

namespace gonogo::numeric {

namespace {

constexpr std::int64_t task_elements = std::int64_t{1} << 14;

std::int32_t wrapped_sum(std::int32_t a, std::int32_t b) {
    return wrapped(std::int64_t{a} + b);
}

}  // namespace

template <class T>
void IntegerPlan::fill(const std::int32_t* lo, const std::int32_t* hi, T* image) const {
    const auto convert = [&](std::int64_t count, std::int64_t from, T* to) {
        const std::int32_t* const other = hi == nullptr ? nullptr : hi + from;
        if constexpr (sizeof(T) == 1) {
            kernels.to_uint8(count, lo + from, other, offset, to);
        } else if constexpr (sizeof(T) == 2) {
            kernels.to_int16(count, lo + from, other, offset, to);
        } else {
            kernels.to_int32(count, lo + from, other, offset, to);
        }
    };
    const auto edge = static_cast<T>(hi == nullptr ? padding : 0);
    parallel_for(rows(), ceil_divide(task_elements, row() + 1), [&](std::int64_t first, std::int64_t last) {
        std::vector<T> input(static_cast<std::size_t>(s.in_w * s.in_c));
        for (std::int64_t r = first; r < last; ++r) {
            T* const to = image + r * row();
            const std::int64_t batch = r / layout.image_h;
            const std::int64_t h = r % layout.image_h - (layout.patches ? 0 : s.pad_top);
            const std::int64_t pad = layout.patches ? 0 : std::min(s.pad_left, layout.image_w);
            const std::int64_t count = h < 0 || h >= s.in_h ? 0 : std::min(s.in_w, layout.image_w - pad);
            const bool plain = !s.channels_first && layout.depth == s.in_c;
            if (!plain || count < layout.image_w) std::fill_n(to, row(), edge);
            if (plain) {
                if (count > 0) convert(count * s.in_c, (batch * s.in_h + h) * s.in_w * s.in_c, to + pad * s.in_c);
                continue;
            }
            if (count == 0) continue;
            if (!s.channels_first) convert(count * s.in_c, (batch * s.in_h + h) * s.in_w * s.in_c, input.data());
            for (std::int64_t c = 0; s.channels_first && c < s.in_c; ++c) {
                convert(count, ((batch * s.in_c + c) * s.in_h + h) * s.in_w, input.data() + c * count);
            }
            const std::int64_t step_c = s.channels_first ? count : 1;
            const std::int64_t step_w = s.channels_first ? 1 : s.in_c;
            for (std::int64_t w = 0; w < count; ++w) {
                for (std::int64_t c = 0; c < s.in_c; ++c) {
                    std::fill_n(to + (pad + w) * layout.depth + c * layout.repeat, layout.repeat,
                                input[static_cast<std::size_t>(w * step_w + c * step_c)]);
                }
            }
        }
    });
}

template <class T>
void IntegerPlan::run(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* least,
                      std::int32_t* greatest) const {
    const std::int64_t slack = 4;  // the last word of a run may reach beyond it; its weights are zero there
    const std::int64_t size = rows() * row() + slack;
    const std::int64_t images = hi == nullptr ? 1 : 2;
    const Aligned<T> image(images * size);
    fill(lo, nullptr, image.get());
    std::fill_n(image.get() + size - slack, slack, T(0));
    if (hi != nullptr) {
        fill(lo, hi, image.get() + size);
        std::fill_n(image.get() + 2 * size - slack, slack, T(0));
    }
    const WindowLayout& l = layout;
    const std::int64_t parts = l.parts(s);
    const std::int64_t strip = std::min(strip_pixels, s.pixels());
    const auto kernel = words == Words::bytes   ? kernels.bytes
                        : words == Words::pairs ? kernels.pairs
                                                : kernels.depthwise;
    parallel_for(l.units(s), l.grain(s), [&](std::int64_t first_unit, std::int64_t last_unit) {
        const std::int64_t patch = strip * s.taps() * l.depth + slack;
        std::vector<T> patches(l.patches ? static_cast<std::size_t>(images * patch) : 0);
        std::vector<std::int32_t> sums(static_cast<std::size_t>(3 * strip * l.panel));
        std::int64_t strip_in_patches = -1;
        for (std::int64_t unit = first_unit; unit < last_unit; ++unit) {
            const std::int64_t first = unit / parts * strip_pixels;
            const std::int64_t count = std::min(strip_pixels, s.pixels() - first);
            if (l.patches && std::exchange(strip_in_patches, first) != first) {
                copy_patches(s, l.depth, image.get(), first, count, static_cast<T>(padding), patches.data());
                if (hi != nullptr)
                    copy_patches(s, l.depth, image.get() + size, first, count, T(0), patches.data() + patch);
            }
            const std::int64_t part = unit % parts;
            const std::int64_t panel = part % l.panels;
            const std::int64_t step = l.vectors(panel) * l.lanes;
            const std::int64_t channel = part / l.panels * l.width + panel * l.panel;
            IntegerStrip work;
            work.pixels = l.pixels.data() + (l.patches ? 0 : first);
            work.element = element;
            work.count = count;
            work.pieces = pieces.data();
            work.piece_count = static_cast<std::int64_t>(pieces.size());
            work.weights = weights.get() + (l.depthwise ? panel * l.panel * 4 : part * panel_bytes());
            work.weight_step = l.depth;
            work.vectors = l.vectors(panel);
            const auto add = [&](bool difference, Weighted weighted, std::int32_t* to) {
                const T* from =
                    l.patches ? patches.data() + (difference ? patch : 0) : image.get() + (difference ? size : 0);
                from += l.depthwise ? panel * l.panel : part / l.panels * (s.in_c / s.groups);
                work.image = reinterpret_cast<const char*>(from);
                work.weighted = weighted;
                work.sums = to;
                kernel(work);
            };
            std::int32_t* const base = sums.data();
            std::int32_t* const below = base + count * step;
            std::int32_t* const above = below + count * step;
            for (std::int64_t i = 0; i < count; ++i) std::copy_n(start.data() + channel, step, base + i * step);
            add(false, Weighted::all, base);
            if (hi != nullptr) {
                std::fill_n(below, 2 * count * step, 0);
                add(true, Weighted::negative, below);
                add(true, Weighted::positive, above);
            }
            const std::int64_t channels = std::min(step, l.width - panel * l.panel);
            const std::int64_t area = s.out_h * s.out_w;
            for (std::int64_t i = 0; i < count; ++i) {
                const std::int64_t pixel = first + i;
                const std::int64_t to = s.channels_first ? (pixel / area * s.out_c + channel) * area + pixel % area
                                                         : pixel * s.out_c + channel;
                const std::int64_t to_step = s.channels_first ? area : 1;
                for (std::int64_t c = 0; c < channels; ++c) {
                    const std::int64_t at = i * step + c;
                    least[to + c * to_step] = hi == nullptr ? base[at] : wrapped_sum(base[at], below[at]);
                    if (hi != nullptr) greatest[to + c * to_step] = wrapped_sum(base[at], above[at]);
                }
            }
        }
    });
}

void IntegerPlan::run(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* least,
                      std::int32_t* greatest) const {
    if (s.pixels() == 0 || s.out_c == 0) return;
    switch (words) {
        case Words::bytes:
            return run<std::uint8_t>(lo, hi, least, greatest);
        case Words::pairs:
            return run<std::int16_t>(lo, hi, least, greatest);
        case Words::singles:
            return run<std::int32_t>(lo, hi, least, greatest);
    }
}

IntegerConvolution::IntegerConvolution(const ConvolutionShape& shape, const std::int16_t* weights,
                                       const WeightSteps& steps, std::int32_t lowest, std::int32_t zero,
                                       const std::int32_t* bias)
    : plan_(std::make_unique<const IntegerPlan>(shape, weights, steps, lowest, zero, bias)) {}
IntegerConvolution::~IntegerConvolution() = default;
IntegerConvolution::IntegerConvolution(IntegerConvolution&&) noexcept = default;
IntegerConvolution& IntegerConvolution::operator=(IntegerConvolution&&) noexcept = default;

void IntegerConvolution::point(const std::int32_t* x, std::int32_t* sums) const {
    plan_->run(x, nullptr, sums, nullptr);
}

void IntegerConvolution::range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* least,
                               std::int32_t* greatest) const {
    plan_->run(lo, hi, least, greatest);
}

}  // namespace gonogo::numeric
