// One function per operator record, and the rules that several records share. registry.cpp lists the records.
#pragma once

#include "gonogo/ops/record.hpp"

#include "ops/int16/int16.hpp"
#include "ops/litert/litert.hpp"
#include "ops/ort/ort.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

const OperatorRecord& dense_record();
const OperatorRecord& conv2d_record();
const OperatorRecord& depthwise_conv2d_record();
const OperatorRecord& batch_norm_record();
const OperatorRecord& add_record();
const OperatorRecord& sub_record();
const OperatorRecord& mul_record();
const OperatorRecord& relu_record();
const OperatorRecord& relu6_record();
const OperatorRecord& leaky_relu_record();
const OperatorRecord& clip_record();
const OperatorRecord& sigmoid_record();
const OperatorRecord& tanh_record();
const OperatorRecord& softmax_record();
const OperatorRecord& max_pool2d_record();
const OperatorRecord& average_pool2d_record();
const OperatorRecord& global_average_pool_record();
const OperatorRecord& mean_record();
const OperatorRecord& identity_record();
const OperatorRecord& reshape_record();
const OperatorRecord& transpose_record();
const OperatorRecord& concat_record();
const OperatorRecord& pad_record();
const OperatorRecord& strided_slice_record();
const OperatorRecord& quantize_record();
const OperatorRecord& dequantize_record();
const OperatorRecord& argmax_record();
std::span<const OperatorRecord* const> cost_only_records();

// Real rule of every operator that is an AffineMap (affine.cpp), and its clamp by the fused activation.
RealKernel affine_real(const NodeView& view);

}  // namespace gonogo
