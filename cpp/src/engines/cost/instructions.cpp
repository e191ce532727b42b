// The instruction model: which class of kernels a node runs, and the factors of its loops' trip counts.
#include <algorithm>

#include "engines/cost/model.hpp"

namespace gonogo {

std::string_view name_of(KernelClass kernel) {
    static constexpr std::string_view names[kernel_class_count + 1] = {
        "conv_1x1", "conv_general", "depthwise_3x3", "depthwise_general", "depthwise_plain",
        "dense",    "add",          "max_pool",      "average_pool",      "mean",
        "softmax",  "quantize",     "dequantize",    "requantize",        "copy",
        "pad",      "shape",        "pack",          "permute",           "sigmoid",
        "none",
    };
    return names[static_cast<std::size_t>(kernel)];
}

std::string_view name_of(Factor factor) {
    // clang-format off
    static constexpr std::string_view names[factor_count] = {
        "call", "products", "rows",
        "p", "p2", "p2r", "p4", "p4r", "p4odd",
        "n", "n2", "n2r", "n2some", "n3", "n3r", "n3some", "n4", "n4r", "n4odd", "n4some",
        "k", "k4", "k4r", "k4mixed", "k16", "k16u", "k16r4", "k16mixed",
        "c", "c4", "c4r", "c4u", "c4mixed", "c16", "c16r4", "c16u",
        "w", "w2", "w2r", "wh",
        "taps", "pads", "trows", "later", "blocks",
        "inputs", "outputs", "o4", "o4r",
        "coded", "array2", "array4",
    };
    // clang-format on
    return names[static_cast<std::size_t>(factor)];
}

Formula formula_from(const std::vector<std::pair<std::vector<Factor>, double>>& products) {
    Formula formula;
    const auto group_of = [&](const std::vector<Factor>& common) {
        const auto found =
            std::find_if(formula.begin(), formula.end(), [&](const FormulaGroup& g) { return g.common == common; });
        return found;
    };
    for (const auto& [factors, weight] : products) {
        const std::vector<Factor> common(factors.begin(), factors.end() - 1);
        auto group = group_of(common);
        if (group == formula.end()) group = formula.insert(formula.end(), {.common = common, .alone = 0.0, .last = {}});
        group->last.emplace_back(factors.back(), weight);
    }
    // A product that is the whole beginning of others joins them.
    for (FormulaGroup& group : formula) {
        for (auto term = group.last.begin(); term != group.last.end();) {
            std::vector<Factor> whole = group.common;
            whole.push_back(term->first);
            const auto other = group_of(whole);
            if (other == formula.end()) {
                ++term;
                continue;
            }
            other->alone += term->second;
            term = group.last.erase(term);
        }
    }
    std::erase_if(formula, [](const FormulaGroup& g) { return g.last.empty() && g.alone == 0.0; });
    return formula;
}

namespace costing {

namespace {

constexpr std::int64_t helium_block = 124;  // channels that Helium's depthwise kernel takes at a time

// The remainder with its range written out, which over boxes of sizes isn't seen from a - b * floor(a / b).
Expr rest(const Expr& value, std::int64_t width) {
    return min(max(remainder(value, width), 0), width - 1);
}

// Taps inside the map and outside, summed over the output positions of one axis. Position o's window begins at
// o * stride - before; o of the first ceil(before / stride) positions lose before - o * stride taps, and likewise at
// the other end. Dilated windows count every tap as inside, which is an over-count.
struct AxisTaps {
    Expr inside, outside;
};

AxisTaps axis_taps(const Expr& out, const Expr& in, const Expr& kernel, const Expr& stride, const Expr& before,
                   const Expr& dilation) {
    const auto lost = [&](const Expr& most) {
        const Expr positions = min(out, ceil_div(most, stride));
        return positions * most - stride * floor_div(positions * (positions - 1), 2);
    };
    const Expr beyond = max((out - 1) * stride - before + kernel - in, 0);
    const Expr all = out * kernel;
    const Expr outside = select(equal(dilation, 1), min(max(lost(before) + lost(beyond), 0), all), 0);
    return {all - outside, outside};
}

Expr negation(const Expr& a) {
    return Expr(1) - a;
}

// 1 where a value needs steps of a width and single ones.
Expr mixed(const Expr& value, std::int64_t width) {
    return less(width, value) * less(0, rest(value, width));
}

Expr is_pointwise(const SymbolicWindow& w) {
    return equal(w.kernel_h, 1) * equal(w.kernel_w, 1) * equal(w.pad_top, 0) * equal(w.pad_left, 0);
}

struct Writer {
    Factors factors = {};

