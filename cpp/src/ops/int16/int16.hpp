// Integer semantics on int16 activations with int8 weights, zero points 0 ("int16x8") in TFLite Micro and LiteRT, where
// it isn't the int8 rule on wider integers. XNNPACK hands all of it back to LiteRT's built-in kernels.
// docs/int16-semantics.md gives the formulas, the proofs and the evidence.
#pragma once

#include "gonogo/ops/int8.hpp"

namespace gonogo {

// Of TFLite Micro: without a bias or with an int64 one 64-bit sums, with an int32 bias 32-bit sums.
Int8Kernel int16_tflm_dense(const NodeView& node);
Int8Kernel int16_tflm_conv2d(const NodeView& node);
// Of LiteRT, where dense without a bias has 32-bit sums.
Int8Kernel int16_litert_dense(const NodeView& node);
Int8Kernel int16_litert_ref_dense(const NodeView& node);
Int8Kernel int16_litert_conv2d(const NodeView& node);
Int8Kernel int16_depthwise_conv2d(const NodeView& node);  // all

Int8Kernel int16_litert_add(const NodeView& node);
Int8Kernel int16_litert_sub(const NodeView& node);

Int8Kernel int16_sigmoid(const NodeView& node);  // TFLite Micro, and LiteRT's reference kernels
Int8Kernel int16_tanh(const NodeView& node);
Int8Kernel int16_litert_sigmoid(const NodeView& node);
Int8Kernel int16_litert_tanh(const NodeView& node);
Int8Kernel int16_tflm_softmax(const NodeView& node);
Int8Kernel int16_litert_softmax(const NodeView& node);

// The rules of LiteRT's three resolvers where they are one.
constexpr Int8Rules int16_rules(Int8Rule tflm, Int8Rule litert) {
    return {.tflm = tflm, .litert = litert, .litert_ref = litert, .xnnpack = litert};
}

}  // namespace gonogo
