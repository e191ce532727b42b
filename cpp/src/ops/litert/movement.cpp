// Pools and operators that copy: TFLite Micro's, but LiteRT wants one set of parameters on both sides.
#include "gonogo/error.hpp"

#include "ops/litert/litert.hpp"
#include "ops/tflm/requantize.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

// XNNPACK converts where parameters differ, the built-in kernels refuse or copy; a sound file has none of this.
void need_one_scale(const NodeView& node) {
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    const std::size_t operands = node.op().name == "concat" ? node.input_count() : 1;
    for (std::size_t i = 0; i < operands; ++i) {
        const int8::Affine in = tflm::tflite_tensor(node, node.input(i));
        if (in.scale != out.scale || in.zero_point != out.zero_point) {
            throw QuantizationError(node.message("input '" + node.input(i).name +
                                                 "' and output have different scales or zero points; LiteRT's "
                                                 "operator needs the same on both sides"));
        }
    }
}

}  // namespace

Int8Kernel litert_copy(const NodeView& node) {
    need_one_scale(node);
    return tflm_reshape(node);  // one rule for all that move elements
}
Int8Kernel litert_max_pool2d(const NodeView& node) {
    need_one_scale(node);
    return tflm_max_pool2d(node);
}
Int8Kernel litert_average_pool2d(const NodeView& node) {
    need_one_scale(node);
    return tflm_average_pool2d(node);
}

}  // namespace gonogo