    Expr& at(Factor factor) { return factors[static_cast<std::size_t>(factor)]; }

    void positions(const Expr& p) {
        at(Factor::p) = p;
        at(Factor::p2) = floor_div(p, 2);
        at(Factor::p2r) = rest(p, 2);
        at(Factor::p4) = floor_div(p, 4);
        at(Factor::p4r) = rest(p, 4);
        at(Factor::p4odd) = less(0, rest(p, 4));
    }

    void outputs(const Expr& n) {
        at(Factor::n) = n;
        at(Factor::n2) = floor_div(n, 2);
        at(Factor::n2r) = rest(n, 2);
        at(Factor::n2some) = less(1, n);
        at(Factor::n3) = floor_div(n, 3);
        at(Factor::n3r) = rest(n, 3);
        at(Factor::n3some) = less(2, n);
        at(Factor::n4) = floor_div(n, 4);
        at(Factor::n4r) = rest(n, 4);
        at(Factor::n4odd) = less(0, rest(n, 4));
        at(Factor::n4some) = less(3, n);
    }

    void terms(const Expr& k) {
        at(Factor::k) = k;
        at(Factor::k4) = floor_div(k, 4);
        at(Factor::k4r) = rest(k, 4);
        at(Factor::k4mixed) = mixed(k, 4);
        at(Factor::k16) = floor_div(k, 16);
        at(Factor::k16u) = ceil_div(k, 16);
        at(Factor::k16r4) = floor_div(rest(k, 16), 4);
        at(Factor::k16mixed) = mixed(k, 16);
    }

    void channels(const Expr& c) {
        at(Factor::c) = c;
        at(Factor::c4) = floor_div(c, 4);
        at(Factor::c4r) = rest(c, 4);
        at(Factor::c4u) = ceil_div(c, 4);
        at(Factor::c4mixed) = mixed(c, 4);
        at(Factor::c16) = floor_div(c, 16);
        at(Factor::c16r4) = floor_div(rest(c, 16), 4);
        at(Factor::c16u) = ceil_div(c, 16);
        at(Factor::blocks) = ceil_div(c, helium_block);
    }

