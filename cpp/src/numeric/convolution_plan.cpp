// Theorem 33 (docs/soundness.md). Every sum that `full` and `depthwise` form adds its products in chains, chains in
// blocks, blocks in binary64, as `pieces_of` cuts them; so a product meets no more roundings than `roundings_of` says,
// and Theorem 25 with these numbers gives the enclosure. Zeros in place of taps outside the input change no sum.
#include "numeric/convolution_plan.hpp"

#include <algorithm>
#include <type_traits>
#include <vector>

#include "numeric/kernels/select.hpp"

namespace gonogo::numeric {

namespace {

// A table's kernels for one type.
template <class T, class Table>
const auto& kernels_for(const Table& table) {
    if constexpr (std::is_same_v<T, float>) {
        return table.f32;
    } else {
        return table.f64;
    }
}

template <class T>
constexpr bool is_blocked = std::is_same_v<T, float>;

// See ConvolutionPiece. `runs` are where the runs of a window start, each `length` consecutive elements.
template <class T>
std::vector<ConvolutionPiece> pieces_of(const std::vector<std::int64_t>& runs, std::int64_t length) {
    using P = ConvolutionPiece;
    std::vector<P> pieces;
    std::int64_t in_chain = 0;
    std::int64_t chains = 0;
    std::int64_t blocks = 0;
    const auto end_chain = [&] {
        std::int32_t& flags = pieces.back().flags;
        flags = P::end_chain | (chains == 0 ? P::first_chain : 0);
        in_chain = 0;
        if (++chains == convolution_chains) {
            flags |= P::move_midpoints;
            chains = 0;
            if (++blocks % convolution_radius_blocks == 0) flags |= P::move_radii;
        }
    };
    for (const std::int64_t run : runs) {
        for (std::int64_t at = 0; at < length;) {
            const std::int64_t part = is_blocked<T> ? std::min(length - at, convolution_chain - in_chain) : length;
            pieces.push_back({run + at, part, 0});
            at += part;
            in_chain += part;
            if (is_blocked<T> && in_chain == convolution_chain) end_chain();
        }
    }
    if (!pieces.empty()) {
        if (in_chain > 0) end_chain();
        pieces.back().flags |= P::move_midpoints | P::move_radii | P::last;
    }
    return pieces;
}

template <class T>
Roundings roundings_of(std::int64_t terms) {
    if (!is_blocked<T>) return {terms, terms, 1};
    const std::int64_t chains = ceil_divide(terms, convolution_chain);
    const std::int64_t block = convolution_chain * convolution_chains;
    return {std::min(terms, convolution_chain) + std::clamp<std::int64_t>(chains, 1, convolution_chains) - 1,
            std::min(terms, block * convolution_radius_blocks), ceil_divide(terms, block) + 1};
}

}  // namespace

template <class T>
ConvolutionPlan<T>::ConvolutionPlan(const ConvolutionShape& shape, const T* from, const WeightSteps& steps, double rho)
    : s((check_shape(shape), shape)),
      windows(kernels_for<T>(GONOGO_TABLE(convolution))),
      elements(kernels_for<T>(GONOGO_TABLE(affine))),
      bound(s.terms(), roundings_of<T>(s.terms()), rho),
      layout(s, windows.lanes),
      pieces(pieces_of<T>(layout.runs, layout.length)) {
    pack(from, steps);
}

// Full: [group][panel][term][channel of the panel]; depthwise: [tap][channel]. Zeros where a panel sticks out.
template <class T>
void ConvolutionPlan<T>::pack(const T* from, const WeightSteps& steps) {
    const std::int64_t inputs = s.in_c / s.groups;
    const std::int64_t outputs = s.out_c / s.groups;
    const std::int64_t taps = s.taps();
    const std::int64_t depth = layout.depth, panel = layout.panel, panels = layout.panels;
    if (layout.depthwise) {
        weights = Aligned<T>(taps * depth);
        std::fill_n(weights.get(), taps * depth, T(0));
        for (std::int64_t t = 0; t < taps; ++t) {
            for (std::int64_t c = 0; c < s.out_c; ++c) {
                weights.get()[t * depth + c] =
                    from[c / outputs * steps.group + c % outputs * steps.output + t * steps.tap];
            }
        }
        return;
    }
    const std::int64_t size = s.groups * panels * panel * s.terms();
    weights = Aligned<T>(size);
    std::fill_n(weights.get(), size, T(0));
    for (std::int64_t g = 0; g < s.groups; ++g) {
        for (std::int64_t p = 0; p < panels; ++p) {
            T* const to = weights.get() + (g * panels + p) * panel * s.terms();
            const std::int64_t step = layout.vectors(p) * windows.lanes;
            const std::int64_t count = std::min(outputs - p * panel, panel);
            const T* const first = from + g * steps.group + p * panel * steps.output;
            const auto term = [&](std::int64_t t, std::int64_t i) {
                const T* const source = first + t * steps.tap + i * steps.input;
                T* const target = to + (t * inputs + i) * step;
                for (std::int64_t o = 0; o < count; ++o) target[o] = source[o * steps.output];
            };
            // In the order in which they lie.
            const bool taps_last = steps.tap < steps.input;
            for (std::int64_t n = 0; n < s.terms(); ++n) {
                taps_last ? term(n % taps, n / taps) : term(n / inputs, n % inputs);
            }
        }
    }
}

template struct ConvolutionPlan<float>;
template struct ConvolutionPlan<double>;

}  // namespace gonogo::numeric
