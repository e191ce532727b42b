// Integer semantics of ONNX Runtime's CPU kernels (profile `ort`), x86-64 with FMA3; docs/int8-semantics.md has the
// evidence. One rule per operator: it throws UnsupportedOperatorError where the runtime's result isn't determined by
// the file, for example a convolution that stays in float32 between DequantizeLinear and QuantizeLinear.
#pragma once

#include <cstdint>

#include "gonogo/ops/int8.hpp"
#include "gonogo/ops/ort_assumptions.hpp"

namespace gonogo {

Int8Kernel ort_dense(const NodeView& node);
Int8Kernel ort_conv2d(const NodeView& node);
Int8Kernel ort_depthwise_conv2d(const NodeView& node);
Int8Kernel ort_add(const NodeView& node);
Int8Kernel ort_sub(const NodeView& node);
Int8Kernel ort_mul(const NodeView& node);
Int8Kernel ort_relu(const NodeView& node);  // relu, relu6, clip
Int8Kernel ort_leaky_relu(const NodeView& node);
Int8Kernel ort_sigmoid(const NodeView& node);
Int8Kernel ort_tanh(const NodeView& node);
Int8Kernel ort_softmax(const NodeView& node);
Int8Kernel ort_max_pool2d(const NodeView& node);
Int8Kernel ort_average_pool2d(const NodeView& node);
Int8Kernel ort_global_average_pool(const NodeView& node);
Int8Kernel ort_pad(const NodeView& node);
Int8Kernel ort_concat(const NodeView& node);
Int8Kernel ort_reshape(const NodeView& node);  // reshape, identity: elements in order
Int8Kernel ort_transpose(const NodeView& node);
Int8Kernel ort_strided_slice(const NodeView& node);
Int8Kernel ort_quantize(const NodeView& node);  // quantised to quantised; from float32 see ort_quantize_value

// QuantizeLinear and DequantizeLinear of one element, float32 as the runtime computes them. NaN quantises to
// `range.lo`.
std::int32_t ort_quantize_value(float x, float scale, std::int32_t zero_point, ClampRange range);
float ort_dequantize_value(std::int32_t q, float scale, std::int32_t zero_point);

}  // namespace gonogo
