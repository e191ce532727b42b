#include "numeric/integer_plan.hpp"

#include <algorithm>
#include <stdexcept>

#include "gonogo/numeric/dispatch.hpp"

#include "numeric/kernels/select.hpp"

namespace gonogo::numeric {

const IntegerKernels& integer_kernels_in_use() {
#ifdef GONOGO_HAS_X86_KERNELS
    if (has_vnni()) {
        return integer_vnni;
    }
#endif
    return GONOGO_TABLE(integer);
}

IntegerPlan::IntegerPlan(const ConvolutionShape& shape, const std::int16_t* from, const WeightSteps& steps,
                         std::int32_t lowest, std::int32_t zero, const std::int32_t* bias)
    : s((check_shape(shape), shape)) {
    if (lowest < -32768 || lowest > 32767 || zero < lowest || zero > lowest + 255) {
        throw std::invalid_argument("integer convolution: the zero point must be an input");
    }
    // Where the weights of an output channel are, in the order of its window.
    std::vector<std::int64_t> offsets;
    for (std::int64_t t = 0; t < s.taps(); ++t) {
        for (std::int64_t i = 0; i < s.in_c / s.groups; ++i) offsets.push_back(t * steps.tap + i * steps.input);
    }
    std::vector<const std::int16_t*> channels;
    const std::int64_t outputs = s.out_c / s.groups;
    for (std::int64_t c = 0; c < s.out_c; ++c) {
        channels.push_back(from + c / outputs * steps.group + c % outputs * steps.output);
    }
    start.resize(static_cast<std::size_t>(s.out_c + layout.panel));
    std::vector<std::int64_t> totals;
    std::int16_t least = 0;
    std::int16_t greatest = 0;
    for (const std::int16_t* const channel : channels) {
        std::int64_t total = 0;
        for (const std::int64_t at : offsets) {
            const std::int16_t w = channel[at];
            least = std::min(least, w);
            greatest = std::max(greatest, w);
            total += w;
        }
        totals.push_back(total);
    }
    if (least < -255 || greatest > 255) throw std::invalid_argument("integer convolution: a weight beyond 255");
    // Bytes where VNNI takes them; else pairs, centred at zero.
    if (layout.depthwise) {
        words = Words::singles, per_word = 1, element = 4;
    } else if (least >= -128 && greatest <= 127 && kernels.bytes != nullptr) {
        words = Words::bytes, per_word = 4, element = 1;
    }
    offset = words == Words::bytes ? lowest : zero;
    padding = zero - offset;
    for (std::size_t c = 0; c < totals.size(); ++c) {
        start[c] = wrapped((bias == nullptr ? 0 : bias[c]) - totals[c] * (zero - offset));
    }
    for (const std::int64_t run : layout.runs) {
        pieces.push_back({run * element, ceil_divide(layout.length, per_word)});
        panel_words += pieces.back().words;
    }
    pack(channels, offsets);
}

// As the weights of Convolution, in words: a run that ends within one is filled up with zero weights.
void IntegerPlan::pack(const std::vector<const std::int16_t*>& channels, const std::vector<std::int64_t>& offsets) {
    const WindowLayout& l = layout;
    const std::int64_t size = l.depthwise ? s.taps() * l.depth * 4 : s.groups * l.panels * panel_bytes();
    weights = Aligned<char>(size);
    std::fill_n(weights.get(), size, char{0});
    const auto word_of = [&](const std::int16_t* channel, const std::int64_t* at, std::int64_t count) {
        std::uint32_t word = 0;
        for (std::int64_t i = 0; i < count; ++i) {
            const auto w = static_cast<std::uint32_t>(channel[at[i]]);
            word |= words == Words::bytes ? (w & 0xFF) << (8 * i) : (w & 0xFFFF) << (16 * i);
        }
        return word;
    };
    char* to = weights.get();
    const auto put = [&](std::uint32_t word) {
        std::copy_n(reinterpret_cast<const char*>(&word), 4, to);
        to += 4;
    };
    if (l.depthwise) {
        for (const std::int64_t& at : offsets) {
            for (const std::int16_t* const channel : channels) put(word_of(channel, &at, 1));
            to += (l.depth - s.out_c) * 4;
        }
        return;
    }
    for (std::int64_t part = 0; part < s.groups * l.panels; ++part) {
        const std::int64_t panel = part % l.panels;
        const std::int64_t count = std::min(l.panel, l.width - panel * l.panel);
        const std::int16_t* const* const first = channels.data() + part / l.panels * l.width + panel * l.panel;
        to = weights.get() + part * panel_bytes();
        for (std::int64_t run = 0; run < s.terms(); run += l.length) {
            for (std::int64_t k = 0; k < l.length; k += per_word) {
                const std::int64_t terms = std::min(per_word, l.length - k);
                for (std::int64_t c = 0; c < count; ++c) put(word_of(first[c], offsets.data() + run + k, terms));
                to += (l.vectors(panel) * l.lanes - count) * 4;
            }
        }
    }
}

}  // namespace gonogo::numeric
