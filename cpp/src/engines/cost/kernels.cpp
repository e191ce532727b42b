// TensorFlow Lite Micro's kernels as the cost engine sees them.
//
// Sources: structure sizes of 64-bit builds were measured operator by operator with the recording allocator of the
// tflite-micro package; those of 32-bit builds follow from the same fields with 4-byte pointers and one-byte enums and
// were checked against the recorded arenas of Cortex-M0+, M4 and M55 builds (docs/cost-model.md).
#include <algorithm>

#include "engines/cost/model.hpp"

namespace gonogo::costing {

namespace {

using enum KernelClass;

constexpr KernelFacts not_in_tflm(std::string_view op) {
    return {.op = op, .in_tflm = false};
}

// Sorted by name.
// clang-format off
constexpr KernelFacts known_kernels[] = {
    {"add", add, true, 8, 4, 2, 1, 60, 64},
    {"argmax", permute, true, 4, 4, 1, 1, 0, 0},
    {"average_pool2d", average_pool, true, 40, 4, 40, 4, 32, 48},
    {"batch_norm", add, true, 12, 4, 4, 1, 96, 96},  // as a multiplication and an addition
    {"clip", requantize, true, 0, 1, 0, 1, 28, 28},
    {"concat", copy, true, 8, 4, 8, 4, 80, 80},
    {"conv2d", conv_general, true, 28, 4, 28, 4, 80, 60},
    {"dense", dense, true, 32, 8, 5, 1, 72, 72},
    {"depthwise_conv2d", depthwise_general, true, 28, 4, 28, 4, 80, 64},
    {"dequantize", dequantize, true, 0, 1, 0, 1, 32, 32},
    {"global_average_pool", mean, true, 1, 1, 1, 1, 44, 44},
    {"identity", copy, true, 0, 1, 0, 1, 0, 0},
    {"leaky_relu", requantize, true, 4, 4, 4, 4, 24, 24},
    {"log_softmax", softmax, true, 0, 1, 0, 1, 40, 40},
    not_in_tflm("lstm"),
    {"max_pool2d", max_pool, true, 40, 4, 40, 4, 32, 48},
    {"mean", mean, true, 1, 1, 1, 1, 44, 44},
    {"mul", add, true, 4, 4, 1, 1, 36, 36},
    {"pack", pack, true, 8, 4, 8, 4, 0, 0},
    {"pad", pad, true, 0, 1, 0, 1, 56, 56},
    {"quantize", quantize, true, 0, 1, 0, 1, 32, 32},
    {"reduce_max", mean, true, 1, 1, 1, 1, 44, 44},
    {"relu", requantize, true, 0, 1, 0, 1, 28, 28},
    {"relu6", requantize, true, 0, 1, 0, 1, 8, 8},
    {"reshape", copy, true, 36, 4, 36, 4, 0, 0},
    {"resize_bilinear", permute, true, 2, 1, 2, 1, 0, 0},
    {"resize_nearest", permute, true, 2, 1, 2, 1, 0, 0},
    {"shape", shape, true, 4, 4, 1, 1, 0, 0},
    {"sigmoid", sigmoid, true, 0, 1, 0, 1, 16, 16},
    {"softmax", softmax, true, 4, 4, 4, 4, 80, 64},
    {"strided_slice", permute, true, 24, 4, 24, 4, 84, 84},
    {"sub", add, true, 8, 4, 2, 1, 52, 52},
    not_in_tflm("svdf"),
    {"tanh", sigmoid, true, 0, 1, 0, 1, 16, 16},
    not_in_tflm("tile"),
    {"transpose", permute, true, 0, 1, 0, 1, 0, 0},
};
// clang-format on

}  // namespace

const KernelFacts* kernel_facts(std::string_view op) {
    const auto* found =
        std::lower_bound(std::begin(known_kernels), std::end(known_kernels), op,
                         [](const KernelFacts& facts, std::string_view name) { return facts.op < name; });
    return found != std::end(known_kernels) && found->op == op ? found : nullptr;
}

}  // namespace gonogo::costing
