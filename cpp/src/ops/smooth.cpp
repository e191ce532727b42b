// sigmoid, tanh, softmax.
#include "ops/smooth.hpp"

#include <cmath>
#include <limits>

#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

}  // namespace

// softmax_i = 1 / (1 + sum over j != i of exp(beta (x_j - x_i))): falls in every x_j, rises in x_i (beta > 0). So its
// maximum over a box is at x_i high, all others low, and its minimum at the opposite corner; both are enclosed here.
void softmax_row(std::span<const double> lo, std::span<const double> hi, double beta, std::size_t stride, std::size_t n,
                 double* out_lo, double* out_hi) {
    for (std::size_t j = 0; j < n; ++j) {
        if (std::isfinite(lo[j * stride]) && std::isfinite(hi[j * stride])) continue;
        for (std::size_t i = 0; i < n; ++i) out_lo[i * stride] = 0.0, out_hi[i * stride] = 1.0;
        return;
    }
    const Interval scale = Interval::point(beta);
    const auto share = [&](std::span<const double> own, std::span<const double> others, std::size_t i) {
        Interval sum = Interval::point(1.0);
        for (std::size_t j = 0; j < n; ++j) {
            if (j == i) continue;
            const Interval difference = Interval::point(others[j * stride]) - Interval::point(own[i * stride]);
            sum = sum + numeric::exp(scale * difference);
        }
        return sum;
    };
    for (std::size_t i = 0; i < n; ++i) {
        const Interval smallest_sum = share(hi, lo, i);
        const Interval largest_sum = share(lo, hi, i);
        out_lo[i * stride] =
            largest_sum.hi == std::numeric_limits<double>::infinity() ? 0.0 : numeric::div_down(1.0, largest_sum.hi);
        out_hi[i * stride] = std::min(1.0, numeric::div_up(1.0, std::max(1.0, smallest_sum.lo)));
    }
}

namespace {

RealKernel sigmoid_real(const NodeView&) {
    return [](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        for (std::size_t i = 0; i < out.size(); ++i) store(out, i, numeric::sigmoid(load(*in[0], i)));
    };
}

RealKernel tanh_real(const NodeView&) {
    return [](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        for (std::size_t i = 0; i < out.size(); ++i) store(out, i, numeric::tanh(load(*in[0], i)));
    };
}

RealKernel softmax_real(const NodeView& view) {
    const Shape& dims = view.input(0).dims;
    const std::size_t axis = checked_axis(view, view.integer("axis"), dims.size());
    const double beta = view.number("beta");
    if (!(beta > 0.0)) throw UnsupportedOperatorError(view.message("softmax with beta <= 0 isn't supported"));
    const auto n = static_cast<std::size_t>(dims[axis]);
    std::size_t inner = 1;
    for (std::size_t d = axis + 1; d < dims.size(); ++d) inner *= static_cast<std::size_t>(dims[d]);
    return [beta, n, inner](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        if (n == 0 || inner == 0) return;
        for (std::size_t base = 0; base < out.size(); base += n * inner) {
            for (std::size_t k = 0; k < inner; ++k) {
                const std::size_t at = base + k;
                softmax_row(std::span(in[0]->lo).subspan(at), std::span(in[0]->hi).subspan(at), beta, inner, n,
                            out.lo.data() + at, out.hi.data() + at);
            }
        }
    };
}

std::vector<SymbolicShape> softmax_shape(const NodeView& view) {
    (void)checked_axis(view, view.integer("axis"), view.input(0).shape.size());
    return {view.input(0).shape};
}

}  // namespace

const OperatorRecord& sigmoid_record() {
    static const OperatorRecord record = {
        .name = "sigmoid",
        .summary = "1 / (1 + exp(-x))",
        .onnx = "Sigmoid, QLinearSigmoid",
        .tflite = "LOGISTIC",
        .shape = shape_of_first_input,
        .work = elementwise_work,
        .real = sigmoid_real,
        .int8 = {.tflm = tflm_sigmoid,
                 .ort = ort_sigmoid,
                 .litert = litert_sigmoid,
                 .litert_ref = litert_sigmoid,
                 .xnnpack = xnnpack_sigmoid},
        .int16 = {.tflm = int16_sigmoid,
                  .litert = int16_litert_sigmoid,
                  .litert_ref = int16_sigmoid,
                  .xnnpack = int16_litert_sigmoid},
        .joint = JointKind::univariate,
    };
    return record;
}

const OperatorRecord& tanh_record() {
    static const OperatorRecord record = {
        .name = "tanh",
        .summary = "hyperbolic tangent",
        .onnx = "Tanh",
        .tflite = "TANH",
        .shape = shape_of_first_input,
        .work = elementwise_work,
        .real = tanh_real,
        .int8 = {.tflm = tflm_tanh,
                 .ort = ort_tanh,
                 .litert = litert_tanh,
                 .litert_ref = litert_tanh,
                 .xnnpack = xnnpack_tanh},
        .int16 = {.tflm = int16_tanh,
                  .litert = int16_litert_tanh,
                  .litert_ref = int16_tanh,
                  .xnnpack = int16_litert_tanh},
        .joint = JointKind::univariate,
    };
    return record;
}

const OperatorRecord& softmax_record() {
    static const OperatorRecord record = {
        .name = "softmax",
        .summary = "exp(beta x_i) / sum of exp(beta x_j) along one axis",
        .onnx = "Softmax, QLinearSoftmax",
        .tflite = "SOFTMAX",
        .attributes = {integer_attribute("axis", -1), number_attribute("beta", 1.0)},
        .shape = softmax_shape,
        .work = elementwise_work,
        .real = softmax_real,
        .int8 = {.tflm = tflm_softmax,
                 .ort = ort_softmax,
                 .litert = litert_softmax,
                 .litert_ref = tflm_softmax,
                 .xnnpack = litert_softmax},
        .int16 = int16_rules(int16_tflm_softmax, int16_litert_softmax),
        .joint = JointKind::softmax,
    };
    return record;
}

}  // namespace gonogo
