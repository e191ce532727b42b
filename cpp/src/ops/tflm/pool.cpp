// max_pool2d, average_pool2d. Both are non-decreasing in every input, so that the ends of a box give the exact ends of
// the outputs.

#include "gonogo/error.hpp"

#include "ops/common.hpp"
#include "ops/tflm/reduction.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

Window pool_window(const NodeView& node) {
    const Window w = window_of(node);
    const Shape& in = node.input(0).dims;
    const Shape& out = node.output().dims;
    const auto one = static_cast<std::size_t>(w.channels_first ? 1 : 3);
    if (in[0] != out[0] || in[one] != out[one]) throw ShapeError(node.message("pooling keeps batch and channels"));
    if (w.dilation_h != 1 || w.dilation_w != 1) {
        throw UnsupportedOperatorError(node.message("the device's pools have no dilation"));
    }
    return w;
}

// Calls f(output index, input indices' first and stride ...) for every output: reduce(begin), add(q), finish(count).
template <class Reduce>
void for_each_window(const Window& w, const std::int32_t* x, std::int32_t* out, Reduce reduce) {
    const std::int64_t area = w.in_h * w.in_w;
    const std::int64_t step_c = w.channels_first ? area : 1;
    const std::int64_t step_p = w.channels_first ? 1 : w.in_c;
    const std::int64_t out_area = w.out_h * w.out_w;
    for (std::int64_t n = 0; n < w.batch; ++n) {
        for (std::int64_t p = 0; p < out_area; ++p) {
            const Window::Taps rows = w.rows(p / w.out_w);
            const Window::Taps columns = w.columns(p % w.out_w);
            const std::int64_t top = p / w.out_w * w.stride_h - w.pad_top;
            const std::int64_t left = p % w.out_w * w.stride_w - w.pad_left;
            for (std::int64_t c = 0; c < w.in_c; ++c) {
                Reduce state = reduce;
                const std::int32_t* plane = x + n * area * w.in_c + c * step_c;
                for (std::int64_t i = rows.first; i < rows.last; ++i) {
                    for (std::int64_t j = columns.first; j < columns.last; ++j) {
                        state.add(plane[((top + i) * w.in_w + left + j) * step_p]);
                    }
                }
                out[w.channels_first ? (n * w.in_c + c) * out_area + p : (n * out_area + p) * w.in_c + c] =
                    state.result();
            }
        }
    }
}

struct Greatest {
    ClampRange clamp;
    std::int32_t best = INT32_MIN;

    void add(std::int32_t q) { best = std::max(best, q); }
    std::int32_t result() const { return int8::clamp(best, clamp); }
};

// The *stored* integers are averaged and rounded half away from stored zero: C's division after adding n/2 with the
// sum's sign. An empty window doesn't occur: check_windows.
struct Average {
    ClampRange clamp;
    std::int64_t sum = 0;
    std::int64_t taps = 0;

    void add(std::int32_t q) {
        sum += q;
        ++taps;
    }
    std::int32_t result() const { return int8::clamp((sum > 0 ? sum + taps / 2 : sum - taps / 2) / taps, clamp); }
};

void check_windows(const NodeView& node, const Window& w) {
    bool fine = w.in_h > 0 && w.in_w > 0;
    for (std::int64_t r = 0; fine && r < w.out_h; ++r) fine = w.rows(r).first < w.rows(r).last;
    for (std::int64_t r = 0; fine && r < w.out_w; ++r) fine = w.columns(r).first < w.columns(r).last;
    if (!fine) throw ShapeError(node.message("a pooling window holds no input"));
}

}  // namespace

Int8Kernel tflm_max_pool2d(const NodeView& node) {
    const Window w = pool_window(node);
    check_windows(node, w);
    const ClampRange clamp = int8::activation_range(node);
    const Envelope envelope =
        tflm::copy_error(tflm::tflite_tensor(node, node.input(0)), tflm::tflite_tensor(node, node.output()));
    return tflm::monotone(clamp, envelope, [w, clamp](const std::int32_t* x, std::int32_t* y) {
        for_each_window(w, x, y, Greatest{clamp});
    });
}

// Theorem (envelope). The rounding to the nearest integer errs by at most 1/2, ties included, on either side of zero;
// subtracting the zero point changes nothing; different parameters of input and output add copy_error.
Int8Kernel tflm_average_pool2d(const NodeView& node) {
    const Window w = pool_window(node);
    check_windows(node, w);
    const bool inside = w.pad_top == 0 && w.pad_left == 0 && (w.out_h - 1) * w.stride_h + w.kernel_h <= w.in_h &&
                        (w.out_w - 1) * w.stride_w + w.kernel_w <= w.in_w;
    if (node.has("count_include_pad") && node.integer("count_include_pad") != 0 && !inside) {
        throw UnsupportedOperatorError(node.message("the device's average pool doesn't count padding"));
    }
    const ClampRange clamp = int8::activation_range(node);
    Envelope envelope =
        tflm::copy_error(tflm::tflite_tensor(node, node.input(0)), tflm::tflite_tensor(node, node.output()));
    envelope.absolute += 0.5;  // exact: small multiples of 1/2
    return tflm::monotone(clamp, envelope, [w, clamp](const std::int32_t* x, std::int32_t* y) {
        for_each_window(w, x, y, Average{clamp});
    });
}

}  // namespace gonogo
