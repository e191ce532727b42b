#include "ops/ort/float_steps.hpp"

#include "gonogo/error.hpp"

#include "ops/ort/ort.hpp"

namespace gonogo {

std::int32_t ort_quantize_value(float x, float scale, std::int32_t zero_point, ClampRange range) {
    return ort::round_clamped(x / scale, ort::FloatRange::of(range, zero_point), zero_point);
}

float ort_dequantize_value(std::int32_t q, float scale, std::int32_t zero_point) {
    return ort::dequantize(q, {scale, zero_point});
}

namespace ort {

float requantisation_factor(const NodeView& node, float sx, float sw, float sy) {
    const float product = sx * sw;
    const float factor = product / sy;
    if (!is_normal(product) || !is_normal(factor)) {
        throw QuantizationError(node.message("the scales " + std::to_string(sx) + " * " + std::to_string(sw) + " / " +
                                             std::to_string(sy) +
                                             " leave the range of normal float32 numbers; rescale the weights"));
    }
    return factor;
}

void need_integers(const NodeView& node) {
    for (const Tensor* t : {&node.input(0), &node.output()}) {
        if (t->dtype == DType::float32) {
            throw UnsupportedOperatorError(node.message(
                "runs in float32 in ONNX Runtime, because it isn't enclosed by DequantizeLinear and QuantizeLinear in "
                "a "
                "way the runtime fuses; its exact result depends on the machine. Quantise this operator too"));
        }
        int8::per_tensor(node, *t);
    }
    if (node.has("activation") && node.text("activation") != "none") {
        throw UnsupportedOperatorError(
            node.message("a fused activation on integers doesn't exist in ONNX Runtime; load "
                         "the ONNX file, or use the profile tflm"));
    }
}

void need_activation(const NodeView& node) {
    if (node.input(0).is_constant) {
        throw UnsupportedOperatorError(node.message("works on a constant; fold it when exporting the model"));
    }
}

void need_fused(const NodeView& node) {
    need_integers(node);
    need_activation(node);
    if (node.input(0).dtype != node.output().dtype) {
        throw UnsupportedOperatorError(
            node.message("input is " + std::string(name_of(node.input(0).dtype)) + " and output " +
                         std::string(name_of(node.output().dtype)) +
                         ": ONNX Runtime leaves this operator in float32, and its exact result depends on the machine. "
                         "Quantise activations as uint8, or set session.qdqisint8allowed and load with int8_allowed"));
    }
}

bool same_parameters(const Tensor& a, const Tensor& b) {
    return a.dtype == b.dtype && a.quantization && b.quantization && a.quantization->per_tensor() &&
           b.quantization->per_tensor() && a.quantization->scale() == b.quantization->scale() &&
           a.quantization->zero_point() == b.quantization->zero_point();
}

std::vector<std::int32_t> conversion_table(const NodeView& node, const Tensor& from, const Tensor& to) {
    const ClampRange domain = int8::storage_range(node, from);
    const Affine source = int8::per_tensor(node, from);
    const Quantizer quantize(int8::per_tensor(node, to), int8::storage_range(node, to));
    const bool copy = same_parameters(from, to);
    std::vector<std::int32_t> table;
    for (std::int32_t q = domain.lo; q <= domain.hi; ++q) table.push_back(copy ? q : quantize(dequantize(q, source)));
    return table;
}

}  // namespace ort

}  // namespace gonogo