    void window(const SymbolicWindow& s) {
        const Expr positions = s.batch * s.out_h * s.out_w;
        const Expr taps = s.kernel_h * s.kernel_w;
        const AxisTaps rows = axis_taps(s.out_h, s.in_h, s.kernel_h, s.stride_h, s.pad_top, s.dilation_h);
        const AxisTaps columns = axis_taps(s.out_w, s.in_w, s.kernel_w, s.stride_w, s.pad_left, s.dilation_w);
        const Expr inside = s.batch * rows.inside * columns.inside;
        at(Factor::w) = taps;
        at(Factor::w2) = floor_div(taps, 2);
        at(Factor::w2r) = rest(taps, 2);
        at(Factor::wh) = s.kernel_h;
        at(Factor::taps) = inside;
        at(Factor::pads) = s.batch * (rows.outside * s.out_w * s.kernel_w + rows.inside * columns.outside);
        at(Factor::trows) = s.batch * rows.inside * s.out_w;
        at(Factor::later) = max(inside - positions, 0);
        at(Factor::rows) = s.batch * s.out_h;
    }
};

// Cycles of an array of multipliers that takes 8 outputs by 8 inputs at 2 or 4 positions each cycle. Four cycles per
// block of positions, but never fewer than 32 per step, in which the next weights arrive; steps go by 32 inputs, or by
// four taps of 8 inputs where that is less.
Expr array_cycles(const NodeFacts& node, std::int64_t positions) {
    const SymbolicWindow& w = node.window;
    const Expr flat = equal(w.out_h, 1) * equal(w.kernel_h, 1) * equal(rest(w.out_w, 2), 0);
    const Expr square = positions == 4 ? ceil_div(w.out_h, 2) * ceil_div(w.out_w, 2) : w.out_h * ceil_div(w.out_w, 2);
    const Expr blocks = positions == 4 ? select(flat, ceil_div(w.out_w, 4), square) : square;
    const Expr visits = max(blocks * w.batch * 4, 32) * ceil_div(node.channels, 8);
    const Expr taps = w.kernel_h * w.kernel_w;
    if (node.family == Family::dense) return visits * ceil_div(node.terms, 32);
    const Expr by_taps = visits * ceil_div(taps, 4);
    if (node.family == Family::depthwise) return by_taps;
    return min(visits * taps * ceil_div(w.in_c, 32), by_taps * ceil_div(w.in_c, 8));
}

void set_matrix(const NodeFacts& node, Writer& to) {
    const SymbolicWindow& w = node.window;
    to.outputs(node.channels);
    to.at(Factor::coded) = node.coded;
    to.at(Factor::array2) = array_cycles(node, 2);
    to.at(Factor::array4) = array_cycles(node, 4);
    if (node.family == Family::dense) {
        to.positions(1);
        to.terms(node.terms);
        to.at(Factor::products) = floor_div(node.outputs, max(node.channels, 1));
        return;
    }
    const Expr depth = node.family == Family::conv ? floor_div(w.in_c, node.groups) : Expr(1);
    to.terms(w.kernel_h * w.kernel_w * depth);
    // A strided 1x1 convolution is a product per output row, any other one product.
    const Expr strided = is_pointwise(w) * negation(equal(w.stride_h, 1) * equal(w.stride_w, 1));
    const bool by_rows = node.family == Family::conv;
    const Expr all = w.batch * w.out_h * w.out_w;
    to.positions(by_rows ? select(strided, w.out_w, all) : all);
    to.at(Factor::products) = by_rows ? select(strided, w.batch * w.out_h, 1) : Expr(1);
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
    switch (node.family) {
        case Family::conv: {
            const Expr pointwise = is_pointwise(w);
            when(integer * pointwise, KernelClass::conv_1x1);
            when(integer * negation(pointwise), KernelClass::conv_general);
            return timings;
        }
        case Family::depthwise: {
            const Expr plain = negation(equal(w.in_c, w.out_c));
            const Expr small = equal(w.kernel_h, 3) * equal(w.kernel_w, 3) * less(w.pad_top, 2) * less(w.pad_left, 2);
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
        using enum KernelClass;
        const bool moves = kernel == copy || kernel == permute || kernel == pad || kernel == shape || kernel == pack;
        when(moves || kernel == dequantize ? Expr(1) : integer, kernel);
    }
    return timings;
}

Factors factors_of(const NodeFacts& node) {
    Writer to;
    to.at(Factor::call) = 1;
    to.at(Factor::inputs) = node.inputs;
    to.at(Factor::outputs) = node.outputs;
    to.at(Factor::o4) = floor_div(node.outputs, 4);
    to.at(Factor::o4r) = rest(node.outputs, 4);
    to.at(Factor::rows) = node.rows;
    const bool windowed =
        node.family == Family::conv || node.family == Family::depthwise || node.family == Family::pool;
    if (windowed) {
        to.window(node.window);
        to.channels(node.window.in_c);
    }
    if (node.family == Family::pool) to.positions(node.window.batch * node.window.out_h * node.window.out_w);
    if (node.family == Family::dense || (windowed && node.family != Family::pool)) set_matrix(node, to);
    return to.factors;
}

double value_of(const Formula& formula, const Factors& factors) {
    const auto value = [&](Factor f) { return static_cast<double>(factors[static_cast<std::size_t>(f)].constant()); };
    double sum = 0.0;
    for (const FormulaGroup& group : formula) {
        double inner = group.alone;
        for (const auto& [factor, weight] : group.last) inner += weight * value(factor);
        for (const Factor f : group.common) inner *= value(f);
        sum += inner;
    }
    return sum;
}

}  // namespace costing

}  // namespace gonogo
