#include "ir/node_checks.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace gonogo {

namespace {

bool fits(AttributeKind kind, const Attribute& value) {
    switch (kind) {
        case AttributeKind::integer:
            return std::holds_alternative<std::int64_t>(value);
        case AttributeKind::number:
            return std::holds_alternative<double>(value);
        case AttributeKind::text:
            return std::holds_alternative<std::string>(value);
        case AttributeKind::integers:
            return std::holds_alternative<std::vector<std::int64_t>>(value) ||
                   std::holds_alternative<std::vector<Expr>>(value);
    }
    return false;
}

const char* name_of(AttributeKind kind) {
    switch (kind) {
        case AttributeKind::integer:
            return "an integer";
        case AttributeKind::number:
            return "a number";
        case AttributeKind::text:
            return "a text";
        case AttributeKind::integers:
            return "a list of integers";
    }
    return "?";
}

bool has_weights(const OperatorRecord& op) {
    return op.name == "dense" || op.name == "conv2d" || op.name == "depthwise_conv2d" || op.name == "batch_norm";
}

}  // namespace

void complete_attributes(const std::string& where, const OperatorRecord& record, Attributes& attributes) {
    for (auto& [key, value] : attributes) {
        const auto spec = std::find_if(record.attributes.begin(), record.attributes.end(),
                                       [&key = key](const AttributeSpec& s) { return s.name == key; });
        if (spec == record.attributes.end()) throw ModelError(where + ": unknown attribute '" + key + "'");
        if (spec->kind == AttributeKind::number && std::holds_alternative<std::int64_t>(value)) {
            value = static_cast<double>(std::get<std::int64_t>(value));
        }
        if (!fits(spec->kind, value))
            throw ModelError(where + ": attribute '" + key + "' must be " + name_of(spec->kind));
        if (spec->kind == AttributeKind::number && std::isnan(std::get<double>(value))) {
            throw ModelError(where + ": attribute '" + key + "' is NaN");
        }
        if (spec->kind == AttributeKind::number) {
            // Both formats store float32, and so do the devices: one value for the real and the integer semantics.
            double& number = std::get<double>(value);
            if (std::isfinite(number) && std::fabs(number) > static_cast<double>(std::numeric_limits<float>::max())) {
                throw ModelError(where + ": attribute '" + key + "' leaves the range of float32");
            }
            number = static_cast<double>(static_cast<float>(number));
        }
        if (!spec->choices.empty()) {
            const std::string& text = std::get<std::string>(value);
            if (std::find(spec->choices.begin(), spec->choices.end(), text) == spec->choices.end()) {
                throw UnsupportedOperatorError(where + ": attribute '" + key + "' = '" + text + "' isn't supported");
            }
        }
    }
    for (const AttributeSpec& spec : record.attributes) {
        if (attributes.find(spec.name) != attributes.end()) continue;
        if (spec.required) throw ModelError(where + ": attribute '" + std::string(spec.name) + "' is missing");
        attributes.emplace(spec.name, spec.fallback);
    }
}

void check_constant_inputs(const NodeView& view) {
    // Engines follow values from the model's inputs; what depends on constants alone is the loader's to fold.
    if (view.op().real != nullptr) {
        const std::string_view op = view.op().name;
        const bool many = op == "add" || op == "sub" || op == "mul" || op == "concat";
        bool follows = false;
        for (std::size_t i = 0; i < (many ? view.input_count() : 1); ++i) {
            follows = follows || (view.has_input(i) && !view.input(i).is_constant);
        }
        if (!follows) {
            throw UnsupportedOperatorError(
                view.message("it has constant inputs only; fold it into a constant and export the model again"));
        }
    }
    if (!has_weights(view.op())) return;
    for (std::size_t i = 1; i < view.input_count(); ++i) {
        if (view.has_input(i) && !view.input(i).is_constant) {
            throw UnsupportedOperatorError(view.message("weights computed at run time (input " + std::to_string(i) +
                                                        " isn't a constant) aren't supported"));
        }
    }
}

void check_node_types(const NodeView& view) {
    const std::string_view op = view.op().name;
    if (view.op().real == nullptr) return;
    const Tensor& out = view.output();
    for (const Tensor* t : {&view.input(0), &out}) {
        if (!t->symbolic && t->elements() == 0) {
            throw ShapeError(view.message("tensor '" + t->name + "' has no elements: shape " + to_string(t->dims)));
        }
    }
    if (op == "quantize" || op == "dequantize" || op == "argmax") return;
    const auto same_class = [&](const Tensor& t) {
        return (t.dtype == DType::float32) == (out.dtype == DType::float32);
    };
    if (out.dtype != DType::float32 && !out.is_quantized()) {
        if (out.known_value) return;
        if (op == "reshape" || op == "strided_slice" || op == "concat" || op == "transpose" || op == "identity") return;
        throw UnsupportedTypeError(view.message("output has element type " + std::string(name_of(out.dtype)) +
                                                " without quantisation parameters"));
    }
    for (std::size_t i = 0; i < view.input_count(); ++i) {
        if (!view.has_input(i)) continue;
        const Tensor& t = view.input(i);
        // Float arithmetic on stored integer weights: the real network is well defined; only the device's isn't.
        if (i == 1 && has_weights(view.op()) && out.dtype == DType::float32 && t.is_quantized()) continue;
        if (i > 0 && t.dtype != DType::float32 && !t.is_quantized()) continue;  // shapes, paddings, plain int32 biases
        if (!same_class(t)) {
            throw UnsupportedTypeError(view.message(
                "input " + std::to_string(i) + " is " + std::string(name_of(t.dtype)) + " while the output is " +
                std::string(name_of(out.dtype)) + "; hybrid arithmetic isn't supported"));
        }
    }
}

}  // namespace gonogo
