// Single intervals as gonogo._core.interval, each as (lower, upper). The classes that users see are in
// python/gonogo/interval; they check their operands, so that nothing here needs to.
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/error.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/interval_text.hpp"
#include "gonogo/numeric/reductions.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interval_operations.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using gn::Interval;
using gonogo::bindings::Operation;
using gonogo::bindings::take;
using Pair = std::pair<double, double>;
using Input = gonogo::bindings::InputArray<double>;

// No -0 leaves: an end that is zero is the number zero.
Pair give(const Interval& x) {
    return {x.lo + 0.0, x.hi + 0.0};
}
double give(double x) {
    return x;
}
bool give(bool x) {
    return x;
}

Pair make(double lo, double hi) {
    const gn::EnvironmentGuard guard;
    if (!(lo <= hi) || !gonogo::bindings::valid_or_empty(lo, hi)) gonogo::bindings::refuse_ends("", lo, hi);
    return give(Interval{lo, hi});
}

Pair from_mid_rad(double mid, double rad) {
    const gn::EnvironmentGuard guard;
    try {
        return give(gn::from_mid_rad(mid, rad));
    } catch (const std::invalid_argument& e) {
        throw gonogo::IntervalError(e.what());
    }
}

Pair parse(std::string_view text) {
    const gn::EnvironmentGuard guard;
    try {
        return give(gn::parse_interval(text));
    } catch (const std::invalid_argument& e) {
        throw gonogo::IntervalError(e.what());
    }
}

using Reduction = double (*)(std::span<const double>);

double reduced(Reduction f, const py::object& x) {
    const Input values = take<double>(x, "x");
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    return f(values.values);
}

double dot(const py::object& x, const py::object& y) {
    const Input a = take<double>(x, "x"), b = take<double>(y, "y");
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    return gn::dot(a.values, b.values);
}

template <class Result>
void define(py::module_& n, const Operation<Result, Interval>& operation) {
    n.def(
        operation.name,
        [f = operation.function](double lo, double hi) {
            const gn::EnvironmentGuard guard;
            return give(f({lo, hi}));
        },
        py::arg("lo"), py::arg("hi"), operation.text);
}

template <class Result>
void define(py::module_& n, const Operation<Result, Interval, Interval>& operation) {
    n.def(
        operation.name,
        [f = operation.function](double a_lo, double a_hi, double b_lo, double b_hi) {
            const gn::EnvironmentGuard guard;
            return give(f({a_lo, a_hi}, {b_lo, b_hi}));
        },
        py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"), py::arg("b_hi"), operation.text);
}

void define_operations(py::module_& n) {
    using namespace gonogo::bindings;
    for (const auto& operation : unary_operations) define(n, operation);
    for (const auto& operation : binary_operations) define(n, operation);
    for (const auto& operation : number_operations) define(n, operation);
    for (const auto& operation : states) define(n, operation);
    for (const auto& operation : relations) define(n, operation);
    n.def(
        "fma",
        [](double a_lo, double a_hi, double b_lo, double b_hi, double c_lo, double c_hi) {
            const gn::EnvironmentGuard guard;
            return give(gn::fma({a_lo, a_hi}, {b_lo, b_hi}, {c_lo, c_hi}));
        },
        py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"), py::arg("b_hi"), py::arg("c_lo"), py::arg("c_hi"),
        "a * b + c");
    n.def(
        "pown",
        [](double lo, double hi, std::int64_t exponent) {
            const gn::EnvironmentGuard guard;
            return give(gn::pown({lo, hi}, exponent));
        },
        py::arg("lo"), py::arg("hi"), py::arg("exponent"), "x to an integer power; x != 0 when it is negative.");
    n.def(
        "mid_rad",
        [](double lo, double hi) {
            const gn::EnvironmentGuard guard;
            const gn::MidRad m = gn::mid_rad({lo, hi});
            return Pair{m.mid, m.rad};
        },
        py::arg("lo"), py::arg("hi"), "Midpoint and radius.");
    n.def(
        "is_member",
        [](double x, double lo, double hi) {
            const gn::EnvironmentGuard guard;
            return gn::is_member(x, {lo, hi});
        },
        py::arg("x"), py::arg("lo"), py::arg("hi"), "The real number x is in the interval.");
    n.def(
        "overlap",
        [](double a_lo, double a_hi, double b_lo, double b_hi) {
            const gn::EnvironmentGuard guard;
            return gn::overlap_names[static_cast<std::size_t>(gn::overlap({a_lo, a_hi}, {b_lo, b_hi}))];
        },
        py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"), py::arg("b_hi"),
        "Which of the sixteen ways two intervals lie to each other, by the name in IEEE 1788.");
}

}  // namespace

void register_interval(py::module_& m) {
    py::module_ n = m.def_submodule("interval", "IEEE 1788 intervals as pairs of numbers and of arrays.");
    define_operations(n);
    n.def("make", &make, py::arg("lo"), py::arg("hi"), "Checks two ends; IntervalError.");
    n.def("from_mid_rad", &from_mid_rad, py::arg("mid"), py::arg("rad"),
          "Smallest interval with all numbers that far from mid; IntervalError.");
    n.def("parse", &parse, py::arg("text"),
          "The smallest interval with what a literal of IEEE 1788, or a number, stands for; IntervalError.");
    n.def(
        "text",
        [](double lo, double hi, int digits) {
            const gn::EnvironmentGuard guard;
            return gn::interval_text({lo, hi}, digits);
        },
        py::arg("lo"), py::arg("hi"), py::arg("digits") = 17, "A literal that contains the interval.");
    n.def(
        "sum", [](const py::object& x) { return reduced(gn::sum, x); }, py::arg("x"),
        "Sum of float64 numbers, formed exactly and rounded to nearest.");
    n.def(
        "sum_abs", [](const py::object& x) { return reduced(gn::sum_abs, x); }, py::arg("x"),
        "Sum of absolute values, formed exactly and rounded to nearest.");
    n.def(
        "sum_square", [](const py::object& x) { return reduced(gn::sum_square, x); }, py::arg("x"),
        "Sum of squares, formed exactly and rounded to nearest.");
    n.def("dot", &dot, py::arg("x"), py::arg("y"), "Sum of products, formed exactly and rounded to nearest.");
}
