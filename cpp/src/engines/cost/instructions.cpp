// The instruction model: for each class of kernels a sum of counts with fitted non-negative coefficients.
#include <algorithm>

#include "engines/cost/model.hpp"

namespace gonogo {

std::string_view name_of(KernelClass kernel) {
    static constexpr std::string_view names[kernel_class_count + 1] = {
        "conv_1x1", "conv_general", "depthwise_3x3", "depthwise_general", "depthwise_plain", "dense",      "add",
        "max_pool", "average_pool", "mean",          "softmax",           "quantize",        "requantize", "copy",
        "permute",  "sigmoid",      "none",
    };
    return names[static_cast<std::size_t>(kernel)];
}

std::string_view name_of(Term term) {
    static constexpr std::string_view names[term_count] = {
        "macs", "inside_macs", "outputs", "positions", "gathered", "padding", "inputs", "tail", "call",
    };
    return names[static_cast<std::size_t>(term)];
}

namespace costing {

namespace {

// Positions at the borders that are counted one by one; windows with more count every tap, which is an over-count.
constexpr std::int64_t most_border_positions = 4096;

// Sum over the output positions of one axis of the number of taps inside the map, for `taps(o)` = Window::rows or
// columns. Positions whose window lies inside the map all count `kernel`; only those at the two borders are visited.
template <class Taps>
std::int64_t inside_taps(std::int64_t out, std::int64_t in, std::int64_t kernel, std::int64_t stride,
                         std::int64_t reach, std::int64_t before, Taps taps) {
    const std::int64_t first_full = std::min(out, before <= 0 ? 0 : (before + stride - 1) / stride);
    const std::int64_t room = in + before - reach;
    const std::int64_t past_full = std::clamp(room < 0 ? 0 : room / stride + 1, first_full, out);
    if (first_full + out - past_full > most_border_positions) return out * kernel;
    std::int64_t sum = (past_full - first_full) * kernel;
    const auto count = [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t o = from; o < to; ++o) {
            const Window::Taps t = taps(o);
            sum += std::max<std::int64_t>(t.last - t.first, 0);
        }
    };
    count(0, first_full);
    count(past_full, out);
    return sum;
}

}  // namespace

KernelClass timing_of(const NodeFacts& node) {
    if (node.kernel == nullptr) return KernelClass::none;
    const Window& w = node.window;
    switch (node.family) {
        case Family::conv:
            if (node.computes_float) return KernelClass::none;
            return w.kernel_h == 1 && w.kernel_w == 1 && w.pad_top == 0 && w.pad_left == 0 ? KernelClass::conv_1x1
                                                                                           : KernelClass::conv_general;
        case Family::depthwise:
            if (node.computes_float) return KernelClass::none;
            if (w.in_c != w.out_c) return KernelClass::depthwise_plain;
            return w.kernel_h == 3 && w.kernel_w == 3 && w.pad_top <= 1 && w.pad_left <= 1
                       ? KernelClass::depthwise_3x3
                       : KernelClass::depthwise_general;
        default:
            break;
    }
    const KernelClass timing = node.kernel->timing;
    if (timing == KernelClass::quantize && !node.computes_float) return KernelClass::requantize;
    const bool moves = timing == KernelClass::quantize || timing == KernelClass::copy || timing == KernelClass::permute;
    return node.computes_float && !moves ? KernelClass::none : timing;
}

namespace {

using Counts = std::array<double, term_count>;

double& at(Counts& counts, Term term) {
    return counts[static_cast<std::size_t>(term)];
}

}  // namespace

Counts counts_of(const NodeFacts& node, const NodeCost& work) {
    Counts c = {};
    at(c, Term::macs) = static_cast<double>(work.macs);
    at(c, Term::outputs) = static_cast<double>(node.outputs);
    at(c, Term::inputs) = static_cast<double>(node.inputs);
    at(c, Term::call) = 1.0;
    if (node.family == Family::dense) {
        at(c, Term::tail) = static_cast<double>(node.terms % 4) * static_cast<double>(node.outputs);
    }
    if (node.family != Family::conv && node.family != Family::depthwise && node.family != Family::pool) return c;
    const Window& w = node.window;
    const auto product = [](auto... v) { return (static_cast<double>(v) * ...); };
    const double inside =
        product(w.batch,
                inside_taps(w.out_h, w.in_h, w.kernel_h, w.stride_h, (w.kernel_h - 1) * w.dilation_h + 1, w.pad_top,
                            [&](std::int64_t o) { return w.rows(o); }),
                inside_taps(w.out_w, w.in_w, w.kernel_w, w.stride_w, (w.kernel_w - 1) * w.dilation_w + 1, w.pad_left,
                            [&](std::int64_t o) { return w.columns(o); }));
    const double positions = product(w.batch, w.out_h, w.out_w);
    const std::int64_t taps = w.kernel_h * w.kernel_w;
    const double depth = node.family == Family::conv ? product(w.in_c) / product(node.groups) : 1.0;
    at(c, Term::inside_macs) = inside * depth * product(w.out_c);
    at(c, Term::positions) = positions;
    at(c, Term::gathered) = positions * product(taps, w.in_c);
    at(c, Term::padding) = (positions * product(taps) - inside) * product(w.in_c);
    if (node.family == Family::conv) at(c, Term::tail) = product(taps * w.in_c % 4) * product(node.outputs);
    return c;
}

}  // namespace costing

}  // namespace gonogo
