// Integer semantics of LiteRT's CPU kernels, int8: `litert` (built-in, no delegate), `litert_ref` (reference resolver)
// and `xnnpack` (the default delegate; what it refuses runs on the built-in kernels). Operators that aren't named here
// are TFLite Micro's, bit for bit. docs/int8-semantics.md gives the formulas, the proofs and the evidence.
#pragma once

#include "gonogo/ops/int8.hpp"

namespace gonogo {

Int8Kernel litert_dense(const NodeView& node);
Int8Kernel litert_conv2d(const NodeView& node);
Int8Kernel litert_depthwise_conv2d(const NodeView& node);
Int8Kernel litert_add(const NodeView& node);
Int8Kernel litert_mul(const NodeView& node);
Int8Kernel litert_relu(const NodeView& node);  // relu, relu6, and a clip that is one of them
Int8Kernel litert_leaky_relu(const NodeView& node);
Int8Kernel litert_sigmoid(const NodeView& node);
Int8Kernel litert_tanh(const NodeView& node);
Int8Kernel litert_softmax(const NodeView& node);
Int8Kernel litert_mean(const NodeView& node);
Int8Kernel litert_max_pool2d(const NodeView& node);
Int8Kernel litert_average_pool2d(const NodeView& node);
Int8Kernel litert_copy(const NodeView& node);  // reshape, transpose, pad, ...
Int8Kernel litert_quantize(const NodeView& node);

Int8Kernel litert_ref_dense(const NodeView& node);
Int8Kernel litert_ref_mul(const NodeView& node);
Int8Kernel litert_ref_quantize(const NodeView& node);

Int8Kernel xnnpack_dense(const NodeView& node);
Int8Kernel xnnpack_conv2d(const NodeView& node);
Int8Kernel xnnpack_depthwise_conv2d(const NodeView& node);
Int8Kernel xnnpack_add(const NodeView& node);
Int8Kernel xnnpack_sub(const NodeView& node);
Int8Kernel xnnpack_mul(const NodeView& node);
Int8Kernel xnnpack_leaky_relu(const NodeView& node);
Int8Kernel xnnpack_sigmoid(const NodeView& node);
Int8Kernel xnnpack_tanh(const NodeView& node);
Int8Kernel xnnpack_mean(const NodeView& node);
Int8Kernel xnnpack_quantize(const NodeView& node);

// One element: ties to even of fl32(x fl32(1 / scale)) in the vectors of eight, ties away of the binary64
// quotient in the rest. Throws OverflowRiskError from 2^30 steps on, as tflm_quantize_float.
std::int32_t litert_quantize_float(float x, const Quantization& output, std::int32_t lo, std::int32_t hi, bool vector);
// fl32(fl32(scale q) + fl32(-zero_point scale)): the vectors of eight; the rest as on TFLite Micro.
float litert_dequantize_vector(std::int32_t q, const Quantization& input);
// round_ties_even(fl32(x fl32(1 / scale))) + zero_point, clamped.
std::int32_t xnnpack_quantize_float(float x, const Quantization& output, std::int32_t lo, std::int32_t hi);

}  // namespace gonogo
