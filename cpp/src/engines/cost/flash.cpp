// What lies in flash: the model, and the code that runs it.
#include "engines/cost/model.hpp"

namespace gonogo::costing {

Expr exists(const Graph& graph, const Tensor& tensor) {
    if (tensor.merge) return 0;
    if (tensor.producer >= 0) return graph.node(tensor.producer).active;
    if (!tensor.is_constant || tensor.consumers.empty()) return 1;
    Expr some = 0;
    for (const NodeId n : tensor.consumers) some = max(some, graph.node(n).active);
    return some;
}

Expr Flash::code(const CodeSize& size) const {
    const Expr integers = Expr(size.base) + nodes * Expr(size.per_node) + scales * Expr(size.per_scale);
    return select(floats, Expr(size.float_base), integers);
}

void add_flash(const Graph& graph, Summary& summary) {
    Flash& flash = summary.flash;
    flash.constants = summary.total.parameter_bytes;
    if (graph.format == "tflite") flash.file_bytes = graph.file_bytes;
    for (const Tensor& tensor : graph.tensors) {
        if (!tensor.is_constant || !tensor.quantization || tensor.dtype == DType::int32) continue;
        flash.scales = flash.scales + exists(graph, tensor) * (Expr(1) - tensor.wide) * scales_of(tensor);
    }
    flash.around = Expr(4700) + summary.tensor_count * Expr(155) + flash.scales * Expr(25);
    for (const NodeFacts& node : summary.nodes) {
        flash.nodes = flash.nodes + node.active;
        const bool weighted =
            node.family == Family::conv || node.family == Family::depthwise || node.family == Family::dense;
        if (weighted) flash.floats = max(flash.floats, node.active * (Expr(1) - node.quantized));
    }
}

void set_flash(const Flash& flash, const CostTarget& target, CostResult& result) {
    const FlashRule& rule = target.flash;
    const auto whole = [](double bytes) { return static_cast<std::int64_t>(bytes); };
    const std::int64_t constants = flash.constants.constant();
    const auto stored = static_cast<double>(constants);
    if (rule.stores_file && flash.file_bytes > 0) {
        result.flash_model = {flash.file_bytes, flash.file_bytes, flash.file_bytes};
        result.flash_model_standing = Standing::exact;
        result.flash_model_floor_bytes = flash.file_bytes;
    } else {
        const std::int64_t around = flash.around.constant();
        result.flash_model = {.lower = whole(rule.model_low(stored)),
                              .estimate = rule.stores_file ? constants + around : whole(stored * rule.stored.estimate),
                              .upper = whole(rule.model_high(stored, static_cast<double>(around)))};
        result.flash_model_standing = Standing::estimated;
        result.flash_model_floor_bytes = whole(rule.model_floor(stored));
        result.notes.emplace_back(
            rule.stores_file
                ? "flash: no TFLite file, so constants plus a typical overhead per tensor and channel"
                : "flash: the engine stores the model in a format of its own; the constants' bytes estimate it");
    }
    const std::int64_t code = flash.code(rule.code).constant();
    const auto bytes = static_cast<double>(code);
    result.flash_code = {.lower = whole(rule.code_low(bytes)),
                         .estimate = whole(bytes * rule.code.scale.estimate),
                         .upper = whole(rule.code_high(bytes))};
    result.flash_code_standing = rule.code.standing;
    if (rule.code.standing == Standing::assumed)
        result.notes.emplace_back("flash: the size of kernels and runtime is assumed, not measured for this engine");
}

}  // namespace gonogo::costing
