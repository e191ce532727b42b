#include "ops/affine.hpp"
#include "ops/common.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

void check_weights(const NodeView& view, const Expr& channels, const Expr& out_c) {
    const auto& w = view.input(1).shape;
    if (w.size() != 4) throw ShapeError(view.message("the weights must have 4 dimensions"));
    const std::int64_t groups = view.has("groups") ? view.integer("groups") : 1;
    if (view.op().name == "conv2d") {
        if (groups < 1) throw ModelError(view.message("attribute 'groups' must be at least 1"));
        const Expr expected = w[3] * Expr(groups);
        if (!alike(expected, channels)) {
            view.require(equal(expected, channels),
                         "weights for " + expected.text() + " input channels, the input has " + channels.text());
        }
        if (w[0].is_constant() && w[0].constant() % groups != 0) {
            throw ShapeError(
                view.message(w[0].text() + " output channels don't divide into " + std::to_string(groups) + " groups"));
        }
    } else {
        if (w[0].is_constant() && w[0].constant() != 1)
            throw ShapeError(view.message("depthwise weights must have shape [1, h, w, channels]"));
        if (channels.is_constant() && w[3].is_constant() &&
            (channels.constant() == 0 || w[3].constant() % channels.constant() != 0)) {
            throw ShapeError(view.message(w[3].text() + " output channels aren't a multiple of " + channels.text() +
                                          " input channels"));
        }
    }
    for (const Expr& e : w) {
        if (e.is_constant() && e.constant() < 1) throw ShapeError(view.message("the weights have a dimension of zero"));
    }
    if (view.has_input(2)) {
        const auto& b = view.input(2).shape;
        if (b.size() != 1 || !alike(b[0], out_c))
            throw ShapeError(view.message("the bias must have one value per output channel"));
    }
}

Expr channels_of(const NodeView& view) {
    const auto& in = view.input(0).shape;
    if (in.size() != 4) throw ShapeError(view.message("the input must have 4 dimensions"));
    return in[view.text("layout") == "NCHW" ? 1 : 3];
}

std::vector<SymbolicShape> conv_shape(const NodeView& view) {
    const auto& w = view.input(1).shape;
    if (w.size() != 4) throw ShapeError(view.message("the weights must have 4 dimensions"));
    check_weights(view, channels_of(view), w[0]);
    return {windowed_shape(view, w[1], w[2], w[0])};
}

std::vector<SymbolicShape> depthwise_shape(const NodeView& view) {
    const auto& w = view.input(1).shape;
    if (w.size() != 4) throw ShapeError(view.message("the weights must have 4 dimensions"));
    check_weights(view, channels_of(view), w[3]);
    return {windowed_shape(view, w[1], w[2], w[3])};
}

Work conv_work(const NodeView& view) {
    const auto& w = view.input(1).shape;
    return {.macs = count(view.output().shape) * w[1] * w[2] * w[3],
            .other_operations = count(view.output().shape),
            .parameter_bytes = constant_bytes(view)};
}

Work depthwise_work(const NodeView& view) {
    const auto& w = view.input(1).shape;
    return {.macs = count(view.output().shape) * w[1] * w[2],
            .other_operations = count(view.output().shape),
            .parameter_bytes = constant_bytes(view)};
}

std::vector<AttributeSpec> conv_attributes() {
    return {required(integers_attribute("strides", {})),
            integers_attribute("dilations", {1, 1}),
            padding_attribute(),
            integers_attribute("pads", {0, 0, 0, 0}),
            integer_attribute("groups", 1),
            layout_attribute(),
            activation_attribute()};
}

}  // namespace

const OperatorRecord& conv2d_record() {
    static const OperatorRecord record = {
        .name = "conv2d",
        .summary = "2-D convolution, weights [out, h, w, in / groups], optional bias and fused activation",
        .onnx = "Conv, QLinearConv",
        .tflite = "CONV_2D",
        .min_inputs = 2,
        .max_inputs = 3,
        .attributes = conv_attributes(),
        .shape = conv_shape,
        .work = conv_work,
        .real = affine_real,
        .int8 = {.tflm = tflm_conv2d,
                 .ort = ort_conv2d,
                 .litert = litert_conv2d,
                 .litert_ref = tflm_conv2d,
                 .xnnpack = xnnpack_conv2d},
        .int16 = int16_rules(int16_tflm_conv2d, int16_litert_conv2d),
        .joint = JointKind::affine,
    };
    return record;
}

const OperatorRecord& depthwise_conv2d_record() {
    static const OperatorRecord record = {
        .name = "depthwise_conv2d",
        .summary = "depthwise 2-D convolution, weights [1, h, w, out], optional bias and fused activation",
        .onnx = "Conv, QLinearConv (groups = channels)",
        .tflite = "DEPTHWISE_CONV_2D",
        .min_inputs = 2,
        .max_inputs = 3,
        .attributes = conv_attributes(),
        .shape = depthwise_shape,
        .work = depthwise_work,
        .real = affine_real,
        .int8 = {.tflm = tflm_depthwise_conv2d,
                 .ort = ort_depthwise_conv2d,
                 .litert = litert_depthwise_conv2d,
                 .litert_ref = tflm_depthwise_conv2d,
                 .xnnpack = xnnpack_depthwise_conv2d},
        .int16 = int16_rules(int16_depthwise_conv2d, int16_depthwise_conv2d),
        .joint = JointKind::affine,
    };
    return record;
}

}  // namespace gonogo
