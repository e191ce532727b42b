// The numeric room as gonogo._core.numeric: for tests and for printing and reading decimals. Everything runs under the
// guard.
#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/numeric/convolution.hpp"
#include "gonogo/numeric/decimal.hpp"
#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/interval.hpp"
#include "gonogo/numeric/parallel.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using gonogo::bindings::give;
using gonogo::bindings::InputArray;
using gonogo::bindings::take;
using Ends = std::pair<py::array_t<double>, py::array_t<double>>;
using Bounds = std::array<std::vector<double>, 2>;
using Input = InputArray<double>;

// Runs the work under the guard and without the GIL. The operands sit in memory, so they're read behind the guard.
template <class Work>
auto guarded(const Work& work) {
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    return work();
}

Ends give_ends(Bounds&& bounds, const std::vector<std::int64_t>& shape) {
    auto lower = give(std::move(bounds[0]), shape);
    return {std::move(lower), give(std::move(bounds[1]), shape)};
}

gn::Interval interval_at(const Input& lo, const Input& hi, std::size_t i) {
    const gn::Interval a{lo.values[i], hi.values[i]};
    if (!(a.lo <= a.hi && a.lo < gn::infinity && a.hi > -gn::infinity) && a != gn::Interval::empty()) {
        throw std::invalid_argument("element " + std::to_string(i) + ": not an interval, lo <= hi must hold");
    }
    return a;
}

// f(i) for every element
template <class F>
Bounds each(std::size_t count, const F& f) {
    Bounds bounds;
    bounds[0].reserve(count);
    bounds[1].reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
        const gn::Interval y = f(i);
        bounds[0].push_back(y.lo);
        bounds[1].push_back(y.hi);
    }
    return bounds;
}

using Unary = gn::Interval (*)(const gn::Interval&);
using Binary = gn::Interval (*)(const gn::Interval&, const gn::Interval&);
using Directed = double (*)(double, double);

constexpr std::pair<std::string_view, Unary> unary_operations[] = {
    {"neg", [](const gn::Interval& a) { return -a; }},
    {"abs", gn::abs},
    {"sqr", gn::sqr},
    {"sqrt", gn::sqrt},
    {"exp", gn::exp},
    {"expm1", gn::expm1},
    {"log", gn::log},
    {"tanh", gn::tanh},
    {"sigmoid", gn::sigmoid},
};
constexpr std::pair<std::string_view, Binary> binary_operations[] = {
    {"add", [](const gn::Interval& a, const gn::Interval& b) { return a + b; }},
    {"sub", [](const gn::Interval& a, const gn::Interval& b) { return a - b; }},
    {"mul", [](const gn::Interval& a, const gn::Interval& b) { return a * b; }},
    {"div", [](const gn::Interval& a, const gn::Interval& b) { return a / b; }},
    {"min", gn::min},
    {"max", gn::max},
    {"hull", gn::hull},
    {"intersect", gn::intersect},
};
constexpr std::tuple<std::string_view, Directed, Directed> directed_operations[] = {
    {"add", gn::add_down, gn::add_up},
    {"sub", gn::sub_down, gn::sub_up},
    {"mul", gn::mul_down, gn::mul_up},
    {"div", gn::div_down, gn::div_up},
};

template <class Table>
const auto& find(const Table& table, const std::string& name) {
    for (const auto& row : table) {
        if (std::get<0>(row) == name) {
            return row;
        }
    }
    throw std::invalid_argument("no operation '" + name + "'");
}

Ends unary(const std::string& name, const py::object& lo, const py::object& hi) {
    const Unary f = find(unary_operations, name).second;
    const Input a = take<double>(lo, "lo");
    const Input b = take<double>(hi, "hi", a.shape);
    return give_ends(
        guarded([&] { return each(a.values.size(), [&](std::size_t i) { return f(interval_at(a, b, i)); }); }),
        a.shape);
}

Ends binary(const std::string& name, const py::object& a_lo, const py::object& a_hi, const py::object& b_lo,
            const py::object& b_hi) {
    const Binary f = find(binary_operations, name).second;
    const Input al = take<double>(a_lo, "a_lo");
    const Input ah = take<double>(a_hi, "a_hi", al.shape);
    const Input bl = take<double>(b_lo, "b_lo", al.shape);
    const Input bh = take<double>(b_hi, "b_hi", al.shape);
    return give_ends(guarded([&] {
                         return each(al.values.size(),
                                     [&](std::size_t i) { return f(interval_at(al, ah, i), interval_at(bl, bh, i)); });
                     }),
                     al.shape);
}

Ends directed(const std::string& name, const py::object& a, const py::object& b) {
    const auto& [label, down, up] = find(directed_operations, name);
    const Input x = take<double>(a, "a");
    const Input y = take<double>(b, "b", x.shape);
    return give_ends(guarded([&, d = down, u = up] {
                         return each(x.values.size(), [&](std::size_t i) {
                             return gn::Interval{d(x.values[i], y.values[i]), u(x.values[i], y.values[i])};
                         });
                     }),
                     x.shape);
}

Ends neighbours(const py::object& a) {
    const Input x = take<double>(a, "x");
    return give_ends(guarded([&] {
                         return each(x.values.size(), [&](std::size_t i) {
                             return gn::Interval{gn::next_down(x.values[i]), gn::next_up(x.values[i])};
                         });
                     }),
                     x.shape);
}

