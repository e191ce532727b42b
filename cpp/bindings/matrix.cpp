// Interval matrix products as gonogo._core.numeric.matmul.
#include "gonogo/numeric/matrix.hpp"

#include <cstdint>
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
using gonogo::bindings::take;

template <class T>
std::pair<py::array, py::array> product(const py::object& a, const py::object& lo, const py::object& hi, double rho) {
    const auto left = take<T>(a, "a");
    if (left.shape.size() != 2) {
        throw py::value_error(describe("a", a) + ": expected two dimensions");
    }
    const std::int64_t m = left.shape[0], k = left.shape[1];
    const auto lower = take<T>(lo, "lo");
    if (lower.shape.empty() || lower.shape.size() > 2 || lower.shape[0] != k) {
        throw py::value_error(describe("lo", lo) + ": expected shape [" + std::to_string(k) + "] or [" +
                              std::to_string(k) + ", n]");
    }
    const auto upper = take<T>(hi, "hi", lower.shape);
    const bool is_vector = lower.shape.size() == 1;
    const std::int64_t n = is_vector ? 1 : lower.shape[1];
    std::vector<py::ssize_t> shape{m};
    if (!is_vector) {
        shape.push_back(n);
    }
    py::array_t<T> c_lo(shape);
    py::array_t<T> c_hi(shape);
    T* const out_lo = c_lo.mutable_data();
    T* const out_hi = c_hi.mutable_data();
    {
        const py::gil_scoped_release no_gil;
        const gn::EnvironmentGuard guard;
        gn::matmul(left.values.data(), lower.values.data(), upper.values.data(), m, k, n, out_lo, out_hi, rho);
    }
    return {std::move(c_lo), std::move(c_hi)};
}

std::pair<py::array, py::array> matmul(const py::object& a, const py::object& lo, const py::object& hi, double rho) {
    if (py::isinstance<py::array>(a) && py::reinterpret_borrow<py::array>(a).dtype().equal(py::dtype::of<float>())) {
        return product<float>(a, lo, hi, rho);
    }
    return product<double>(a, lo, hi, rho);
}

}  // namespace

void register_matrix(py::module_& m) {
    m.attr("numeric").cast<py::module_>().def(
        "matmul", &matmul, py::arg("a"), py::arg("lo"), py::arg("hi"), py::arg("weight_relative_uncertainty") = 0.0,
        "Bounds (lower, upper) on a @ x for all x in [lo, hi], and all weights within the relative uncertainty of "
        "a.\n\n"
        "a: array [m, k]; lo, hi: [k, n], or [k] for bounds of shape [m]. All float32 or all float64 (TypeError "
        "otherwise), C-contiguous; the bounds have the same type. What isn't a bounded interval makes its column "
        "(-inf, "
        "inf), a weight that isn't finite its row, and a sum that overflows its element. ValueError for shapes that "
        "don't "
        "fit and an uncertainty outside 0 to 1. The bounds don't depend on the number of threads; their last digits "
        "depend on the instruction set.");
}
