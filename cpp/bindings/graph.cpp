// Graph, GraphBuilder and Quantization for Python.
#include <cstring>
#include <optional>

#include <pybind11/native_enum.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "gonogo/error.hpp"
#include "gonogo/ir/graph_builder.hpp"
#include "gonogo/ir/tape.hpp"
#include "gonogo/ops/record.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
using namespace gonogo;

namespace {

DType dtype_named(const std::string& name) {
    for (const DType t :
         {DType::float32, DType::int8, DType::uint8, DType::int16, DType::int32, DType::int64, DType::boolean}) {
        if (name == name_of(t)) return t;
    }
    throw UnsupportedTypeError("element type '" + name +
                               "' isn't supported; known: float32, int8, uint8, int16, int32, int64, bool");
}

std::vector<Expr> expressions(const std::vector<std::int64_t>& shape) {
    return {shape.begin(), shape.end()};
}

struct TensorInfo {
    std::string name;
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::optional<Quantization> quantization;
    bool is_constant;
};

struct NodeInfo {
    std::string name;
    std::string op;
    std::vector<std::string> inputs;
    std::vector<std::string> outputs;
    Attributes attributes;
};

TensorInfo info(const Tensor& t) {
    return {t.name, std::string(t.type_name()), t.dims, t.quantization, t.is_constant};
}

NodeInfo info(const Graph& g, const Node& n) {
    NodeInfo out{n.name, std::string(n.op->name), {}, {}, n.attributes};
    for (const TensorId t : n.inputs) out.inputs.push_back(t == absent ? "" : g.tensor(t).name);
    for (const TensorId t : n.outputs) out.outputs.push_back(g.tensor(t).name);
    return out;
}

std::vector<std::string> names(const Graph& g, const std::vector<TensorId>& ids) {
    std::vector<std::string> out;
    for (const TensorId t : ids) out.push_back(g.tensor(t).name);
    return out;
}

TensorId add_constant(GraphBuilder& b, std::string name, const py::array& values, std::optional<Quantization> q) {
    const std::string dtype = py::str(values.dtype());
    if ((values.flags() & py::array::c_style) == 0) {
        throw py::value_error("constant '" + name +
                              "': expected a C-contiguous array; numpy.ascontiguousarray makes one");
    }
    Shape shape;
    for (py::ssize_t d = 0; d < values.ndim(); ++d) shape.push_back(values.shape(d));
    std::vector<std::byte> bytes(static_cast<std::size_t>(values.nbytes()));
    if (!bytes.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    return b.constant(std::move(name), dtype_named(dtype), std::move(shape), std::move(bytes), std::move(q));
}

}  // namespace

void register_graph(py::module_& m) {
    py::class_<Quantization>(m, "Quantization",
                             "real = (q - zero_point) * scale, per tensor, along one axis or per block.")
        .def(py::init(
                 [](const py::object& scales, const py::object& zero_points, std::int64_t axis, std::int64_t block) {
                     const auto s = bindings::take<float>(scales, "scales");
                     const auto z = bindings::take<std::int32_t>(zero_points, "zero_points");
                     return Quantization{
                         {s.values.begin(), s.values.end()}, {z.values.begin(), z.values.end()}, axis, block};
                 }),
             py::arg("scales"), py::arg("zero_points"), py::arg("axis") = 0, py::arg("block") = 0,
             "Scales (float32[k]) and zero points (int32[k] or int32[1]); k = 1, or the length of dimension `axis`.\n"
             "With `block` > 0: one per block of so many values along `axis`, row-major; constants only.")
        .def_property_readonly("scales",
                               [](const Quantization& q) { return bindings::give(std::vector<float>(q.scales)); })
        .def_property_readonly(
            "zero_points",
            [](const Quantization& q) { return bindings::give(std::vector<std::int32_t>(q.zero_points)); })
        .def_readonly("axis", &Quantization::axis)
        .def_readonly("block", &Quantization::block);

    py::class_<Expr>(m, "Expr", "An integer expression in hyper-parameters; conditions are 0 or 1.")
        .def(py::init<std::int64_t>())
        .def_static("symbol", &Expr::symbol)
        .def_property_readonly("value",
                               [](const Expr& e) -> std::optional<std::int64_t> {
                                   return e.is_constant() ? std::optional(e.constant()) : std::nullopt;
                               })
        .def_property_readonly("symbols", &Expr::symbols)
        .def("__str__", &Expr::text)
        .def("__add__", [](const Expr& a, const Expr& b) { return a + b; })
        .def("__sub__", [](const Expr& a, const Expr& b) { return a - b; })
        .def("__mul__", [](const Expr& a, const Expr& b) { return a * b; })
        .def("floor_div", [](const Expr& a, const Expr& b) { return floor_div(a, b); })
        .def("ceil_div", [](const Expr& a, const Expr& b) { return ceil_div(a, b); })
        .def("max", [](const Expr& a, const Expr& b) { return max(a, b); })
        .def("min", [](const Expr& a, const Expr& b) { return min(a, b); })
        .def("less", [](const Expr& a, const Expr& b) { return less(a, b); })
        .def("equal", [](const Expr& a, const Expr& b) { return equal(a, b); })
        .def("select", [](const Expr& c, const Expr& a, const Expr& b) { return select(c, a, b); })
        .def(
            "range",
            [](const Expr& e, const std::vector<std::tuple<std::string, double, double>>& symbols) {
                std::vector<TapeVariable> variables;
                for (const auto& [name, lo, hi] : symbols) variables.push_back({name, {lo, hi}});
                TapeBuilder builder(std::move(variables));
                const TapeRange r = builder.range(builder.integer(e));
                return std::pair(static_cast<std::int64_t>(r.lo), static_cast<std::int64_t>(r.hi));
            },
            "Least and greatest value over ranges of the symbols; the range may be too wide, never too narrow.");
    py::implicitly_convertible<std::int64_t, Expr>();

    py::class_<TensorInfo>(m, "TensorInfo", "Name, element type, shape and quantisation of one tensor.")
        .def_readonly("name", &TensorInfo::name)
        .def_readonly("dtype", &TensorInfo::dtype)
        .def_readonly("shape", &TensorInfo::shape)
        .def_readonly("quantization", &TensorInfo::quantization)
        .def_readonly("is_constant", &TensorInfo::is_constant);

    py::class_<NodeInfo>(m, "NodeInfo", "Name, operator, tensors and attributes of one node.")
        .def_readonly("name", &NodeInfo::name)
        .def_readonly("op", &NodeInfo::op)
        .def_readonly("inputs", &NodeInfo::inputs)
        .def_readonly("outputs", &NodeInfo::outputs)
        .def_readonly("attributes", &NodeInfo::attributes);

    py::class_<Graph, py::smart_holder>(m, "Graph", "An immutable, validated network.")
        .def_readonly("source", &Graph::source)
        .def_readonly("format", &Graph::format)
        .def_readonly("file_bytes", &Graph::file_bytes)
        .def_readonly("sha256", &Graph::sha256)
        .def_property_readonly("inputs", [](const Graph& g) { return names(g, g.inputs); })
        .def_property_readonly("outputs", [](const Graph& g) { return names(g, g.outputs); })
        .def_property_readonly("tensor_names",
                               [](const Graph& g) {
                                   std::vector<std::string> out;
                                   for (const Tensor& t : g.tensors) out.push_back(t.name);
                                   return out;
                               })
        .def_property_readonly("nodes",
                               [](const Graph& g) {
                                   std::vector<NodeInfo> out;
                                   for (const Node& n : g.nodes) out.push_back(info(g, n));
                                   return out;
                               })
        .def(
            "tensor", [](const Graph& g, const std::string& name) { return info(g.tensor(g.find(name))); },
            py::arg("name"), "The tensor of that name; ModelError, with the nearest names, if there is none.")
        .def("__repr__", [](const Graph& g) {
            return "<gonogo.Graph '" + g.source + "': " + std::to_string(g.nodes.size()) + " nodes>";
        });

    py::class_<GraphBuilder>(m, "GraphBuilder", "Makes a Graph, checking every step; see the loaders for its use.")
        .def(py::init<std::string, std::string>(), py::arg("source"), py::arg("format"))
        .def("set_file", &GraphBuilder::set_file, py::arg("file_bytes"), py::arg("sha256"))
        .def(
            "input",
            [](GraphBuilder& b, std::string name, const std::vector<std::int64_t>& shape, const std::string& dtype,
               std::optional<Quantization> q) {
                return b.input(std::move(name), expressions(shape), dtype_named(dtype), std::move(q));
            },
            py::arg("name"), py::arg("shape"), py::arg("dtype"), py::arg("quantization") = py::none())
        .def("constant", &add_constant, py::arg("name"), py::arg("values"), py::arg("quantization") = py::none())
        .def(
            "constant_without_values",
            [](GraphBuilder& b, std::string name, const std::vector<std::int64_t>& shape, const std::string& dtype,
               std::optional<Quantization> q) {
                return b.constant_without_values(std::move(name), dtype_named(dtype), shape, std::move(q));
            },
            py::arg("name"), py::arg("shape"), py::arg("dtype"), py::arg("quantization") = py::none())
        .def(
            "activation",
            [](GraphBuilder& b, std::string name, const std::optional<std::vector<std::int64_t>>& shape,
               const std::string& dtype, std::optional<Quantization> q) {
                std::optional<std::vector<Expr>> symbolic;
                if (shape) symbolic = expressions(*shape);
                return b.activation(std::move(name), std::move(symbolic), dtype_named(dtype), std::move(q));
            },
            py::arg("name"), py::arg("shape"), py::arg("dtype"), py::arg("quantization") = py::none())
        .def("symbolic_input",
             [](GraphBuilder& b, std::string name, std::vector<Expr> shape, const Expr& wide) {
                 const bool is_float = wide.is_constant() && wide.constant() != 0;
                 const std::optional<Quantization> q =
                     is_float ? std::nullopt : std::optional<Quantization>(Quantization{{1.0F}, {0}});
                 const TensorId t =
                     b.input(std::move(name), std::move(shape), is_float ? DType::float32 : DType::int8, q);
                 if (!is_float) b.set_wide(t, wide);
                 return t;
             })
        .def("symbolic_activation",
             [](GraphBuilder& b, std::string name, const Expr& wide) {
                 const bool is_float = wide.is_constant() && wide.constant() != 0;
                 const std::optional<Quantization> q =
                     is_float ? std::nullopt : std::optional<Quantization>(Quantization{{1.0F}, {0}});
                 const TensorId t = b.activation(std::move(name), {}, is_float ? DType::float32 : DType::int8, q);
                 if (!is_float) b.set_wide(t, wide);
                 return t;
             })
        .def("parameters",
             [](GraphBuilder& b, std::string name, const std::string& dtype, std::vector<Expr> shape, Expr wide,
                Expr scales) {
                 return b.parameters(std::move(name), dtype_named(dtype), std::move(shape), std::move(wide),
                                     std::move(scales));
             })
        .def("merge", &GraphBuilder::merge)
        .def("set_active", &GraphBuilder::set_active)
        .def("shape", &GraphBuilder::shape_of)
        .def("set_packed_int4", &GraphBuilder::set_packed_int4, py::arg("tensor"),
             "Says that an int8 constant is stored as int4, two values per byte.")
        .def("set_known_value", &GraphBuilder::set_known_value, py::arg("tensor"), py::arg("values"))
        .def("node", &GraphBuilder::node, py::arg("op"), py::arg("name"), py::arg("inputs"), py::arg("outputs"),
             py::arg("attributes") = Attributes{})
        .def("output", &GraphBuilder::output, py::arg("tensor"))
        .def("build", [](GraphBuilder& b) { return std::const_pointer_cast<Graph>(b.build()); });

    m.def(
        "operators",
        [] {
            py::list rows;
            for (const OperatorRecord* r : all_operators()) {
                py::dict row;
                row["name"] = r->name;
                row["summary"] = r->summary;
                row["onnx"] = r->onnx;
                row["tflite"] = r->tflite;
                row["real"] = r->real != nullptr;
                for (const Profile p : concrete_profiles)
                    row[py::str(std::string(name_of(p)))] = r->int8.of(p) != nullptr;
                row["int16"] = r->int16.of(Profile::any) != nullptr;
                row["joint"] = r->joint != JointKind::none;
                rows.append(row);
            }
            return rows;
        },
        "One row per operator record, for the generated documentation.");
}
