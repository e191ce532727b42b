// Geometry of a sliding window (convolutions and pools) on concrete shapes, in NHWC terms whatever the file's layout.
#pragma once

#include <cstdint>
#include <vector>

#include "gonogo/numeric/convolution.hpp"
#include "gonogo/ops/record.hpp"

namespace gonogo {

// A convolution's shape; `groups` is its operator's business and stays 1 here.
struct Window : numeric::ConvolutionShape {
    // First and one past the last kernel row (column) that falls inside the input for output row (column) `o`.
    struct Taps {
        std::int64_t first, last;
    };
    Taps rows(std::int64_t o) const { return inside(o * stride_h - pad_top, dilation_h, kernel_h, in_h); }
    Taps columns(std::int64_t o) const { return inside(o * stride_w - pad_left, dilation_w, kernel_w, in_w); }

  private:
    static Taps inside(std::int64_t origin, std::int64_t dilation, std::int64_t kernel, std::int64_t size) {
        const std::int64_t first = origin < 0 ? (-origin + dilation - 1) / dilation : 0;
        const std::int64_t last = origin >= size ? 0 : (size - origin + dilation - 1) / dilation;
        return {first, last < kernel ? last : kernel};
    }
};

// The same over expressions in hyper-parameters.
struct SymbolicWindow {
    Expr batch = 1, in_h = 1, in_w = 1, in_c = 1;
    Expr out_h = 1, out_w = 1, out_c = 1;
    Expr kernel_h = 1, kernel_w = 1;
    Expr stride_h = 1, stride_w = 1;
    Expr dilation_h = 1, dilation_w = 1;
    Expr pad_top = 0, pad_left = 0;
    bool channels_first = false;
};
SymbolicWindow symbolic_window_of(const NodeView& view);

// The window of a convolution in so many groups; depthwise has as many groups as channels.
numeric::ConvolutionShape convolution_shape(const Window& window, std::int64_t groups);

// Window of a conv2d, depthwise_conv2d, max_pool2d, average_pool2d or global_average_pool node with concrete shapes.
Window window_of(const NodeView& view);

// Shape rule of the windowed operators: kernel sizes and number of output channels are given.
SymbolicShape windowed_shape(const NodeView& view, const Expr& kernel_h, const Expr& kernel_w, const Expr& out_c);

}  // namespace gonogo
