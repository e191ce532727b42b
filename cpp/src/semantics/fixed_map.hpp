// A dense layer or convolution on integers, with sums of 64 or 128 bits. Sums are exact: whoever prepares the map has
// checked their size.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "ops/window.hpp"

namespace gonogo {

__extension__ using Int128 = __int128;

// Integers of a map, in the map's own order of weights; everything over 2^fraction.
template <class Sum>
struct IntegerMap {
    Window window;
    bool depthwise = false;
    std::int64_t groups = 1;
    std::vector<std::int64_t> weights;
    std::vector<Sum> bias;

    // Lower ends read lo for positive weights and hi for negative ones; with lo == hi both are the exact sum.
    void apply(const std::int64_t* lo, const std::int64_t* hi, Sum* out) const {
        const Window& w = window;
        const std::int64_t in_group = depthwise ? 1 : w.in_c / groups;
        const std::int64_t out_group = depthwise ? w.out_c : w.out_c / groups;
        std::vector<Sum> sums(static_cast<std::size_t>(w.out_c));
        for (std::int64_t p = 0; p < w.batch * w.out_h * w.out_w; ++p) {
            const std::int64_t n = p / (w.out_h * w.out_w);
            const std::int64_t oh = p / w.out_w % w.out_h;
            const std::int64_t ow = p % w.out_w;
            std::copy(bias.begin(), bias.end(), sums.begin());
            const Window::Taps rows = w.rows(oh);
            const Window::Taps columns = w.columns(ow);
            for (std::int64_t kh = rows.first; kh < rows.last; ++kh) {
                for (std::int64_t kw = columns.first; kw < columns.last; ++kw) {
                    const std::int64_t ih = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
                    const std::int64_t iw = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
                    add_tap(kh * w.kernel_w + kw, n, ih, iw, in_group, out_group, lo, hi, sums.data());
                }
            }
            for (std::int64_t c = 0; c < w.out_c; ++c)
                out[w.channels_first ? ((n * w.out_c + c) * w.out_h + oh) * w.out_w + ow : p * w.out_c + c] =
                    sums[static_cast<std::size_t>(c)];
        }
    }

  private:
    void add_tap(std::int64_t tap, std::int64_t n, std::int64_t ih, std::int64_t iw, std::int64_t in_group,
                 std::int64_t out_group, const std::int64_t* lo, const std::int64_t* hi, Sum* sums) const {
        const Window& w = window;
        const auto place = [&](std::int64_t c) {
            return w.channels_first ? ((n * w.in_c + c) * w.in_h + ih) * w.in_w + iw
                                    : ((n * w.in_h + ih) * w.in_w + iw) * w.in_c + c;
        };
        if (depthwise) {
            const std::int64_t multiplier = w.out_c / w.in_c;
            const std::int64_t* row = weights.data() + tap * w.out_c;
            for (std::int64_t c = 0; c < w.out_c; ++c) {
                const std::int64_t i = place(c / multiplier);
                sums[c] += Sum{row[c]} * (row[c] < 0 ? hi[i] : lo[i]);
            }
            return;
        }
        for (std::int64_t g = 0; g < groups; ++g) {
            for (std::int64_t k = 0; k < in_group; ++k) {
                const std::int64_t i = place(g * in_group + k);
                const std::int64_t a = lo[i];
                const std::int64_t b = hi[i];
                const std::int64_t* row = weights.data() + ((g * w.taps() + tap) * in_group + k) * out_group;
                Sum* to = sums + g * out_group;
                if (a == b) {
                    if (a == 0) continue;
                    for (std::int64_t c = 0; c < out_group; ++c) to[c] += Sum{row[c]} * a;
                } else {
                    for (std::int64_t c = 0; c < out_group; ++c) to[c] += Sum{row[c]} * (row[c] < 0 ? b : a);
                }
            }
        }
    }
};

}  // namespace gonogo
