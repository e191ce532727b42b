// Operators that gonogo counts but doesn't bound: their output shapes come from the file.
#include "ops/common.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

OperatorRecord counted(std::string_view name, std::string_view summary, std::string_view tflite,
                       std::vector<AttributeSpec> attributes = {}) {
    return {.name = name,
            .summary = summary,
            .onnx = "",
            .tflite = tflite,
            .min_inputs = 0,
            .max_inputs = 4096,
            .outputs = 0,
            .attributes = std::move(attributes),
            .work = elementwise_work};
}

}  // namespace

std::span<const OperatorRecord* const> cost_only_records() {
    static const OperatorRecord shape = counted("shape", "shape of a tensor", "SHAPE");
    static const OperatorRecord pack =
        counted("pack", "tensors stacked along a new axis", "PACK", {integer_attribute("axis", 0)});
    static const OperatorRecord tile = counted("tile", "repeated copies", "TILE");
    static const OperatorRecord reduce_max =
        counted("reduce_max", "maximum over axes", "REDUCE_MAX",
                {integers_attribute("axes", {}), integer_attribute("keep_dims", 0)});
    static const OperatorRecord resize_bilinear = counted("resize_bilinear", "bilinear resizing", "RESIZE_BILINEAR");
    static const OperatorRecord resize_nearest =
        counted("resize_nearest", "nearest-neighbour resizing", "RESIZE_NEAREST_NEIGHBOR");
    static const OperatorRecord log_softmax = counted("log_softmax", "logarithm of softmax", "LOG_SOFTMAX");
    static const OperatorRecord lstm = counted("lstm", "long short-term memory layer", "UNIDIRECTIONAL_SEQUENCE_LSTM");
    static const OperatorRecord svdf = counted("svdf", "singular value decomposition filter", "SVDF");
    static const OperatorRecord* const all[] = {&shape,          &pack,        &tile, &reduce_max, &resize_bilinear,
                                                &resize_nearest, &log_softmax, &lstm, &svdf};
    return all;
}

}  // namespace gonogo
