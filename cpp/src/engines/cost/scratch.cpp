// Scratch buffers that kernels ask the arena for, in bytes. Rules of CMSIS-NN (sizes are facts of its interface; each
// row of the measured corpus checks them) and of TFLM's reduction kernels. Reference kernels need none elsewhere.
#include "engines/cost/model.hpp"

namespace gonogo::costing {

namespace {

Expr both(const Expr& a, const Expr& b) {
    return a * b;
}

Expr undilated(const SymbolicWindow& w) {
    return both(equal(w.dilation_h, 1), equal(w.dilation_w, 1));
}

// Helium's one-row convolution keeps one padded row instead of four columns, when the borders don't meet.
Expr one_row_mve(const SymbolicWindow& w, const Expr& columns) {
    const Expr total = (w.out_w - 1) * w.stride_w + w.kernel_w - w.in_w;
    const Expr parity = remainder(total, 2);
    const Expr odd = select(less(total, 0), Expr(0) - parity, parity);  // as C divides: with the sign of `total`
    const Expr before = w.pad_left;
    const auto positions = [&](const Expr& taps) {
        return select(equal(taps, 0), 0, max(1, ceil_div(taps, w.stride_w)));
    };
    const Expr right = positions(before + odd);
    const Expr left = positions(before);
    const Expr inside = max(w.out_w - (right + left), 0);
    const Expr row = w.kernel_w * w.in_c;
    const Expr padded =
        max(row + before * w.in_c, row - w.in_c + select(equal(odd, 0), before * w.in_c, right * w.in_c));
    return select(equal(right + inside + left, w.out_w), padded, columns);
}

Expr conv_scratch(const SymbolicWindow& w, std::int64_t groups, KernelSet kernels) {
    const Expr pointwise = both(both(equal(w.kernel_h, 1), equal(w.kernel_w, 1)),
                                both(both(equal(w.pad_top, 0), equal(w.pad_left, 0)), undilated(w)));
    const Expr none = groups == 1 ? pointwise : Expr(0);
    const Expr column = w.kernel_h * w.kernel_w * w.in_c;
    if (kernels != KernelSet::cmsis_nn_mve) return select(none, 0, ceil_div(column, 4) * 16);
    const Expr columns = ceil_div(column, 16) * 64;
    const Expr one_row = groups != 1 ? Expr(0)
                                     : both(both(equal(w.in_h, 1), equal(w.kernel_h, 1)),
                                            both(equal(w.dilation_w, 1), equal(remainder(w.stride_w * w.in_c, 4), 0)));
    return select(none, 0, select(one_row, one_row_mve(w, columns), columns));
}

Expr depthwise_scratch(const SymbolicWindow& w, KernelSet kernels) {
    const Expr taps = w.kernel_h * w.kernel_w;
    const Expr one_to_one = both(both(equal(w.in_c, w.out_c), equal(w.batch, 1)), undilated(w));
    switch (kernels) {
        case KernelSet::cmsis_nn_mve: {
            // One channel into several is run as a convolution, on transposed weights; 124: channels in a block.
            const Expr spread = both(equal(w.in_c, 1), less(1, w.out_c));
            return select(spread, conv_scratch(w, 1, kernels) + taps * w.out_c,
                          select(one_to_one, taps * Expr(4 * 124), 0));
        }
        case KernelSet::cmsis_nn_dsp: {
            const Expr small =
                both(both(equal(w.kernel_h, 3), equal(w.kernel_w, 3)), both(less(w.pad_top, 2), less(w.pad_left, 2)));
            return select(both(one_to_one, Expr(1) - small), taps * w.in_c * Expr(2), 0);
        }
        default:
            return 0;
    }
}

}  // namespace

Scratch scratch_of(const NodeFacts& node, KernelSet kernels) {
    Scratch scratch;
    if (node.family == Family::reduce) {
        scratch.add(4 * node.rank, 1);  // an index and the resolved axes
        scratch.add(4 * node.axes, 1);
        // sums in 32 bits
        if (node.kernel->op != "reduce_max") scratch.add(node.quantized * node.outputs * Expr(4), node.quantized);
        return scratch;
    }
    if (kernels == KernelSet::reference) return scratch;
    Expr bytes = 0;
    if (node.family == Family::conv) bytes = conv_scratch(node.window, node.groups, kernels);
    if (node.family == Family::depthwise) bytes = depthwise_scratch(node.window, kernels);
    if (node.family == Family::pool && node.kernel->op == "average_pool2d" && kernels == KernelSet::cmsis_nn_dsp) {
        bytes = node.window.in_c * Expr(4);
    }
    bytes = node.quantized * bytes;
    if (!bytes.is_constant() || bytes.constant() > 0) scratch.add(bytes, less(0, bytes));
    return scratch;
}

}  // namespace gonogo::costing
