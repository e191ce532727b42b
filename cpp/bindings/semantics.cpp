#include "semantics.hpp"

#include <string>
#include <tuple>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "gonogo/error.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/ops/int8.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "joint/make_deployment.hpp"

namespace gonogo::bindings {

namespace {

template <class T>
T value(const py::dict& d, const char* key) {
    if (!d.contains(key)) throw py::value_error(std::string("semantics: no '") + key + "'");
    return d[key].cast<T>();
}

FixedWord take_word(const py::handle& word) {
    const auto [bits, fraction, is_signed] = word.cast<std::tuple<int, int, bool>>();
    return {bits, fraction, is_signed};
}

FixedRounding rounding_named(const std::string& name) {
    for (const auto& [known, rounding] :
         {std::pair{"half_up", FixedRounding::half_up}, std::pair{"half_away", FixedRounding::half_away},
          std::pair{"half_even", FixedRounding::half_even}, std::pair{"floor", FixedRounding::floor}}) {
        if (name == known) return rounding;
    }
    throw py::value_error("semantics: there is no rounding '" + name +
                          "'; known: half_up, half_away, half_even, floor");
}

FixedLayer take_layer(const py::dict& d) {
    FixedLayer layer;
    for (const auto& [key, word] :
         {std::pair{"weights", &layer.weights}, std::pair{"bias", &layer.bias}, std::pair{"output", &layer.output}}) {
        if (d.contains(key) && !d[key].is_none()) *word = take_word(d[key]);
    }
    layer.exact_output = value<bool>(d, "exact_output");
    if (d.contains("shift") && !d["shift"].is_none()) layer.shift = d["shift"].cast<int>();
    return layer;
}

FixedPoint take_fixed_point(const py::dict& d) {
    FixedPoint f;
    f.input = take_word(value<py::tuple>(d, "input"));
    f.weights = take_word(value<py::tuple>(d, "weights"));
    f.bias = take_word(value<py::tuple>(d, "bias"));
    f.activations = take_word(value<py::tuple>(d, "activations"));
    f.input_gain = value<double>(d, "input_gain");
    f.input_exact = value<bool>(d, "input_exact");
    f.rounding = rounding_named(value<std::string>(d, "rounding"));
    f.constant_rounding = rounding_named(value<std::string>(d, "constant_rounding"));
    f.wrap = value<bool>(d, "wrap");
    for (const auto& [name, layer] : value<py::dict>(d, "layers"))
        f.layers.emplace(name.cast<std::string>(), take_layer(layer.cast<py::dict>()));
    return f;
}

numeric::FloatFormat format_named(const std::string& name) {
    if (name == "float16") return numeric::binary16;
    if (name == "bfloat16") return numeric::bfloat16;
    if (name == "float32") return numeric::binary32;
    if (name == "float64") return numeric::binary64;
    throw py::value_error("semantics: there is no format '" + name + "'; known: float16, bfloat16, float32, float64");
}

FloatingPoint take_floating_point(const py::dict& d) {
    FloatingPoint f;
    f.activations = format_named(value<std::string>(d, "activations"));
    f.weights = format_named(value<std::string>(d, "weights"));
    f.accumulator = format_named(value<std::string>(d, "accumulator"));
    f.may_flush = value<bool>(d, "may_flush");
    f.function_ulps = value<double>(d, "function_ulps");
    if (!(f.function_ulps >= 1.0 && f.function_ulps <= 1e6))
        throw py::value_error("semantics: function_ulps must be from 1 to a million");
    if (f.accumulator.precision < f.activations.precision)
        throw py::value_error("semantics: the accumulator must be at least as wide as the activations");
    return f;
}

MixedIntegers take_mixed(const py::dict& d) {
    MixedIntegers m;
    m.profile = profile_named(value<std::string>(d, "profile"));
    for (const auto& [name, kept] : value<py::dict>(d, "keep")) {
        const auto word = kept.cast<std::string>();
        if (word != "real" && word != "int16")
            throw py::value_error("semantics: nothing can be kept in '" + word + "'; known: int16, real");
        m.keep.emplace(name.cast<std::string>(), word == "real" ? Kept::real : Kept::int16);
    }
    return m;
}

// A deployed graph prepared for evaluation at many points.
struct DeviceRunner {
    std::shared_ptr<const Graph> graph;
    std::shared_ptr<const joint::Deployment> device;

    py::list operator()(const std::vector<py::object>& inputs, int variant) const {
        if (variant < 0 || variant >= device->variants())
            throw py::value_error("variant: there are " + std::to_string(device->variants()));
        if (inputs.size() != graph->inputs.size()) throw BoxError(graph->source + ": wrong number of inputs");
        std::vector<std::vector<double>> point;
        for (std::size_t k = 0; k < inputs.size(); ++k) {
            const auto x = take<double>(inputs[k], "inputs", graph->tensor(graph->inputs[k]).dims);
            point.emplace_back(x.values.begin(), x.values.end());
        }
        std::vector<joint::Enclosure> values;
        {
            const py::gil_scoped_release release;
            const numeric::EnvironmentGuard guard;
            values = device->evaluate(point, graph->outputs, variant);
        }
        py::list out;
        for (std::size_t k = 0; k < values.size(); ++k) {
            const Shape& shape = graph->tensor(graph->outputs[k]).dims;
            out.append(py::make_tuple(give(std::move(values[k].lo), shape), give(std::move(values[k].hi), shape)));
        }
        return out;
    }
};

}  // namespace

DeviceArithmetic take_arithmetic(const py::object& values) {
    if (py::isinstance<py::str>(values)) {
        const auto name = values.cast<std::string>();
        if (name == "real") return RealArithmetic{};
        return profile_named(name);
    }
    if (!py::isinstance<py::dict>(values)) {
        throw py::type_error("semantics: expected a name or a dict, not " +
                             py::str(py::type::of(values).attr("__name__")).cast<std::string>());
    }
    const auto d = values.cast<py::dict>();
    const auto kind = value<std::string>(d, "kind");
    if (kind == "fixed_point") return take_fixed_point(d);
    if (kind == "floating_point") return take_floating_point(d);
    if (kind == "mixed_integers") return take_mixed(d);
    throw py::value_error("semantics: there is no kind '" + kind + "'");
}

}  // namespace gonogo::bindings

void register_semantics(pybind11::module_& m) {
    namespace py = pybind11;
    using gonogo::bindings::DeviceRunner;
    py::class_<DeviceRunner>(m, "DeviceRunner", "A deployed graph prepared for evaluation on many inputs.")
        .def(py::init([](const std::shared_ptr<const gonogo::Graph>& graph, const py::object& semantics) {
                 return DeviceRunner{
                     graph, gonogo::joint::make_deployment(graph, gonogo::bindings::take_arithmetic(semantics))};
             }),
             py::arg("graph"), py::arg("semantics"))
        .def_property_readonly(
            "variants", [](const DeviceRunner& r) { return r.device->variants(); },
            "How many evaluations the semantics tells apart.")
        .def("__call__", &DeviceRunner::operator(), py::arg("inputs"), py::arg("variant") = 0,
             "Per output (lower, upper): equal where the device's result is computed exactly.");
}
