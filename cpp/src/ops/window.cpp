#include "ops/window.hpp"

#include <algorithm>

#include "ops/common.hpp"

namespace gonogo {

namespace {

constexpr std::int64_t most_size = std::int64_t{1} << 24;

bool is_channels_first(const NodeView& view) {
    return view.text("layout") == "NCHW";
}

void need_rank_4(const NodeView& view) {
    if (view.input(0).shape.size() != 4) {
        throw ShapeError(
            view.message("the input must have 4 dimensions, it has " + std::to_string(view.input(0).shape.size())));
    }
}

Expr entry(const NodeView& view, std::string_view key, std::size_t i, std::size_t expected) {
    const std::vector<Expr> list = view.expressions(key);
    if (list.size() != expected) {
        throw ModelError(view.message("attribute '" + std::string(key) + "' has " + std::to_string(list.size()) +
                                      " entries, not " + std::to_string(expected)));
    }
    const bool is_pad = key == "pads";
    const Expr least = is_pad ? 0 : 1;
    if (list[i].is_constant() && (list[i].constant() < least.constant() || list[i].constant() > most_size)) {
        throw ModelError(view.message("attribute '" + std::string(key) + "' has the value " + list[i].text()));
    }
    view.require(less_equal(least, list[i]), "attribute '" + std::string(key) + "' is below " + least.text());
    return list[i];
}

Expr dilation(const NodeView& view, std::size_t i) {
    return view.has("dilations") ? entry(view, "dilations", i, 2) : Expr(1);
}

}  // namespace

SymbolicShape windowed_shape(const NodeView& view, const Expr& kernel_h, const Expr& kernel_w, const Expr& out_c) {
    need_rank_4(view);
    const auto& in = view.input(0).shape;
    const bool first = is_channels_first(view);
    const std::string& padding = view.text("padding");
    const auto size = [&](const Expr& length, const Expr& kernel, std::size_t i) -> Expr {
        const Expr stride = entry(view, "strides", i, 2);
        const Expr reach = (kernel - Expr(1)) * dilation(view, i) + Expr(1);
        if (padding == "same") return ceil_div(length, stride);
        Expr padded = length;
        if (padding == "explicit") padded = length + entry(view, "pads", i, 4) + entry(view, "pads", i + 2, 4);
        const Expr room = padded - reach;
        view.require(less_equal(0, room), "a window of " + reach.text() + " doesn't fit an input of " + padded.text());
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

SymbolicWindow symbolic_window_of(const NodeView& view) {
    need_rank_4(view);
    const std::vector<Expr>& in = view.input(0).shape;
    const std::vector<Expr>& out = view.output().shape;
    SymbolicWindow w;
    w.channels_first = is_channels_first(view);
    const auto dim = [&](const std::vector<Expr>& shape, std::size_t nhwc) {
        constexpr std::size_t to_nchw[4] = {0, 2, 3, 1};
        return shape[w.channels_first ? to_nchw[nhwc] : nhwc];
    };
    w.batch = dim(in, 0), w.in_h = dim(in, 1), w.in_w = dim(in, 2), w.in_c = dim(in, 3);
    w.out_h = dim(out, 1), w.out_w = dim(out, 2), w.out_c = dim(out, 3);
    const std::string_view op = view.op().name;
    if (op == "global_average_pool") {
        w.kernel_h = w.in_h, w.kernel_w = w.in_w;
        return w;
    }
    if (view.has("kernel")) {
        w.kernel_h = entry(view, "kernel", 0, 2), w.kernel_w = entry(view, "kernel", 1, 2);
    } else {
        w.kernel_h = view.input(1).shape[1], w.kernel_w = view.input(1).shape[2];
    }
    w.stride_h = entry(view, "strides", 0, 2), w.stride_w = entry(view, "strides", 1, 2);
    w.dilation_h = dilation(view, 0), w.dilation_w = dilation(view, 1);
    const std::string& padding = view.text("padding");
    if (padding == "explicit") {
        w.pad_top = entry(view, "pads", 0, 4), w.pad_left = entry(view, "pads", 1, 4);
    } else if (padding == "same") {
        // TensorFlow's rule: the odd row or column of padding goes to the bottom and right.
        const auto before = [](const Expr& out_size, const Expr& in_size, const Expr& stride, const Expr& reach) {
            return floor_div(max((out_size - 1) * stride + reach - in_size, 0), 2);
        };
        w.pad_top = before(w.out_h, w.in_h, w.stride_h, (w.kernel_h - 1) * w.dilation_h + 1);
        w.pad_left = before(w.out_w, w.in_w, w.stride_w, (w.kernel_w - 1) * w.dilation_w + 1);
    }
    return w;
}

Window window_of(const NodeView& view) {
    if (view.input(0).symbolic || view.output().symbolic)
        throw ShapeError(view.message("this engine needs concrete shapes"));
    const SymbolicWindow s = symbolic_window_of(view);
    Window w;
    w.batch = s.batch.constant(), w.in_h = s.in_h.constant(), w.in_w = s.in_w.constant(), w.in_c = s.in_c.constant();
    w.out_h = s.out_h.constant(), w.out_w = s.out_w.constant(), w.out_c = s.out_c.constant();
    w.kernel_h = s.kernel_h.constant(), w.kernel_w = s.kernel_w.constant();
    w.stride_h = s.stride_h.constant(), w.stride_w = s.stride_w.constant();
    w.dilation_h = s.dilation_h.constant(), w.dilation_w = s.dilation_w.constant();
    w.pad_top = s.pad_top.constant(), w.pad_left = s.pad_left.constant();
    w.channels_first = s.channels_first;
    return w;
}

}  // namespace gonogo
