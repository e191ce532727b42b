// max_pool2d, average_pool2d, global_average_pool, mean.
#include <algorithm>
#include <limits>

#include "ops/averaging.hpp"
#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

std::vector<SymbolicShape> pool_shape(const NodeView& view) {
    const std::vector<Expr> kernel = view.expressions("kernel");
    if (kernel.size() != 2) throw ModelError(view.message("attribute 'kernel' must be two positive sizes"));
    for (const Expr& size : kernel) {
        if (size.is_constant() && size.constant() < 1)
            throw ModelError(view.message("attribute 'kernel' must be two positive sizes"));
    }
    const auto& in = view.input(0).shape;
    if (in.size() != 4) throw ShapeError(view.message("the input must have 4 dimensions"));
    return {windowed_shape(view, kernel[0], kernel[1], in[view.text("layout") == "NCHW" ? 1 : 3])};
}

std::vector<SymbolicShape> global_pool_shape(const NodeView& view) {
    const auto& in = view.input(0).shape;
    if (in.size() != 4) throw ShapeError(view.message("the input must have 4 dimensions"));
    if (view.text("layout") == "NCHW") return {{in[0], in[1], 1, 1}};
    return {{in[0], 1, 1, in[3]}};
}

std::vector<SymbolicShape> mean_shape(const NodeView& view) {
    const auto& in = view.input(0).shape;
    std::vector<bool> reduced(in.size(), false);
    for (const std::int64_t axis : view.integers("axes")) reduced[checked_axis(view, axis, in.size())] = true;
    SymbolicShape out;
    for (std::size_t d = 0; d < in.size(); ++d) {
        if (!reduced[d]) {
            out.push_back(in[d]);
        } else if (view.integer("keep_dims") != 0) {
            out.emplace_back(1);
        }
    }
    return {out};
}

// One operation per element that is read: kernel size times outputs, or the whole input for global reductions.
Work pool_work(const NodeView& view) {
    const std::vector<Expr> kernel = view.expressions("kernel");
    return {.other_operations = count(view.output().shape) * kernel[0] * kernel[1]};
}

Work reduction_work(const NodeView& view) {
    return {.other_operations = count(view.input(0).shape), .parameter_bytes = constant_bytes(view)};
}

RealKernel average_real(const NodeView& view) {
    return [plan = averaging_of(view), clamp = activation_clamp(view)](std::span<const IntervalTensor* const> in,
                                                                       IntervalTensor& out) {
        plan.apply(*in[0], out);
        for (std::size_t i = 0; i < out.size(); ++i) store(out, i, clamped(load(out, i), clamp));
    };
}

RealKernel max_pool_real(const NodeView& view) {
    return [plan = averaging_of(view), clamp = activation_clamp(view)](std::span<const IntervalTensor* const> in,
                                                                       IntervalTensor& out) {
        for (std::size_t o = 0; o < out.size(); ++o) {
            Interval best{-std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity()};
            for (const std::int64_t i : plan.members(o)) {
                best.lo = std::max(best.lo, in[0]->lo[static_cast<std::size_t>(i)]);
                best.hi = std::max(best.hi, in[0]->hi[static_cast<std::size_t>(i)]);
            }
            store(out, o, clamped(best, clamp));
        }
    };
}

}  // namespace

const OperatorRecord& max_pool2d_record() {
    static const OperatorRecord record = {
        .name = "max_pool2d",
        .summary = "maximum over windows",
        .onnx = "MaxPool",
        .tflite = "MAX_POOL_2D",
        .attributes = {required(integers_attribute("kernel", {})), required(integers_attribute("strides", {})),
                       integers_attribute("dilations", {1, 1}), padding_attribute(),
                       integers_attribute("pads", {0, 0, 0, 0}), layout_attribute(), activation_attribute()},
        .shape = pool_shape,
        .work = pool_work,
        .real = max_pool_real,
        .int8 = {.tflm = tflm_max_pool2d,
                 .ort = ort_max_pool2d,
                 .litert = litert_max_pool2d,
                 .litert_ref = litert_max_pool2d,
                 .xnnpack = litert_max_pool2d},
        .int16 = int16_rules(tflm_max_pool2d, litert_max_pool2d),
        .joint = JointKind::maximum,
    };
    return record;
}

const OperatorRecord& average_pool2d_record() {
    static const OperatorRecord record = {
        .name = "average_pool2d",
        .summary = "average over windows",
        .onnx = "AveragePool, QLinearAveragePool",
        .tflite = "AVERAGE_POOL_2D",
        .attributes = {required(integers_attribute("kernel", {})), required(integers_attribute("strides", {})),
                       padding_attribute(), integers_attribute("pads", {0, 0, 0, 0}), layout_attribute(),
                       activation_attribute(), integer_attribute("count_include_pad", 0)},
        .shape = pool_shape,
        .work = pool_work,
        .real = average_real,
        .int8 = {.tflm = tflm_average_pool2d,
                 .ort = ort_average_pool2d,
                 .litert = litert_average_pool2d,
                 .litert_ref = litert_average_pool2d,
                 .xnnpack = litert_average_pool2d},
        .int16 = int16_rules(tflm_average_pool2d, litert_average_pool2d),
        .joint = JointKind::average,
    };
    return record;
}

const OperatorRecord& global_average_pool_record() {
    static const OperatorRecord record = {
        .name = "global_average_pool",
        .summary = "average over height and width, both kept with size 1",
        .onnx = "GlobalAveragePool, QLinearGlobalAveragePool",
        .tflite = "",
        .attributes = {layout_attribute()},
        .shape = global_pool_shape,
        .work = reduction_work,
        .real = average_real,
        .int8 = {.ort = ort_global_average_pool},
        .joint = JointKind::average,
    };
    return record;
}

const OperatorRecord& mean_record() {
    static const OperatorRecord record = {
        .name = "mean",
        .summary = "average over given axes",
        .onnx = "ReduceMean",
        .tflite = "MEAN",
        .max_inputs = 2,  // TFLite keeps the axes as a second input
        .attributes = {required(integers_attribute("axes", {})), integer_attribute("keep_dims", 1)},
        .shape = mean_shape,
        .work = reduction_work,
        .real = average_real,
        .int8 = {.tflm = tflm_mean, .litert = litert_mean, .litert_ref = tflm_mean, .xnnpack = xnnpack_mean},
        .int16 = int16_rules(tflm_mean, tflm_mean),
        .joint = JointKind::average,
    };
    return record;
}

}  // namespace gonogo
