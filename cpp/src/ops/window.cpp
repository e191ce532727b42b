#include "ops/window.hpp"

#include <algorithm>

#include "ops/common.hpp"

namespace gonogo {

namespace {

bool is_channels_first(const NodeView& view) {
    return view.text("layout") == "NCHW";
}

void need_rank_4(const NodeView& view) {
    if (view.input(0).shape.size() != 4) {
        throw ShapeError(
            view.message("the input must have 4 dimensions, it has " + std::to_string(view.input(0).shape.size())));
    }
}

std::int64_t at(const NodeView& view, std::string_view key, std::size_t i, std::size_t expected) {
    const auto& list = view.integers(key);
    if (list.size() != expected) {
        throw ModelError(view.message("attribute '" + std::string(key) + "' has " + std::to_string(list.size()) +
                                      " entries, not " + std::to_string(expected)));
    }
    const bool is_pad = key == "pads";
    if (list[i] < (is_pad ? 0 : 1) || list[i] > (std::int64_t{1} << 24)) {
        throw ModelError(view.message("attribute '" + std::string(key) + "' has the value " + std::to_string(list[i])));
    }
    return list[i];
}

std::int64_t dilation(const NodeView& view, std::size_t i) {
    return view.has("dilations") ? at(view, "dilations", i, 2) : 1;
}

}  // namespace

SymbolicShape windowed_shape(const NodeView& view, const Expr& kernel_h, const Expr& kernel_w, const Expr& out_c) {
    need_rank_4(view);
    const auto& in = view.input(0).shape;
    const bool first = is_channels_first(view);
    const std::string& padding = view.text("padding");
    const auto size = [&](const Expr& length, const Expr& kernel, std::size_t i) -> Expr {
        const Expr stride = at(view, "strides", i, 2);
        const Expr reach = (kernel - Expr(1)) * Expr(dilation(view, i)) + Expr(1);
        if (padding == "same") return ceil_div(length, stride);
        Expr padded = length;
        if (padding == "explicit") padded = length + Expr(at(view, "pads", i, 4) + at(view, "pads", i + 2, 4));
        const Expr room = padded - reach;
        if (room.is_constant() && room.constant() < 0) {
            throw ShapeError(view.message("a window of " + reach.text() + " doesn't fit an input of " + padded.text()));
        }
        return floor_div(room, stride) + Expr(1);
    };
    const Expr h = size(in[first ? 2 : 1], kernel_h, 0);
    const Expr w = size(in[first ? 3 : 2], kernel_w, 1);
    if (first) return {in[0], out_c, h, w};
    return {in[0], h, w, out_c};
}

numeric::ConvolutionShape convolution_shape(const Window& w, std::int64_t groups) {
    numeric::ConvolutionShape s = w;
    s.groups = groups;
    return s;
}

Window window_of(const NodeView& view) {
    need_rank_4(view);
    const Tensor& in = view.input(0);
    const Tensor& out = view.output();
    if (in.symbolic || out.symbolic) throw ShapeError(view.message("this engine needs concrete shapes"));
    Window w;
    w.channels_first = is_channels_first(view);
    const auto dim = [&](const Tensor& t, std::size_t nhwc) {
        constexpr std::size_t to_nchw[4] = {0, 2, 3, 1};
        return t.dims[w.channels_first ? to_nchw[nhwc] : nhwc];
    };
    w.batch = dim(in, 0), w.in_h = dim(in, 1), w.in_w = dim(in, 2), w.in_c = dim(in, 3);
    w.out_h = dim(out, 1), w.out_w = dim(out, 2), w.out_c = dim(out, 3);
    const std::string_view op = view.op().name;
    if (op == "global_average_pool") {
        w.kernel_h = w.in_h, w.kernel_w = w.in_w;
        return w;
    }
    if (view.has("kernel")) {
        w.kernel_h = at(view, "kernel", 0, 2), w.kernel_w = at(view, "kernel", 1, 2);
    } else {
        w.kernel_h = view.input(1).dims[1], w.kernel_w = view.input(1).dims[2];
    }
    w.stride_h = at(view, "strides", 0, 2), w.stride_w = at(view, "strides", 1, 2);
    w.dilation_h = dilation(view, 0), w.dilation_w = dilation(view, 1);
    const std::string& padding = view.text("padding");
    if (padding == "explicit") {
        w.pad_top = at(view, "pads", 0, 4), w.pad_left = at(view, "pads", 1, 4);
    } else if (padding == "same") {
        // TensorFlow's rule: the odd row or column of padding goes to the bottom and right.
        const auto before = [](std::int64_t out_size, std::int64_t in_size, std::int64_t stride, std::int64_t reach) {
            return std::max<std::int64_t>((out_size - 1) * stride + reach - in_size, 0) / 2;
        };
        w.pad_top = before(w.out_h, w.in_h, w.stride_h, (w.kernel_h - 1) * w.dilation_h + 1);
        w.pad_left = before(w.out_w, w.in_w, w.stride_w, (w.kernel_w - 1) * w.dilation_w + 1);
    }
    return w;
}

}  // namespace gonogo
