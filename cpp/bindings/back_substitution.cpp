// The kernels of backward bound propagation as gonogo._core.numeric.RightFactor, select_dot and select_scale: for tests
// and measurements.
#include "gonogo/numeric/back_substitution.hpp"

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include "gonogo/numeric/environment.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using gonogo::bindings::describe;
using gonogo::bindings::InputArray;
using gonogo::bindings::take;

// An array to be written to.
InputArray<double> take_output(const py::object& value, const std::string& argument) {
    auto result = take<double>(value, argument);
    if (!result.keep.writeable()) {
        throw py::value_error(describe(argument, value) + ": the array is read-only; numpy.copy makes a writable one");
    }
    return result;
}

double* data_of(InputArray<double>& output) {
    return static_cast<double*>(output.keep.mutable_data());
}

void expect_width(const InputArray<double>& value, const std::string& argument, std::int64_t width) {
    if (value.shape.size() != 2 || value.shape[1] < width) {
        throw py::value_error(describe(argument, value.keep) + ": expected two dimensions and at least " +
                              std::to_string(width) + " columns");
    }
}

gn::RightFactor right_factor(const py::object& b, bool transposed) {
    const auto values = take<double>(b, "b");
    expect_width(values, "b", 0);
    const std::int64_t rows = values.shape[0], columns = values.shape[1];
    const gn::EnvironmentGuard guard;
    return transposed ? gn::RightFactor(columns, rows, values.values.data(), 1, columns)
                      : gn::RightFactor(rows, columns, values.values.data(), columns, 1);
}

void multiply(const gn::RightFactor& factor, const py::object& a, const py::object& c, bool accumulate) {
    const auto left = take<double>(a, "a");
    expect_width(left, "a", factor.rows());
    auto out = take_output(c, "c");
    expect_width(out, "c", factor.columns());
    if (out.shape[0] != left.shape[0]) {
        throw py::value_error(describe("c", c) + ": expected " + std::to_string(left.shape[0]) + " rows");
    }
    double* const to = data_of(out);
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    factor.multiply(left.shape[0], left.values.data(), left.shape[1], to, out.shape[1], accumulate);
}

std::pair<double, double> select_dot(const py::object& a, const py::object& below, const py::object& above,
                                     const py::object& weight) {
    const auto x = take<double>(a, "a");
    const auto low = take<double>(below, "below", x.shape);
    const auto high = take<double>(above, "above", x.shape);
    const auto w = take<double>(weight, "weight", x.shape);
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    const auto [value, mass] = gn::select_dot(static_cast<std::int64_t>(x.values.size()), x.values.data(),
                                              low.values.data(), high.values.data(), w.values.data());
    return {value, mass};
}

void select_scale(const py::object& a, const py::object& below, const py::object& above, const py::object& out,
                  bool accumulate) {
    const auto x = take<double>(a, "a");
    const auto low = take<double>(below, "slope_below", x.shape);
    const auto high = take<double>(above, "slope_above", x.shape);
    auto result = take_output(out, "out");
    if (result.shape != x.shape) {
        throw py::value_error(describe("out", out) + ": expected the shape of a");
    }
    double* const to = data_of(result);
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    gn::select_scale(static_cast<std::int64_t>(x.values.size()), x.values.data(), low.values.data(), high.values.data(),
                     to, accumulate);
}

}  // namespace

void register_back_substitution(py::module_& m) {
    auto n = m.attr("numeric").cast<py::module_>();
    py::class_<gn::RightFactor>(n, "RightFactor",
                                "A float64 matrix, packed for the instruction set in use, to be multiplied from the "
                                "left in plain round-to-nearest.")
        .def(py::init(&right_factor), py::arg("b"), py::arg("transposed") = false)
        .def("multiply", &multiply, py::arg("a"), py::arg("c"), py::arg("accumulate") = false,
             "c = a @ b, or c += a @ b, in place. a: at least as many columns as b has rows, c: at least as many as b "
             "has; those beyond are neither read nor written.");
    n.def("select_dot", &select_dot, py::arg("a"), py::arg("below"), py::arg("above"), py::arg("weight"),
          "The sums of a * (below where a >= 0, else above), and of |a| * weight, in plain round-to-nearest.");
    n.def("select_scale", &select_scale, py::arg("a"), py::arg("slope_below"), py::arg("slope_above"), py::arg("out"),
          py::arg("accumulate") = false,
          "out = a * (slope_below where a >= 0, else slope_above), or out += that, in place; `out` may be `a`.");
}
