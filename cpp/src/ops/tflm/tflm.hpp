// Integer semantics of TensorFlow Lite for Microcontrollers, reference kernels, int8. docs/int8-semantics.md gives
// every formula and the proof of every envelope; tests/ops/test_tflm_exact.py compares with the runtime, bit by bit.
#pragma once

#include "gonogo/ops/int8.hpp"

namespace gonogo {

Int8Kernel tflm_dense(const NodeView& node);
Int8Kernel tflm_conv2d(const NodeView& node);
Int8Kernel tflm_depthwise_conv2d(const NodeView& node);

Int8Kernel tflm_add(const NodeView& node);
Int8Kernel tflm_sub(const NodeView& node);
Int8Kernel tflm_mul(const NodeView& node);

Int8Kernel tflm_relu(const NodeView& node);  // relu, relu6, and a clip that is one of them
Int8Kernel tflm_leaky_relu(const NodeView& node);
Int8Kernel tflm_sigmoid(const NodeView& node);
Int8Kernel tflm_tanh(const NodeView& node);
Int8Kernel tflm_softmax(const NodeView& node);

Int8Kernel tflm_max_pool2d(const NodeView& node);
Int8Kernel tflm_average_pool2d(const NodeView& node);
Int8Kernel tflm_mean(const NodeView& node);

Int8Kernel tflm_reshape(const NodeView& node);  // also identity: elements keep their order
Int8Kernel tflm_transpose(const NodeView& node);
Int8Kernel tflm_strided_slice(const NodeView& node);
Int8Kernel tflm_pad(const NodeView& node);
Int8Kernel tflm_concat(const NodeView& node);

// Quantised to quantised. Float tensors are the engine's: it calls the two functions below.
Int8Kernel tflm_quantize(const NodeView& node);

// clamp(round_half_away(fl32(x / scale)) + zero_point, lo, hi). Throws OverflowRiskError for NaN and from 2^31 steps
// on, where the device's float-to-int conversion isn't defined by C (an x86 build answers 127 to -1e30).
std::int32_t tflm_quantize_float(float x, const Quantization& output, std::int32_t lo, std::int32_t hi);
// fl32(scale * (q - zero_point))
float tflm_dequantize_value(std::int32_t q, const Quantization& input);

}  // namespace gonogo
