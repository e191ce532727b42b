// The instruction model: for each class of kernels a sum of counts with fitted non-negative coefficients.
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

// Sum over the output positions of one axis of the number of taps inside the map. Position o's window begins at
// o * stride - before; o of the first ceil(before / stride) positions lose before - o * stride taps, and likewise at
// the other end. Dilated windows count every tap, which is an over-count.
Expr inside_taps(const Expr& out, const Expr& in, const Expr& kernel, const Expr& stride, const Expr& before,
                 const Expr& dilation) {
    const auto lost = [&](const Expr& most) {
        const Expr positions = min(out, ceil_div(most, stride));
        return positions * most - stride * floor_div(positions * (positions - 1), 2);
    };
    const Expr beyond = max((out - 1) * stride - before + kernel - in, 0);
    const Expr all = out * kernel;
    return select(equal(dilation, 1), max(all - lost(before) - lost(beyond), 0), all);
}

Expr negation(const Expr& a) {
    return Expr(1) - a;
}

}  // namespace

std::vector<Timing> timings_of(const NodeFacts& node) {
    if (node.kernel == nullptr) return {};
    const SymbolicWindow& w = node.window;
    const Expr integer = negation(node.computes_float);
    std::vector<Timing> timings;
    const auto when = [&](const Expr& condition, KernelClass kernel) {
        if (kernel != KernelClass::none && (!condition.is_constant() || condition.constant() != 0))
            timings.push_back({condition, kernel});
    };
    const auto square = [&](std::int64_t size) { return equal(w.kernel_h, size) * equal(w.kernel_w, size); };
    switch (node.family) {
        case Family::conv: {
            const Expr pointwise = square(1) * equal(w.pad_top, 0) * equal(w.pad_left, 0);
            when(integer * pointwise, KernelClass::conv_1x1);
            when(integer * negation(pointwise), KernelClass::conv_general);
            return timings;
        }
        case Family::depthwise: {
            const Expr plain = negation(equal(w.in_c, w.out_c));
            const Expr small = square(3) * less(w.pad_top, 2) * less(w.pad_left, 2);
            when(integer * plain, KernelClass::depthwise_plain);
            when(integer * negation(plain) * small, KernelClass::depthwise_3x3);
            when(integer * negation(plain) * negation(small), KernelClass::depthwise_general);
            return timings;
        }
        default:
            break;
    }
    const KernelClass kernel = node.kernel->timing;
    if (kernel == KernelClass::quantize) {
        when(integer, KernelClass::requantize);
        when(node.computes_float, kernel);
    } else {
        const bool moves = kernel == KernelClass::copy || kernel == KernelClass::permute;
        when(moves ? Expr(1) : integer, kernel);
    }
    return timings;
}

std::array<Expr, term_count> counts_of(const NodeFacts& node, const SymbolicWork& work) {
    std::array<Expr, term_count> counts = {};
    const auto at = [&](Term term) -> Expr& { return counts[static_cast<std::size_t>(term)]; };
    at(Term::macs) = work.macs;
    at(Term::outputs) = node.outputs;
    at(Term::inputs) = node.inputs;
    at(Term::call) = 1;
    if (node.family == Family::dense) at(Term::tail) = remainder(node.terms, 4) * node.outputs;
    if (node.family != Family::conv && node.family != Family::depthwise && node.family != Family::pool) return counts;
    const SymbolicWindow& w = node.window;
    const Expr inside = w.batch * inside_taps(w.out_h, w.in_h, w.kernel_h, w.stride_h, w.pad_top, w.dilation_h) *
                        inside_taps(w.out_w, w.in_w, w.kernel_w, w.stride_w, w.pad_left, w.dilation_w);
    const Expr positions = w.batch * w.out_h * w.out_w;
    const Expr taps = w.kernel_h * w.kernel_w;
    const Expr depth = node.family == Family::conv ? floor_div(w.in_c, node.groups) : Expr(1);
    at(Term::inside_macs) = inside * depth * w.out_c;
    at(Term::positions) = positions;
    at(Term::gathered) = positions * taps * w.in_c;
    at(Term::padding) = (positions * taps - inside) * w.in_c;
    if (node.family == Family::conv) at(Term::tail) = remainder(taps * w.in_c, 4) * node.outputs;
    return counts;
}

}  // namespace costing

}  // namespace gonogo
