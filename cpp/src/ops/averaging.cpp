#include "ops/averaging.hpp"

#include <algorithm>

#include "ops/common.hpp"
#include "ops/elementwise.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

void add_window(const NodeView& view, Averaging& plan) {
    const Window w = window_of(view);
    const bool whole = view.has("count_include_pad") && view.integer("count_include_pad") != 0;
    const auto input = [&](std::int64_t b, std::int64_t h, std::int64_t x, std::int64_t c) {
        return w.channels_first ? ((b * w.in_c + c) * w.in_h + h) * w.in_w + x
                                : ((b * w.in_h + h) * w.in_w + x) * w.in_c + c;
    };
    const std::int64_t outputs = w.batch * w.out_c * w.out_h * w.out_w;
    // Real pools stay far below; a hostile file asks for windows as large as the image, once per element.
    const double reads = static_cast<double>(outputs) * static_cast<double>(std::min(w.kernel_h, w.in_h)) *
                         static_cast<double>(std::min(w.kernel_w, w.in_w));
    if (reads > 0x1p27) {
        throw ShapeError(view.message("the windows read more than 2^27 elements together"));
    }
    for (std::int64_t o = 0; o < outputs; ++o) {
        std::int64_t rest = o;
        std::int64_t c = 0;
        if (!w.channels_first) c = rest % w.out_c, rest /= w.out_c;
        const std::int64_t ow = rest % w.out_w;
        rest /= w.out_w;
        const std::int64_t oh = rest % w.out_h;
        rest /= w.out_h;
        if (w.channels_first) c = rest % w.out_c, rest /= w.out_c;
        const Window::Taps rows = w.rows(oh);
        const Window::Taps columns = w.columns(ow);
        for (std::int64_t kh = rows.first; kh < rows.last; ++kh) {
            for (std::int64_t kw = columns.first; kw < columns.last; ++kw) {
                plan.elements.push_back(input(rest, oh * w.stride_h - w.pad_top + kh * w.dilation_h,
                                              ow * w.stride_w - w.pad_left + kw * w.dilation_w, c));
            }
        }
        const auto end = static_cast<std::int64_t>(plan.elements.size());
        if (end == plan.begin.back()) throw ShapeError(view.message("a pooling window lies wholly in the padding"));
        plan.divisor.push_back(whole ? w.kernel_h * w.kernel_w : end - plan.begin.back());
        plan.begin.push_back(end);
    }
}

void add_axes(const NodeView& view, Averaging& plan) {
    const Shape& dims = view.input(0).dims;
    std::vector<bool> reduced(dims.size(), false);
    for (const std::int64_t axis : view.integers("axes")) reduced[checked_axis(view, axis, dims.size())] = true;
    // Strides of the output over the input's dimensions: reduced dimensions don't move it.
    std::vector<std::int64_t> step(dims.size(), 0);
    std::int64_t outputs = 1;
    for (std::size_t d = dims.size(); d-- > 0;) {
        if (reduced[d]) continue;
        step[d] = outputs;
        outputs *= dims[d];
    }
    const std::int64_t inputs = element_count(dims);
    const std::int64_t each = outputs == 0 ? 0 : inputs / outputs;
    if (each == 0) throw ShapeError(view.message("the mean of no elements isn't defined"));
    plan.elements.resize(static_cast<std::size_t>(inputs));
    std::vector<std::int64_t> filled(static_cast<std::size_t>(outputs), 0);
    for (std::int64_t i = 0; i < inputs; ++i) {
        std::int64_t rest = i;
        std::int64_t o = 0;
        for (std::size_t d = dims.size(); d-- > 0;) {
            o += rest % dims[d] * step[d];
            rest /= dims[d];
        }
        plan.elements[static_cast<std::size_t>(o * each + filled[static_cast<std::size_t>(o)]++)] = i;
    }
    for (std::int64_t o = 0; o < outputs; ++o) {
        plan.divisor.push_back(each);
        plan.begin.push_back((o + 1) * each);
    }
}

}  // namespace

Averaging averaging_of(const NodeView& view) {
    if (view.input(0).symbolic || view.output().symbolic)
        throw ShapeError(view.message("this engine needs concrete shapes"));
    Averaging plan;
    plan.begin.push_back(0);
    if (view.op().name == "mean") {
        add_axes(view, plan);
    } else {
        add_window(view, plan);
    }
    return plan;
}

void Averaging::apply(const IntervalTensor& x, IntervalTensor& y) const {
    for (std::size_t o = 0; o < y.size(); ++o) {
        Interval sum = Interval::point(0.0);
        for (const std::int64_t i : members(o)) sum = sum + load(x, static_cast<std::size_t>(i));
        store(y, o, sum / Interval::point(static_cast<double>(divisor[o])));
    }
}

}  // namespace gonogo
