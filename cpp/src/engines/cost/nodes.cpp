// Reading a node's geometry once, in the terms that the cost rules use.
#include "gonogo/ops/record.hpp"

#include "engines/cost/model.hpp"
#include "ops/common.hpp"

namespace gonogo::costing {

namespace {

bool is_float(const Tensor& t) {
    return t.dtype == DType::float32;
}

// Devices hold 8-bit activations as int8; a file of another format may hold them as uint8, which a converter shifts.
bool is_byte(const Tensor& t, bool tflite) {
    return t.dtype == DType::int8 || (t.dtype == DType::uint8 && !tflite);
}

bool computes(std::string_view op) {
    return op != "quantize" && op != "dequantize" && op != "shape" && op != "pack" && op != "reshape" &&
           op != "concat" && op != "transpose" && op != "pad" && op != "strided_slice" && op != "argmax" &&
           op != "identity";
}

std::string problem_of(const NodeView& view, const NodeFacts& facts) {
    const std::string_view op = view.op().name;
    if (facts.kernel == nullptr || !facts.kernel->in_tflm) {
        return view.message("TensorFlow Lite Micro has no kernel for it");
    }
    const Tensor& x = view.input(0);
    const bool tflite = view.graph().format == "tflite";
    if (computes(op) && !is_float(x) && !is_byte(x, tflite) && x.dtype != DType::int32) {
        return view.message("element type " + std::string(name_of(x.dtype)) + " isn't modelled; quantise to int8");
    }
    const bool weighted =
        facts.family == Family::conv || facts.family == Family::depthwise || facts.family == Family::dense;
    if (weighted && view.input(1).packed_int4) {
        return view.message("kernels with int4 weights aren't modelled: how they unpack '" + view.input(1).name +
                            "' decides their scratch memory and time");
    }
    if (weighted && is_float(x) != is_float(view.input(1))) {
        return view.message("TensorFlow Lite Micro doesn't mix float inputs with integer weights");
    }
    return {};
}

Family family_of(std::string_view op) {
    if (op == "conv2d") return Family::conv;
    if (op == "depthwise_conv2d") return Family::depthwise;
    if (op == "dense") return Family::dense;
    if (op == "max_pool2d" || op == "average_pool2d") return Family::pool;
    if (op == "mean" || op == "reduce_max" || op == "global_average_pool") return Family::reduce;
    return Family::other;
}

Expr rows_of(const SymbolicShape& shape) {
    Expr rows = 1;
    for (std::size_t i = 0; i + 2 < shape.size(); ++i) rows = rows * shape[i];
    return rows;
}

}  // namespace

NodeFacts read_node(const NodeView& view) {
    const Graph& graph = view.graph();
    NodeFacts facts;
    const std::string_view op = view.op().name;
    if (op == "lstm" || op == "svdf") {
        throw UnsupportedOperatorError(view.message("the cost engine has no rules for recurrent operators"));
    }
    if (!view.has_input(0) || view.node().outputs.empty() || view.node().outputs[0] == absent) {
        throw ModelError(view.message("it has no input or no output"));
    }
    const Tensor& x = view.input(0);
    const auto floats = [](const Tensor& t) { return is_float(t) ? Expr(1) : t.wide; };
    facts.kernel = kernel_facts(op);
    facts.family = family_of(op);
    facts.active = view.node().active;
    facts.inputs = count(x.shape);
    facts.outputs = count(view.output().shape);
    facts.rows = rows_of(view.output().shape);
    facts.rank = static_cast<std::int64_t>(x.shape.size());
    facts.quantized = is_byte(x, graph.format == "tflite") ? Expr(1) - x.wide : Expr(0);
    facts.computes_float = max(floats(x), floats(view.output()));
    switch (facts.family) {
        case Family::conv:
        case Family::depthwise:
        case Family::pool:
            facts.window = symbolic_window_of(view);
            facts.channels = facts.window.out_c;
            if (facts.family == Family::conv) facts.groups = view.integer("groups");
            break;
        case Family::dense:
            facts.channels = view.input(1).shape.at(0);
            facts.terms = view.input(1).shape.at(1);
            facts.scales = scales_of(view.input(1));
            break;
        case Family::reduce:
            facts.axes = view.has("axes") ? static_cast<std::int64_t>(view.integers("axes").size()) : 2;
            break;
        case Family::other:
            break;
    }
    if (facts.family == Family::conv || facts.family == Family::depthwise || facts.family == Family::dense)
        facts.coded = coded_bytes(view.input(1));
    facts.problem = problem_of(view, facts);
    facts.timings = timings_of(facts);
    facts.factors = factors_of(facts);
    return facts;
}

}  // namespace gonogo::costing
