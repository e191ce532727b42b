// Semantics and the bound and error engines for Python. Conversion and the GIL only; no arithmetic.
#include <map>
#include <optional>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "gonogo/engines/bounds.hpp"
#include "gonogo/engines/error.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/semantics/box.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "semantics.hpp"

namespace py = pybind11;
using namespace gonogo;

namespace {

using GraphPointer = std::shared_ptr<const Graph>;
using Doubles = py::array_t<double>;

Method method_named(const std::string& name) {
    if (name == "interval") return Method::interval;
    if (name == "linear") return Method::linear;
    if (name == "optimised") return Method::optimised;
    throw py::value_error("there is no method '" + name + "'; known: interval, linear");
}

std::vector<IntervalTensor> take_box(const Graph& graph, const std::vector<py::object>& lo,
                                     const std::vector<py::object>& hi) {
    if (lo.size() != hi.size() || lo.size() != graph.inputs.size()) {
        throw BoxError(graph.source + ": the box has " + std::to_string(lo.size()) + " lower and " +
                       std::to_string(hi.size()) + " upper tensors, the model has " +
                       std::to_string(graph.inputs.size()) + " inputs");
    }
    std::vector<IntervalTensor> box;
    for (std::size_t k = 0; k < lo.size(); ++k) {
        const Tensor& t = graph.tensor(graph.inputs[k]);
        const auto low = bindings::take<double>(lo[k], "lo");
        const auto high = bindings::take<double>(hi[k], "hi");
        if (low.shape != t.dims || high.shape != t.dims) {
            throw BoxError(graph.source + ": box of input '" + t.name + "': shapes " + to_string(low.shape) + " and " +
                           to_string(high.shape) + ", the input has " + to_string(t.dims));
        }
        IntervalTensor b;
        b.shape = t.dims;
        b.lo.assign(low.values.begin(), low.values.end());
        b.hi.assign(high.values.begin(), high.values.end());
        box.push_back(std::move(b));
    }
    return box;
}

// Boxes along the leading axis of every array.
std::vector<std::vector<IntervalTensor>> take_boxes(const Graph& graph, const std::vector<py::object>& lo,
                                                    const std::vector<py::object>& hi) {
    if (lo.size() != hi.size() || lo.size() != graph.inputs.size() || lo.empty()) {
        throw BoxError(graph.source + ": the boxes have " + std::to_string(lo.size()) + " lower and " +
                       std::to_string(hi.size()) + " upper tensors, the model has " +
                       std::to_string(graph.inputs.size()) + " inputs");
    }
    std::vector<std::vector<IntervalTensor>> boxes;
    for (std::size_t k = 0; k < lo.size(); ++k) {
        const Tensor& t = graph.tensor(graph.inputs[k]);
        const auto low = bindings::take<double>(lo[k], "lo");
        const auto high = bindings::take<double>(hi[k], "hi");
        Shape expected{low.shape.empty() ? 0 : low.shape[0]};
        expected.insert(expected.end(), t.dims.begin(), t.dims.end());
        if (k == 0) boxes.resize(static_cast<std::size_t>(expected[0]));
        if (low.shape != expected || high.shape != expected || static_cast<std::size_t>(expected[0]) != boxes.size()) {
            throw BoxError(graph.source + ": boxes of input '" + t.name + "': shapes " + to_string(low.shape) +
                           " and " + to_string(high.shape) +
                           "; expected the same number of boxes for every input, each " + to_string(t.dims));
        }
        const std::int64_t n = t.elements();
        for (std::size_t b = 0; b < boxes.size(); ++b) {
            IntervalTensor& box = boxes[b].emplace_back();
            const auto first = static_cast<std::int64_t>(b) * n;
            box.shape = t.dims;
            box.lo.assign(low.values.begin() + first, low.values.begin() + first + n);
            box.hi.assign(high.values.begin() + first, high.values.begin() + first + n);
        }
    }
    return boxes;
}

// Runs an engine with the GIL released and the floating-point environment as the theorems assume it.
template <class Work>
auto guarded(Work&& work) {
    const py::gil_scoped_release release;
    const numeric::EnvironmentGuard guard;
    return work();
}

py::dict evaluate_real(const GraphPointer& graph, const std::vector<py::object>& lo, const std::vector<py::object>& hi,
                       bool all) {
    const auto box = take_box(*graph, lo, hi);
    std::vector<IntervalTensor> values = guarded([&] {
        check_box(*graph, box);
        std::vector<IntervalTensor> v;
        RealProgram(graph).run(box, v);
        return v;
    });
    py::dict out;
    for (std::size_t t = 0; t < values.size(); ++t) {
        const auto id = static_cast<TensorId>(t);
        const bool wanted = all || std::find(graph->outputs.begin(), graph->outputs.end(), id) != graph->outputs.end();
        if (!wanted || values[t].size() == 0) continue;
        const Tensor& tensor = graph->tensor(id);
        out[py::str(tensor.name)] = py::make_tuple(bindings::give(std::move(values[t].lo), tensor.dims),
                                                   bindings::give(std::move(values[t].hi), tensor.dims));
    }
    return out;
}

DeviceValue take_value(const Graph& graph, TensorId id, const py::object& array) {
    const Tensor& t = graph.tensor(id);
    DeviceValue v;
    if (t.is_quantized()) {
        const auto a = bindings::take<std::int32_t>(array, "inputs", t.dims);
        const ClampRange limits = storage_limits(t);
        for (const std::int32_t q : a.values) {
            if (q < limits.lo || q > limits.hi) {
                throw py::value_error("input '" + t.name + "': " + std::to_string(q) + " is outside the range of " +
                                      std::string(name_of(t.dtype)));
            }
        }
        v.integers.assign(a.values.begin(), a.values.end());
    } else {
        if (t.dtype != DType::float32) {
            throw UnsupportedTypeError(graph.source + ": input '" + t.name + "' is " + std::string(name_of(t.dtype)) +
                                       " without quantisation parameters");
        }
        const auto a = bindings::take<float>(array, "inputs", t.dims);
        v.floats.assign(a.values.begin(), a.values.end());
    }
    return v;
}

py::dict evaluate_int8(const GraphPointer& graph, const std::string& profile, const std::vector<py::object>& inputs,
                       bool all) {
    const Profile p = profile_named(profile);
    if (inputs.size() != graph->inputs.size())
        throw BoxError(graph->source + ": " + std::to_string(inputs.size()) + " inputs given, the model has " +
                       std::to_string(graph->inputs.size()));
    std::vector<DeviceValue> in;
    for (std::size_t k = 0; k < inputs.size(); ++k) in.push_back(take_value(*graph, graph->inputs[k], inputs[k]));
    std::vector<DeviceValue> values = guarded([&] {
        std::vector<DeviceValue> v;
        IntegerProgram(graph, p).run(std::span<const DeviceValue>(in), v);
        return v;
    });
    py::dict out;
    for (std::size_t t = 0; t < values.size(); ++t) {
        const auto id = static_cast<TensorId>(t);
        if (!all && std::find(graph->outputs.begin(), graph->outputs.end(), id) == graph->outputs.end()) continue;
        const Tensor& tensor = graph->tensor(id);
        if (!values[t].integers.empty())
            out[py::str(tensor.name)] = bindings::give(std::move(values[t].integers), tensor.dims);
        if (!values[t].floats.empty())
            out[py::str(tensor.name)] = bindings::give(std::move(values[t].floats), tensor.dims);
    }
    return out;
}

// A prepared integer evaluation, for running one model on many inputs.
struct IntegerRunner {
    GraphPointer graph;
    std::shared_ptr<const IntegerProgram> program;

