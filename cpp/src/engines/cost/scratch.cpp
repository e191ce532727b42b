// Scratch buffers that kernels ask the arena for, in bytes. Rules of CMSIS-NN (sizes are facts of its interface; each
// row of the measured corpus checks them) and of TFLM's reduction kernels. Reference kernels need none elsewhere.
#include <algorithm>

#include "engines/cost/model.hpp"

namespace gonogo::costing {

namespace {

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

bool undilated(const Window& w) {
    return w.dilation_h == 1 && w.dilation_w == 1;
}

// Helium's one-row convolution keeps one padded row instead of four columns, when the borders don't meet.
std::int64_t one_row_mve(const Window& w, std::int64_t columns) {
    const std::int64_t total = (w.out_w - 1) * w.stride_w + w.kernel_w - w.in_w;
    const std::int64_t odd = total % 2;
    const std::int64_t before = w.pad_left;
    const std::int64_t right = before + odd != 0 ? std::max<std::int64_t>(1, ceil_div(before + odd, w.stride_w)) : 0;
    const std::int64_t left = before != 0 ? std::max<std::int64_t>(1, ceil_div(before, w.stride_w)) : 0;
    const std::int64_t inside = std::max<std::int64_t>(w.out_w - (right + left), 0);
    if (right + inside + left != w.out_w) return columns;
    const std::int64_t row = w.kernel_w * w.in_c;
    return std::max(row + before * w.in_c, row - w.in_c + (odd != 0 ? right * w.in_c : before * w.in_c));
}

std::int64_t conv_scratch(const Window& w, std::int64_t groups, KernelSet kernels) {
    const bool pointwise = w.kernel_h == 1 && w.kernel_w == 1 && w.pad_top == 0 && w.pad_left == 0 && undilated(w);
    if (pointwise && groups == 1) return 0;
    const std::int64_t column = w.kernel_h * w.kernel_w * w.in_c;
    if (kernels != KernelSet::cmsis_nn_mve) return 4 * (ceil_div(column, 4) * 4);
    const std::int64_t columns = 64 * ceil_div(column, 16);
    const bool one_row =
        w.in_h == 1 && w.kernel_h == 1 && w.dilation_w == 1 && groups == 1 && w.stride_w * w.in_c % 4 == 0;
    return one_row ? one_row_mve(w, columns) : columns;
}

std::int64_t depthwise_scratch(const Window& w, KernelSet kernels) {
    const std::int64_t taps = w.kernel_h * w.kernel_w;
    if (kernels == KernelSet::cmsis_nn_mve && w.in_c == 1 && w.out_c > 1) {
        return conv_scratch(w, 1, kernels) + taps * w.out_c;  // run as a convolution, on transposed weights
    }
    if (w.in_c != w.out_c || w.batch != 1 || !undilated(w)) return 0;
    if (kernels == KernelSet::cmsis_nn_mve) return std::int64_t{4} * 124 * taps;  // 124: channels in a block
    if (kernels == KernelSet::cmsis_nn_plain) return 0;
    if (w.kernel_h == 3 && w.kernel_w == 3 && w.pad_top <= 1 && w.pad_left <= 1) return 0;
    return 2 * taps * w.in_c;
}

}  // namespace

Scratch scratch_of(const NodeFacts& node, KernelSet kernels) {
    Scratch scratch;
    if (node.family == Family::reduce) {
        scratch.add(4 * node.rank);  // an index and the resolved axes
        scratch.add(4 * node.axes);
        if (node.quantized && node.kernel->op != "reduce_max") scratch.add(4 * node.outputs);  // sums in 32 bits
        return scratch;
    }
    if (kernels == KernelSet::reference || !node.quantized) return scratch;
    std::int64_t bytes = 0;
    if (node.family == Family::conv) bytes = conv_scratch(node.window, node.groups, kernels);
    if (node.family == Family::depthwise) bytes = depthwise_scratch(node.window, kernels);
    if (node.family == Family::pool && node.kernel->op == "average_pool2d" && kernels == KernelSet::cmsis_nn_dsp) {
        bytes = 4 * node.window.in_c;
    }
    if (bytes > 0) scratch.add(bytes);
    return scratch;
}

}  // namespace gonogo::costing
