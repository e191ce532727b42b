// quantize, dequantize and argmax. In real arithmetic the first two are the identity: the ideal execution of a
// quantised graph rounds nothing. What they do on the device is the integer profiles' business.
#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

RealKernel identity_real(const NodeView&) {
    return [](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        out.lo = in[0]->lo;
        out.hi = in[0]->hi;
    };
}

std::vector<SymbolicShape> quantize_shape(const NodeView& view) {
    if (!view.output().is_quantized())
        throw QuantizationError(view.message("the output has no quantisation parameters"));
    return {view.input(0).shape};
}

std::vector<SymbolicShape> dequantize_shape(const NodeView& view) {
    if (!view.input(0).is_quantized())
        throw QuantizationError(view.message("the input has no quantisation parameters"));
    if (view.output().dtype != DType::float32) throw UnsupportedTypeError(view.message("the output must be float32"));
    return {view.input(0).shape};
}

std::vector<SymbolicShape> argmax_shape(const NodeView& view) {
    const auto& in = view.input(0).shape;
    const std::size_t axis = checked_axis(view, view.integer("axis"), in.size());
    SymbolicShape out;
    for (std::size_t d = 0; d < in.size(); ++d) {
        if (d != axis) {
            out.push_back(in[d]);
        } else if (view.integer("keep_dims") != 0) {
            out.emplace_back(1);
        }
    }
    return {out};
}

}  // namespace

const OperatorRecord& quantize_record() {
    static const OperatorRecord record = {
        .name = "quantize",
        .summary = "real or quantised values to quantised ones; the parameters are the output tensor's",
        .onnx = "QuantizeLinear",
        .tflite = "QUANTIZE",
        .shape = quantize_shape,
        .work = elementwise_work,
        .real = identity_real,
        .int8 = {.tflm = tflm_quantize,
                 .ort = ort_quantize,
                 .litert = litert_quantize,
                 .litert_ref = litert_ref_quantize,
                 .xnnpack = xnnpack_quantize},
        .int16 = int16_rules(tflm_quantize, tflm_quantize),
        .joint = JointKind::univariate,
    };
    return record;
}

const OperatorRecord& dequantize_record() {
    static const OperatorRecord record = {
        .name = "dequantize",
        .summary = "quantised values to float32",
        .onnx = "DequantizeLinear",
        .tflite = "DEQUANTIZE",
        .shape = dequantize_shape,
        .work = elementwise_work,
        .real = identity_real,
        .joint = JointKind::univariate,
    };
    return record;
}

const OperatorRecord& argmax_record() {
    static const OperatorRecord record = {
        .name = "argmax",
        .summary = "index of the largest element; a decision, so error bounds stop at its input",
        .onnx = "ArgMax",
        .tflite = "ARG_MAX",
        .max_inputs = 2,
        .attributes = {integer_attribute("axis", -1), integer_attribute("keep_dims", 0)},
        .shape = argmax_shape,
        .work = elementwise_work,
    };
    return record;
}

}  // namespace gonogo