// The affine kernel on w [terms, outputs], or its depthwise form on w [taps, channels] with inputs of the same shape.
Ends affine(const py::object& weights, const py::object& lo, const py::object& hi, const py::object& bias_lo,
            const py::object& bias_hi, double weight_relative_uncertainty, bool depthwise) {
    const Input w = take<double>(weights, "weights");
    if (w.shape.size() != 2) {
        throw py::value_error(gonogo::bindings::describe("weights", weights) + ": expected two dimensions");
    }
    const std::int64_t terms = w.shape[0], outputs = w.shape[1];
    const Input a = take<double>(lo, "lo", depthwise ? w.shape : std::vector{terms});
    const Input b = take<double>(hi, "hi", a.shape);
    const Input c = take<double>(bias_lo, "bias_lo", std::vector{outputs});
    const Input d = take<double>(bias_hi, "bias_hi", c.shape);
    // Both are convolutions of one window: of a 1 x 1 image with `terms` channels, or of one of `terms` rows.
    gn::ConvolutionShape shape;
    shape.out_c = outputs;
    (depthwise ? shape.in_h : shape.in_c) = terms;
    if (depthwise) {
        shape.kernel_h = std::max<std::int64_t>(terms, 1);
        shape.in_c = shape.groups = outputs;
    }
    const auto work = [&] {
        for (std::size_t k = 0; k < a.values.size(); ++k) interval_at(a, b, k);
        for (std::size_t o = 0; o < c.values.size(); ++o) interval_at(c, d, o);
        Bounds y{std::vector<double>(c.values.size()), std::vector<double>(c.values.size())};
        const auto steps = depthwise ? gn::WeightSteps::hwc(shape) : gn::WeightSteps::ghwio(shape);
        gn::Convolution<double>(shape, w.values.data(), steps, weight_relative_uncertainty)
            .apply(a.values.data(), b.values.data(), c.values.data(), d.values.data(), y[0].data(), y[1].data());
        return y;
    };
    return give_ends(guarded(work), c.shape);
}

using EnvironmentTuple = std::tuple<std::string, bool, bool>;
constexpr std::array<const char*, 4> mode_names = {"nearest", "down", "up", "zero"};

EnvironmentTuple describe(const gn::Environment& e) {
    return {mode_names[static_cast<std::size_t>(e.rounding)], e.flush_to_zero, e.denormals_are_zero};
}

EnvironmentTuple set_environment(const std::string& rounding, bool flush_to_zero, bool denormals_are_zero) {
    for (std::size_t mode = 0; mode < mode_names.size(); ++mode) {
        if (rounding == mode_names[mode]) {
            return describe(
                gn::set_environment({static_cast<gn::RoundingMode>(mode), flush_to_zero, denormals_are_zero}));
        }
    }
    throw std::invalid_argument("rounding must be nearest, down, up or zero");
}

std::pair<double, double> parse_decimal(std::string_view text) {
    const gn::Interval x = guarded([&] { return gn::parse_decimal(text); });
    return {x.lo, x.hi};
}

}  // namespace

void register_numeric(py::module_& m) {
    const std::string failure = gn::self_test();
    if (!failure.empty()) {
        throw py::import_error("gonogo can't give guarantees on this machine: " + failure);
    }
    // Settings from the environment: a wrong one ends the import, not some later call.
    static_cast<void>(gn::instruction_set());
    static_cast<void>(gn::thread_count());
    m.attr("rounding") = gn::rounding_name();
    py::module_ n = m.def_submodule("numeric", "Outward-rounded arithmetic: intervals, elementary functions, kernels.");
    n.def(
        "self_test", [] { return gn::self_test(); }, "Empty when the machine keeps the assumptions, else what failed.");
    n.def(
        "unary", &unary, py::arg("operation"), py::arg("lo"), py::arg("hi"),
        "Enclosures of one-argument operations on float64 arrays of ends: neg, abs, sqr, sqrt, exp, expm1, log, tanh, "
        "sigmoid. Returns (lower, upper) bounds.");
    n.def("binary", &binary, py::arg("operation"), py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"), py::arg("b_hi"),
          "Enclosures of add, sub, mul, div, min, max, hull and intersect. Returns (lower, upper) bounds.");
    n.def("directed", &directed, py::arg("operation"), py::arg("a"), py::arg("b"),
          "add, sub, mul or div of numbers, rounded down and up.");
    n.def("neighbours", &neighbours, py::arg("x"), "One step down and one step up.");
    n.def("affine", &affine, py::arg("weights"), py::arg("lo"), py::arg("hi"), py::arg("bias_lo"), py::arg("bias_hi"),
          py::arg("weight_relative_uncertainty") = 0.0, py::arg("depthwise") = false,
          "Bounds on x @ weights + bias over a box, by the midpoint and radius kernel. Returns (lower, upper) bounds.");
    n.def("parse_decimal", &parse_decimal, py::arg("text"), "The closest float64 numbers below and above a decimal.");
    n.def(
        "decimal_down", [](double x, int digits) { return guarded([&] { return gn::decimal_down(x, digits); }); },
        py::arg("x"), py::arg("digits"), "The greatest decimal of so many significant digits that is <= x.");
    n.def(
        "decimal_up", [](double x, int digits) { return guarded([&] { return gn::decimal_up(x, digits); }); },
        py::arg("x"), py::arg("digits"), "The least decimal of so many significant digits that is >= x.");
    n.def(
        "environment", [] { return describe(gn::current_environment()); },
        "Rounding mode, flush-to-zero and denormals-are-zero of the calling thread.");
    n.def("set_environment", &set_environment, py::arg("rounding"), py::arg("flush_to_zero"),
          py::arg("denormals_are_zero"),
          "Test hook: changes the calling thread's floating-point environment and returns the former one. Nothing in "
          "gonogo "
          "needs it; it is there to prove that results don't depend on it.");
}
