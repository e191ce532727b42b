#include "gonogo/ir/graph_builder.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <unordered_set>

#include "gonogo/error.hpp"
#include "gonogo/ops/record.hpp"

#include "ir/node_checks.hpp"

namespace gonogo {

namespace {

constexpr std::size_t most_dimensions = 8;
constexpr float largest_scale = 0x1p100F;
constexpr std::int64_t most_elements = std::int64_t{1} << 31;

std::string quoted(const Tensor& t) {
    return "tensor '" + t.name + "'";
}

void check_quantization(const std::string& source, const Tensor& t) {
    if (!t.quantization) return;
    const Quantization& q = *t.quantization;
    const std::string where = source + ": " + quoted(t) + ": ";
    if (q.scales.empty() || q.zero_points.empty())
        throw QuantizationError(where + "quantisation without a scale or zero point");
    if (q.zero_points.size() != 1 && q.zero_points.size() != q.scales.size()) {
        throw QuantizationError(where + std::to_string(q.scales.size()) + " scales but " +
                                std::to_string(q.zero_points.size()) + " zero points");
    }
    for (const float s : q.scales) {
        if (!std::isfinite(s) || (s <= 0.0F && !q.blocked())) {
            throw QuantizationError(where + "a scale is zero, negative or not finite; quantise the model again");
        }
        if (std::fabs(s) > largest_scale) {
            throw QuantizationError(where +
                                    "a scale exceeds 2^100: dequantised values would leave the range of float32");
        }
    }
    std::int64_t lo = 0;
    std::int64_t hi = 0;
    switch (t.dtype) {
        case DType::int8:
            lo = -128, hi = 127;
            break;
        case DType::uint8:
            lo = 0, hi = 255;
            break;
        case DType::int16:
            lo = -32768, hi = 32767;
            break;
        case DType::int32:
        case DType::int64:  // biases
            lo = std::numeric_limits<std::int32_t>::min(), hi = std::numeric_limits<std::int32_t>::max();
            break;
        default:
            throw UnsupportedTypeError(where + "quantisation parameters on element type " +
                                       std::string(name_of(t.dtype)));
    }
    for (const std::int32_t z : q.zero_points) {
        if (z < lo || z > hi) {
            throw QuantizationError(where + "zero point " + std::to_string(z) + " lies outside the range of " +
                                    std::string(name_of(t.dtype)));
        }
    }
    if (q.block < 0) throw QuantizationError(where + "blocks of " + std::to_string(q.block) + " values");
    if (q.blocked() && !t.is_constant) {
        throw QuantizationError(where + "scales per block of an activation; only constants can have them");
    }
    if (q.blocked()) {
        if (q.axis < 0 || q.axis >= static_cast<std::int64_t>(t.dims.size()) ||
            QuantizationEntries(q, t.dims).count() != static_cast<std::int64_t>(q.scales.size())) {
            throw QuantizationError(where + std::to_string(q.scales.size()) + " scales for blocks of " +
                                    std::to_string(q.block) + " along axis " + std::to_string(q.axis) +
                                    " don't fit shape " + to_string(t.dims));
        }
    } else if (!q.per_tensor()) {
        if (t.symbolic || q.axis < 0 || q.axis >= static_cast<std::int64_t>(t.dims.size()) ||
            t.dims[static_cast<std::size_t>(q.axis)] != static_cast<std::int64_t>(q.scales.size())) {
            throw QuantizationError(where + std::to_string(q.scales.size()) + " scales along axis " +
                                    std::to_string(q.axis) + " don't fit shape " + to_string(t.dims));
        }
    }
}

void set_shape(const std::string& source, Tensor& t, std::vector<Expr> shape) {
    if (shape.size() > most_dimensions) throw ShapeError(source + ": " + quoted(t) + ": more than 8 dimensions");
    t.shape = std::move(shape);
    t.symbolic = std::any_of(t.shape.begin(), t.shape.end(), [](const Expr& e) { return !e.is_constant(); });
    t.dims.clear();
    if (t.symbolic) return;
    for (const Expr& e : t.shape) t.dims.push_back(e.constant());
    for (const std::int64_t d : t.dims) {
        if (d < 0) throw ShapeError(source + ": " + quoted(t) + ": negative dimension in " + to_string(t.dims));
    }
    // Bounded factor by factor: the product of hostile dimensions may not even fit an integer.
    std::int64_t elements = 1;
    for (const std::int64_t d : t.dims) {
        if (d > 0 && elements > most_elements / d) {
            throw ShapeError(source + ": " + quoted(t) + ": shape " + to_string(t.dims) +
                             " has more than 2^31 elements");
        }
        elements *= d;
    }
}

std::vector<Expr> expressions(const Shape& shape) {
    return {shape.begin(), shape.end()};
}

}  // namespace

GraphBuilder::GraphBuilder(std::string source, std::string format) : graph_(std::make_unique<Graph>()) {
    graph_->source = std::move(source);
    graph_->format = std::move(format);
}

void GraphBuilder::set_file(std::int64_t file_bytes, std::string sha256) {
    open().file_bytes = file_bytes;
    graph_->sha256 = std::move(sha256);
}

Graph& GraphBuilder::open() {
    if (!graph_) throw ModelError("the builder is empty: build() was called already");
    return *graph_;
}

Tensor& GraphBuilder::at(TensorId id, const char* what) {
    if (id < 0 || static_cast<std::size_t>(id) >= open().tensors.size()) {
        throw ModelError(open().source + ": " + what + " " + std::to_string(id) + " is no tensor of this model");
    }
    return graph_->tensors[static_cast<std::size_t>(id)];
}

TensorId GraphBuilder::add(Tensor tensor) {
    check_quantization(open().source, tensor);
    graph_->tensors.push_back(std::move(tensor));
    return static_cast<TensorId>(graph_->tensors.size() - 1);
}

TensorId GraphBuilder::input(std::string name, std::vector<Expr> shape, DType dtype,
                             std::optional<Quantization> quantization) {
    Tensor t;
    t.name = std::move(name);
    t.dtype = dtype;
    t.quantization = std::move(quantization);
    set_shape(open().source, t, std::move(shape));
    const TensorId id = add(std::move(t));
    graph_->inputs.push_back(id);
    return id;
}

TensorId GraphBuilder::constant(std::string name, DType dtype, Shape shape, std::vector<std::byte> bytes,
                                std::optional<Quantization> quantization) {
    const TensorId id = constant_without_values(std::move(name), dtype, std::move(shape), std::move(quantization));
    Tensor& t = graph_->tensors[static_cast<std::size_t>(id)];
    if (static_cast<std::int64_t>(bytes.size()) != t.bytes()) {
        throw ModelError(open().source + ": " + quoted(t) + ": " + std::to_string(bytes.size()) +
                         " bytes of data for shape " + to_string(t.dims) + " of " + std::string(name_of(dtype)));
    }
    t.data = std::move(bytes);
    t.has_values = true;
    if (dtype == DType::float32) {
        for (const float v : t.values<float>()) {
            if (!std::isfinite(v)) {
                throw ModelError(open().source + ": " + quoted(t) +
                                 ": a constant is NaN or infinite; no bound exists for such a model");
            }
        }
    }
    return id;
}

void GraphBuilder::set_packed_int4(TensorId tensor) {
    Tensor& t = at(tensor, "int4 constant");
    const std::string where = open().source + ": " + quoted(t) + ": ";
    if (!t.is_constant || t.dtype != DType::int8) {
        throw UnsupportedTypeError(where + "only constants with int8 values can be stored as int4");
    }
    const auto check = [&](std::int64_t v, const char* what) {
        if (v < -8 || v > 7) {
            throw QuantizationError(where + what + " " + std::to_string(v) +
                                    " lies outside the range of int4, -8 to 7");
        }
    };
    for (const std::int8_t v : t.values<std::int8_t>()) check(v, "value");
    if (t.quantization) {
        for (const std::int32_t z : t.quantization->zero_points) check(z, "zero point");
    }
    t.packed_int4 = true;
}

TensorId GraphBuilder::constant_without_values(std::string name, DType dtype, Shape shape,
                                               std::optional<Quantization> quantization) {
    Tensor t;
    t.name = std::move(name);
    t.dtype = dtype;
    t.is_constant = true;
    t.quantization = std::move(quantization);
    set_shape(open().source, t, expressions(shape));
    return add(std::move(t));
}

TensorId GraphBuilder::activation(std::string name, std::optional<std::vector<Expr>> shape, DType dtype,
                                  std::optional<Quantization> quantization) {
    Tensor t;
    t.name = std::move(name);
    t.dtype = dtype;
    t.quantization = std::move(quantization);
    t.producer = pending_producer;
    if (shape) {
        set_shape(open().source, t, std::move(*shape));
    } else {
        t.symbolic = true;  // until node() fills the shape in
    }
    return add(std::move(t));
}

TensorId GraphBuilder::parameters(std::string name, DType dtype, std::vector<Expr> shape, Expr wide, Expr scale_count) {
    Tensor t;
    t.name = std::move(name);
    t.dtype = dtype;
    t.is_constant = true;
    t.wide = std::move(wide);
    t.scale_count = std::move(scale_count);
    if (dtype == DType::int8) t.quantization = Quantization{{1.0F}, {0}};
    set_shape(open().source, t, std::move(shape));
    return add(std::move(t));
}

void GraphBuilder::set_wide(TensorId tensor, Expr wide) {
    Tensor& t = at(tensor, "storage of tensor");
    if (t.dtype != DType::int8)
        throw UnsupportedTypeError(open().source + ": " + quoted(t) + ": only int8 tensors can be float32 instead");
    t.wide = std::move(wide);
}

TensorId GraphBuilder::merge(std::string name, const Expr& condition, TensorId yes, TensorId no) {
    const Tensor& a = at(yes, "merged tensor");
    const Tensor& b = at(no, "merged tensor");
    if (a.shape.size() != b.shape.size()) {
        throw ShapeError(open().source + ": " + quoted(a) + " with " + std::to_string(a.shape.size()) +
                         " dimensions can't stand for " + quoted(b) + " with " + std::to_string(b.shape.size()) +
                         ": where a layer is left out, its input takes the place of its output");
    }
    std::vector<Expr> shape;
    for (std::size_t d = 0; d < a.shape.size(); ++d) shape.push_back(select(condition, a.shape[d], b.shape[d]));
    Tensor t;
    t.name = std::move(name);
    t.dtype = a.dtype;
    t.wide = select(condition, a.wide, b.wide);
    t.quantization = a.quantization;
    t.merge = Merge{condition, yes, no};
    set_shape(graph_->source, t, std::move(shape));
    return add(std::move(t));
}

const std::vector<Expr>& GraphBuilder::shape_of(TensorId tensor) {
    return at(tensor, "tensor").shape;
}

void GraphBuilder::set_active(Expr condition) {
    active_ = std::move(condition);
}

void GraphBuilder::set_known_value(TensorId tensor, std::vector<std::int64_t> values) {
    Tensor& t = at(tensor, "known value for tensor");
    if (!t.symbolic && element_count(t.dims) != static_cast<std::int64_t>(values.size())) {
        throw ModelError(open().source + ": " + quoted(t) + ": " + std::to_string(values.size()) +
                         " known values for shape " + to_string(t.dims));
    }
    t.known_value = std::move(values);
}

NodeId GraphBuilder::node(const std::string& op, std::string name, std::vector<TensorId> inputs,
                          std::vector<TensorId> outputs, Attributes attributes) {
    Graph& g = open();
    const auto id = static_cast<NodeId>(g.nodes.size());
    const OperatorRecord* record = find_operator(op);
    Node n;
    n.name = std::move(name);
    n.op = record;
    n.inputs = std::move(inputs);
    n.outputs = std::move(outputs);
    n.attributes = std::move(attributes);
    n.active = active_;
    g.nodes.push_back(std::move(n));
    const std::string where = g.where(id);
    if (record == nullptr) throw UnsupportedOperatorError(where + ": there is no operator '" + op + "'");
    Node& self = g.nodes.back();
    complete_attributes(where, *record, self.attributes);
    const auto given = static_cast<int>(self.inputs.size());
    if (given < record->min_inputs || given > record->max_inputs) {
        throw ModelError(where + ": " + std::to_string(given) + " inputs; this operator takes " +
                         std::to_string(record->min_inputs) + " to " + std::to_string(record->max_inputs));
    }
    if (self.outputs.empty() || (record->outputs > 0 && static_cast<int>(self.outputs.size()) != record->outputs)) {
        throw ModelError(where + ": " + std::to_string(self.outputs.size()) + " outputs; this operator has " +
                         std::to_string(record->outputs));
    }
    for (std::size_t i = 0; i < self.inputs.size(); ++i) {
        const TensorId t = self.inputs[i];
        if (t == absent) {
            if (static_cast<int>(i) < record->min_inputs)
                throw ModelError(where + ": input " + std::to_string(i) + " is missing");
            continue;
        }
        Tensor& tensor = at(t, "input");
        if (tensor.producer == pending_producer) {
            throw ModelError(where + ": input " + quoted(tensor) +
                             " isn't computed by an earlier node; nodes must be in execution order");
        }
        if (tensor.consumers.empty() || tensor.consumers.back() != id) tensor.consumers.push_back(id);
    }
    for (const TensorId t : self.outputs) {
        Tensor& tensor = at(t, "output");
        if (tensor.producer != pending_producer) {
            throw ModelError(where + ": output " + quoted(tensor) +
                             " is a constant, an input, or computed by another node already");
        }
        tensor.producer = id;
    }
    const NodeView view(g, id, &g.requirements);
    check_constant_inputs(view);
    if (record->shape != nullptr) {
        const std::vector<SymbolicShape> shapes = record->shape(view);
        for (std::size_t i = 0; i < shapes.size() && i < self.outputs.size(); ++i) {
            Tensor& out = at(self.outputs[i], "output");
            if (out.symbolic && out.shape.empty()) {
                set_shape(g.source, out, shapes[i]);
                check_quantization(g.source, out);
                continue;
            }
            Tensor ruled;
            ruled.name = out.name;
            set_shape(g.source, ruled, shapes[i]);
            if (!ruled.symbolic && !out.symbolic && ruled.dims != out.dims) {
                throw ShapeError(where + ": the file says that output " + quoted(out) + " has shape " +
                                 to_string(out.dims) + ", its inputs give " + to_string(ruled.dims));
            }
        }
    } else if (at(self.outputs[0], "output").symbolic) {
        throw ShapeError(where + ": the shape of the output must be given for this operator");
    }
    check_node_types(view);
    return id;
}

void GraphBuilder::output(TensorId tensor) {
    Tensor& t = at(tensor, "graph output");
    if (t.producer == pending_producer)
        throw ModelError(open().source + ": graph output " + quoted(t) + " is computed by no node");
    graph_->outputs.push_back(tensor);
}

std::shared_ptr<const Graph> GraphBuilder::build() {
    Graph& g = open();
    if (g.inputs.empty()) throw ModelError(g.source + ": the model has no input");
    if (g.outputs.empty()) throw ModelError(g.source + ": the model has no output");
    for (const Tensor& t : g.tensors) {
        if (t.producer == pending_producer && !t.consumers.empty()) {
            throw ModelError(g.source + ": " + quoted(t) + " is read but never computed");
        }
    }
    std::unordered_set<std::string> names;
    for (std::size_t i = 0; i < g.tensors.size(); ++i) {
        // Names are how users ask for tensors, so each must stand for one tensor only.
        std::string& name = g.tensors[i].name;
        if (name.empty()) name = "tensor_" + std::to_string(i);
        if (!names.insert(name).second) {
            name += "#" + std::to_string(i);
            names.insert(name);
        }
        if (g.tensors[i].producer == pending_producer) g.tensors[i].producer = -1;
    }
    return std::shared_ptr<const Graph>(graph_.release());
}

}  // namespace gonogo