    py::list operator()(const std::vector<py::object>& inputs) const {
        std::vector<DeviceValue> in;
        if (inputs.size() != graph->inputs.size()) throw BoxError(graph->source + ": wrong number of inputs");
        for (std::size_t k = 0; k < inputs.size(); ++k) in.push_back(take_value(*graph, graph->inputs[k], inputs[k]));
        std::vector<DeviceValue> values = guarded([&] {
            std::vector<DeviceValue> v;
            program->run(std::span<const DeviceValue>(in), v);
            return v;
        });
        py::list out;
        for (const TensorId t : graph->outputs) {
            DeviceValue& v = values[static_cast<std::size_t>(t)];
            if (!v.integers.empty()) {
                out.append(bindings::give(std::move(v.integers), graph->tensor(t).dims));
            } else {
                out.append(bindings::give(std::move(v.floats), graph->tensor(t).dims));
            }
        }
        return out;
    }
};

Doubles copy(const std::vector<double>& values, const Shape& shape) {
    return bindings::give(std::vector<double>(values), shape);
}

}  // namespace

void register_engines(py::module_& m) {
    py::class_<BoundResult>(m, "BoundResult", "Guaranteed enclosure of one tensor's values over a box, real units.")
        .def_readonly("tensor", &BoundResult::tensor)
        .def_property_readonly("lower", [](const BoundResult& r) { return copy(r.lower, r.shape); })
        .def_property_readonly("upper", [](const BoundResult& r) { return copy(r.upper, r.shape); })
        .def_readonly("unbounded", &BoundResult::unbounded);

    py::class_<TensorError>(m, "TensorError", "Bracket of |deployed - reference| of one tensor over a box, real units.")
        .def_readonly("name", &TensorError::name)
        .def_readonly("reference_name", &TensorError::reference_name)
        .def_property_readonly("method", [](const TensorError& e) { return e.joint ? "joint" : "separate"; })
        .def_property_readonly(
            "lower", [](const TensorError& e) { return copy(e.lower, e.shape); },
            "Guaranteed lower bound on deployed - reference.")
        .def_property_readonly(
            "upper", [](const TensorError& e) { return copy(e.upper, e.shape); },
            "Guaranteed upper bound on deployed - reference.")
        .def_property_readonly(
            "bound", [](const TensorError& e) { return copy(e.bound, e.shape); },
            "Guaranteed upper bound on |deployed - reference|.")
        .def_property_readonly(
            "witness_value", [](const TensorError& e) { return copy(e.witness, e.shape); },
            "Guaranteed lower bound on the largest |deployed - reference|: reached by an input that was evaluated.")
        .def_readonly("worst_witness", &TensorError::worst_witness)
        .def_property_readonly(
            "witness_inputs",
            [](const TensorError& e) {
                py::list out;
                for (const auto& x : e.worst_input) out.append(copy(x, {static_cast<std::int64_t>(x.size())}));
                return out;
            },
            "The input of the largest witness, flattened, one array per model input.");

    py::class_<LayerShare>(m, "LayerShare",
                           "Error bound on the attributed tensor if this layer alone were deployed and all others "
                           "exact, and its share of the sum.")
        .def_readonly("name", &LayerShare::name)
        .def_readonly("op", &LayerShare::op)
        .def_readonly("alone", &LayerShare::alone)
        .def_readonly("share", &LayerShare::share);

    py::class_<Saturation>(m, "Saturation", "Elements of a tensor that its storage type can cut over the box.")
        .def_readonly("tensor", &Saturation::tensor)
        .def_readonly("low_count", &Saturation::low)
        .def_readonly("high_count", &Saturation::high)
        .def_readonly("elements", &Saturation::elements);

    py::class_<ErrorResult>(m, "ErrorResult", "Result of the error engine.")
        .def_readonly("tensors", &ErrorResult::tensors)
        .def_readonly("attributed", &ErrorResult::attributed)
        .def_readonly("per_layer", &ErrorResult::per_layer)
        .def_readonly("saturation", &ErrorResult::saturation)
        .def_readonly("notes", &ErrorResult::notes)
        .def_readonly("assumptions", &ErrorResult::assumptions)
        .def_readonly("evaluations", &ErrorResult::evaluations)
        .def_readonly("parts", &ErrorResult::parts);

    py::class_<IntegerRunner>(m, "IntegerRunner",
                              "A quantised graph prepared for exact integer evaluation on many inputs.")
        .def(py::init([](const GraphPointer& graph, const std::string& profile) {
                 return IntegerRunner{graph, std::make_shared<const IntegerProgram>(graph, profile_named(profile))};
             }),
             py::arg("graph"), py::arg("profile"))
        .def("__call__", &IntegerRunner::operator(), py::arg("inputs"),
             "Outputs for one list of inputs (int32 integers, or float32 for float inputs), exactly as the device "
             "computes them.");

    m.def("evaluate_real", &evaluate_real, py::arg("graph"), py::arg("lo"), py::arg("hi"), py::arg("all") = false,
          "Enclosures (lower, upper) of the outputs, or of all tensors, by name, in real arithmetic over the box [lo, "
          "hi].");
    m.def("evaluate_int8", &evaluate_int8, py::arg("graph"), py::arg("profile"), py::arg("inputs"),
          py::arg("all") = false,
          "Exact integers (float32 numbers for float tensors) of the outputs, or of all tensors, by name.");
    m.def(
        "whole_box",
        [](const GraphPointer& graph) {
            py::list lo;
            py::list hi;
            for (const IntervalTensor& b : guarded([&] { return whole_box(*graph); })) {
                lo.append(copy(b.lo, b.shape));
                hi.append(copy(b.hi, b.shape));
            }
            return py::make_tuple(lo, hi);
        },
        py::arg("graph"), "Lower and upper ends of the whole range that the integer inputs represent.");
    m.def(
        "bound",
        [](const GraphPointer& graph, const std::vector<py::object>& lo, const std::vector<py::object>& hi,
           const py::object& semantics, const std::optional<std::string>& tensor, const std::string& method) {
            const auto box = take_box(*graph, lo, hi);
            const BoundOptions options{bindings::take_arithmetic(semantics), tensor.value_or(""), method_named(method)};
            return guarded([&] { return bound(graph, box, options); });
        },
        py::arg("graph"), py::arg("box_lo"), py::arg("box_hi"), py::arg("semantics"), py::arg("tensor") = py::none(),
        py::arg("method") = "linear",
        "Guaranteed output ranges over a box; semantics 'real', 'tflm' or 'ort'. One result per output, or one for "
        "`tensor`.");
    py::class_<BoundProgram>(m, "BoundProgram", "A graph prepared for guaranteed ranges over many boxes.")
        .def(py::init([](const GraphPointer& graph, const py::object& semantics,
                         const std::optional<std::string>& tensor, const std::string& method) {
                 const BoundOptions options{bindings::take_arithmetic(semantics), tensor.value_or(""),
                                            method_named(method)};
                 return guarded([&] { return std::make_unique<BoundProgram>(graph, options); });
             }),
             py::arg("graph"), py::arg("semantics"), py::arg("tensor") = py::none(), py::arg("method") = "linear")
        .def(
            "run",
            [](const BoundProgram& program, const std::vector<py::object>& lo, const std::vector<py::object>& hi,
               std::optional<std::int64_t> first) {
                const auto boxes = take_boxes(program.graph(), lo, hi);
                return guarded([&] { return program.run_all(boxes, first); });
            },
            py::arg("lo"), py::arg("hi"), py::arg("first") = py::none(),
            "Ranges over boxes along the leading axis of every array, one array per input; results have that axis "
            "too, and are those of `bound` for each box. A BoxError says which box, counted from "
            "`first` where that is given.");
    py::class_<ErrorSession>(m, "ErrorSession",
                             "Bracket of |deployed - reference| over a box, narrowed for as long as the caller likes.")
        .def(py::init([](const GraphPointer& reference, const GraphPointer& deployed, const std::vector<py::object>& lo,
                         const std::vector<py::object>& hi, const py::object& semantics,
                         const std::optional<std::string>& tensor, std::int64_t search_multiplies, std::uint64_t seed,
                         bool attribute, const std::string& method, std::optional<double> threshold, double gap,
                         const std::vector<std::int64_t>& elements, double multiplies) {
                 const auto box = take_box(*deployed, lo, hi);
                 const ErrorOptions options{.device = bindings::take_arithmetic(semantics),
                                            .method = method_named(method),
                                            .multiplies = multiplies,
                                            .tensor = tensor.value_or(""),
                                            .search_multiplies = search_multiplies,
                                            .seed = seed,
                                            .attribute = attribute,
                                            .threshold = threshold,
                                            .gap = gap,
                                            .elements = elements};
                 return guarded([&] { return std::make_unique<ErrorSession>(reference, deployed, box, options); });
             }),
             py::arg("reference").none(true), py::arg("deployed"), py::arg("box_lo"), py::arg("box_hi"),
             py::arg("semantics"), py::arg("tensor") = py::none(),
             py::arg("search_multiplies") = std::int64_t{500'000'000}, py::arg("seed") = std::uint64_t{1},
             py::arg("attribute") = true, py::arg("method") = "linear", py::arg("threshold") = py::none(),
             py::arg("gap") = 0.0, py::arg("elements") = std::vector<std::int64_t>{},
             py::arg("multiplies") = default_multiplies,
             "`reference` None: the deployed graph in real arithmetic. Finds the first bounds and witnesses.")
        .def(
            "advance", [](ErrorSession& s, double seconds) { return guarded([&] { return s.advance(seconds); }); },
            py::arg("seconds"), "Splits the box for about so many seconds. True when nothing is left to do.")
        .def("result", &ErrorSession::result, "What is proved and found so far.");
    m.def(
        "error",
        [](const GraphPointer& reference, const GraphPointer& deployed, const std::vector<py::object>& lo,
           const std::vector<py::object>& hi, const py::object& semantics, const std::optional<std::string>& tensor,
           std::int64_t search_multiplies, std::uint64_t seed, bool attribute, const std::string& method) {
            const auto box = take_box(*deployed, lo, hi);
            const ErrorOptions options{.device = bindings::take_arithmetic(semantics),
                                       .method = method_named(method),
                                       .tensor = tensor.value_or(""),
                                       .search_multiplies = search_multiplies,
                                       .seed = seed,
                                       .attribute = attribute};
            return guarded([&] { return error(reference, deployed, box, options); });
        },
        py::arg("reference").none(true), py::arg("deployed"), py::arg("box_lo"), py::arg("box_hi"),
        py::arg("semantics"), py::arg("tensor") = py::none(), py::arg("search_multiplies") = std::int64_t{500'000'000},
        py::arg("seed") = std::uint64_t{1}, py::arg("attribute") = true, py::arg("method") = "linear",
        "The first bracket of |deployed - reference| over a box. `reference` None: the deployed graph in real "
        "arithmetic.");
}
