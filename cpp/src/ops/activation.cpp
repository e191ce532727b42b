// Piecewise-linear scalar functions: relu, relu6, leaky_relu, clip.

#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

RealKernel clamp_kernel(RealClamp clamp) {
    return [clamp](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        for (std::size_t i = 0; i < out.size(); ++i) store(out, i, clamped(load(*in[0], i), clamp));
    };
}

RealKernel relu_real(const NodeView&) {
    return clamp_kernel({0.0, infinity});
}
RealKernel relu6_real(const NodeView&) {
    return clamp_kernel({0.0, 6.0});
}

RealKernel clip_real(const NodeView& view) {
    const RealClamp clamp = {view.number("min"), view.number("max")};
    // ONNX: with min > max every element becomes max.
    return clamp_kernel(clamp.lo <= clamp.hi ? clamp : RealClamp{clamp.hi, clamp.hi});
}

RealKernel leaky_relu_real(const NodeView& view) {
    // The attribute is a float32 number, exact in binary64.
    const Interval alpha = Interval::point(view.number("alpha"));
    return [alpha](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        const bool rising = alpha.lo >= 0.0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            const Interval x = load(*in[0], i);
            if (x.lo >= 0.0) {
                store(out, i, x);
                continue;
            }
            // Negative part: alpha * [x.lo, min(x.hi, 0)]; for alpha < 0 the function falls there and rises after zero.
            const Interval negative = alpha * Interval{x.lo, std::min(x.hi, 0.0)};
            if (x.hi <= 0.0) {
                store(out, i, negative);
            } else {
                store(out, i,
                      {rising ? negative.lo : std::min(negative.lo, 0.0), rising ? x.hi : std::max(negative.hi, x.hi)});
            }
        }
    };
}

OperatorRecord unary(std::string_view name, std::string_view summary, std::string_view onnx, std::string_view tflite) {
    return {.name = name,
            .summary = summary,
            .onnx = onnx,
            .tflite = tflite,
            .shape = shape_of_first_input,
            .work = elementwise_work,
            .joint = JointKind::univariate};
}

}  // namespace

const OperatorRecord& relu_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = unary("relu", "max(x, 0)", "Relu", "RELU");
        r.real = relu_real;
        r.int8 = {.tflm = tflm_relu,
                  .ort = ort_relu,
                  .litert = litert_relu,
                  .litert_ref = litert_relu,
                  .xnnpack = litert_relu};
        r.int16 = int16_rules(tflm_relu, litert_relu);
        return r;
    }();
    return record;
}

const OperatorRecord& relu6_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = unary("relu6", "min(max(x, 0), 6)", "", "RELU6");
        r.real = relu6_real;
        r.int8 = {.tflm = tflm_relu,
                  .ort = ort_relu,
                  .litert = litert_relu,
                  .litert_ref = litert_relu,
                  .xnnpack = litert_relu};
        r.int16 = int16_rules(tflm_relu, litert_relu);
        return r;
    }();
    return record;
}

const OperatorRecord& leaky_relu_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r =
            unary("leaky_relu", "x for x >= 0, alpha * x below", "LeakyRelu, QLinearLeakyRelu", "LEAKY_RELU");
        r.attributes = {required(number_attribute("alpha", 0.0))};
        r.real = leaky_relu_real;
        r.int8 = {.tflm = tflm_leaky_relu,
                  .ort = ort_leaky_relu,
                  .litert = litert_leaky_relu,
                  .litert_ref = litert_leaky_relu,
                  .xnnpack = xnnpack_leaky_relu};
        r.int16 = int16_rules(tflm_leaky_relu, litert_leaky_relu);
        return r;
    }();
    return record;
}

const OperatorRecord& clip_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = unary("clip", "min(max(x, min), max)", "Clip", "RELU_N1_TO_1");
        r.attributes = {number_attribute("min", -infinity), number_attribute("max", infinity)};
        r.real = clip_real;
        r.int8 = {.tflm = tflm_relu,
                  .ort = ort_relu,
                  .litert = litert_relu,
                  .litert_ref = litert_relu,
                  .xnnpack = litert_relu};
        r.int16 = int16_rules(tflm_relu, litert_relu);
        return r;
    }();
    return record;
}

}  // namespace gonogo
