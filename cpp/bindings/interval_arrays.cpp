// Arrays of intervals as gonogo._core.interval: float64 arrays of lower and of upper ends. The classes that users see
// check their ends, so that nothing here needs to.
#include "gonogo/numeric/interval_arrays.hpp"

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/error.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/parallel.hpp"
#include "gonogo/numeric/reductions.hpp"

#include "arrays.hpp"
#include "bindings.hpp"
#include "interval_operations.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using gn::Interval;
using gonogo::bindings::take;
using Array = py::array_t<double>;
using Arrays = std::pair<Array, Array>;
using Input = gonogo::bindings::InputArray<double>;

constexpr std::int64_t grain = 1 << 14;

// Operands with one element are repeated: step 0.
struct Ends {
    const double* lo;
    const double* hi;
    std::int64_t step;
    Interval operator[](std::int64_t i) const { return {lo[i * step], hi[i * step]}; }
    gn::IntervalsView view() const { return {lo, hi, step == 0}; }
};

// No -0 leaves: an end that is zero is the number zero.
struct Output {
    double* lo;
    double* hi;
    void put(std::int64_t i, const Interval& x) const {
        lo[i] = x.lo + 0.0;
        hi[i] = x.hi + 0.0;
    }
};

template <class Table>
auto function_of(const Table& table, const std::string& name) {
    for (const auto& row : table) {
        if (name == row.name) return row.function;
    }
    throw std::invalid_argument("no operation '" + name + "'");
}

std::optional<gn::Function> elementary_function(std::string_view name) {
    for (const gn::Function f : gn::all_functions) {
        if (gn::name_of(f) == name) return f;
    }
    return std::nullopt;
}

// Two arrays of one shape
struct Operand {
    Input lo, hi;
    Operand(const py::object& lower, const py::object& upper, const std::string& name)
        : lo(take<double>(lower, name + "_lo")), hi(take<double>(upper, name + "_hi", lo.shape)) {}
    std::int64_t size() const { return static_cast<std::int64_t>(lo.values.size()); }
    Ends ends() const { return {lo.values.data(), hi.values.data(), size() == 1 ? 0 : 1}; }
};

// The shape of the result: the one operand that isn't a single element decides.
const std::vector<std::int64_t>& common_shape(std::initializer_list<const Operand*> operands) {
    const Operand* largest = *operands.begin();
    for (const Operand* x : operands) {
        if (x->size() != 1 && largest->size() == 1) largest = x;
        if (x->size() == 1 && largest->size() == 1 && x->lo.shape.size() > largest->lo.shape.size()) largest = x;
    }
    for (const Operand* x : operands) {
        if (x->size() != 1 && x->lo.shape != largest->lo.shape) {
            throw py::value_error("arrays of shapes " + gonogo::bindings::list_text(x->lo.shape) + " and " +
                                  gonogo::bindings::list_text(largest->lo.shape));
        }
    }
    return largest->lo.shape;
}

template <class T>
py::array_t<T> made(const std::vector<std::int64_t>& shape) {
    return py::array_t<T>(std::vector<py::ssize_t>(shape.begin(), shape.end()));
}

// Runs loop(output, count) under the guard and without the GIL.
template <class Loop>
Arrays computed(const std::vector<std::int64_t>& shape, const Loop& loop) {
    Array lower = made<double>(shape), upper = made<double>(shape);
    const Output y{lower.mutable_data(), upper.mutable_data()};
    const std::int64_t count = lower.size();
    {
        const py::gil_scoped_release no_gil;
        const gn::EnvironmentGuard guard;
        loop(y, count);
    }
    return {std::move(lower), std::move(upper)};
}

// value(i) for every element, of another type
template <class T, class Value>
py::array_t<T> collected(const std::vector<std::int64_t>& shape, const Value& value) {
    py::array_t<T> result = made<T>(shape);
    T* const y = result.mutable_data();
    const std::int64_t count = result.size();
    {
        const py::gil_scoped_release no_gil;
        gn::parallel_for(count, grain, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i) y[i] = value(i);
        });
    }
    return result;
}

// y[i] = value(i)
template <class Value>
void fill(Output y, std::int64_t count, const Value& value) {
    gn::parallel_for(count, grain, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) y.put(i, value(i));
    });
}

Arrays unary_array(const std::string& operation, const py::object& lo, const py::object& hi) {
    const auto f = function_of(gonogo::bindings::unary_operations, operation);
    const Operand a(lo, hi, "a");
    const Ends x = a.ends();
    return computed(a.lo.shape, [&](Output y, std::int64_t count) {
        if (operation == "sqr") return gn::apply(gn::Arithmetic::sqr, x.view(), x.view(), y.lo, y.hi, count);
        const std::optional<gn::Function> elementary = elementary_function(operation);
        if (!elementary) return fill(y, count, [&](std::int64_t i) { return f(x[i]); });
        gn::apply(*elementary, x.lo, x.hi, y.lo, y.hi, count);
        for (std::int64_t i = 0; i < count; ++i) y.put(i, {y.lo[i], y.hi[i]});
    });
}

Arrays binary_array(const std::string& operation, const py::object& a_lo, const py::object& a_hi,
                    const py::object& b_lo, const py::object& b_hi) {
    using Row = std::pair<std::string_view, gn::Arithmetic>;
    constexpr Row kernels[] = {{"add", gn::Arithmetic::add},
                               {"sub", gn::Arithmetic::sub},
                               {"mul", gn::Arithmetic::mul},
                               {"div", gn::Arithmetic::div}};
    const auto f = function_of(gonogo::bindings::binary_operations, operation);
    const Operand a(a_lo, a_hi, "a"), b(b_lo, b_hi, "b");
    const Ends x = a.ends(), z = b.ends();
    return computed(common_shape({&a, &b}), [&](Output y, std::int64_t count) {
        for (const auto& [name, kernel] : kernels) {
            if (name == operation) return gn::apply(kernel, x.view(), z.view(), y.lo, y.hi, count);
        }
        fill(y, count, [&](std::int64_t i) { return f(x[i], z[i]); });
    });
}

Arrays fma_array(const py::object& a_lo, const py::object& a_hi, const py::object& b_lo, const py::object& b_hi,
                 const py::object& c_lo, const py::object& c_hi) {
    const Operand a(a_lo, a_hi, "a"), b(b_lo, b_hi, "b"), c(c_lo, c_hi, "c");
    const Ends x = a.ends(), w = b.ends(), z = c.ends();
    return computed(common_shape({&a, &b, &c}), [&](Output y, std::int64_t count) {
        fill(y, count, [&](std::int64_t i) { return gn::fma(x[i], w[i], z[i]); });
    });
}

Arrays pown_array(const py::object& lo, const py::object& hi, std::int64_t n) {
    const Operand a(lo, hi, "a");
    const Ends x = a.ends();
    return computed(a.lo.shape, [&](Output y, std::int64_t count) {
        // The same intervals, sooner
        if (n == 2) return gn::apply(gn::Arithmetic::sqr, x.view(), x.view(), y.lo, y.hi, count);
        fill(y, count, [&](std::int64_t i) { return gn::pown(x[i], n); });
    });
}

Array number_array(const std::string& operation, const py::object& lo, const py::object& hi) {
    const auto f = function_of(gonogo::bindings::number_operations, operation);
    const Operand a(lo, hi, "a");
    const Ends x = a.ends();
    return collected<double>(a.lo.shape, [=](std::int64_t i) { return f(x[i]); });
}

py::array_t<bool> state_array(const std::string& operation, const py::object& lo, const py::object& hi) {
    const auto f = function_of(gonogo::bindings::states, operation);
    const Operand a(lo, hi, "a");
    const Ends x = a.ends();
    return collected<bool>(a.lo.shape, [=](std::int64_t i) { return f(x[i]); });
}

py::array_t<bool> relation_array(const std::string& operation, const py::object& a_lo, const py::object& a_hi,
                                 const py::object& b_lo, const py::object& b_hi) {
    const auto f = function_of(gonogo::bindings::relations, operation);
    const Operand a(a_lo, a_hi, "a"), b(b_lo, b_hi, "b");
    const Ends x = a.ends(), y = b.ends();
    return collected<bool>(common_shape({&a, &b}), [=](std::int64_t i) { return f(x[i], y[i]); });
}

py::array_t<std::uint8_t> overlap_array(const py::object& a_lo, const py::object& a_hi, const py::object& b_lo,
                                        const py::object& b_hi) {
    const Operand a(a_lo, a_hi, "a"), b(b_lo, b_hi, "b");
    const Ends x = a.ends(), y = b.ends();
    return collected<std::uint8_t>(common_shape({&a, &b}),
                                   [=](std::int64_t i) { return static_cast<std::uint8_t>(gn::overlap(x[i], y[i])); });
}

// Sums along the first of two dimensions.
Arrays sum_array(const py::object& lo, const py::object& hi) {
    const Operand a(lo, hi, "a");
    if (a.lo.shape.size() != 2)
        throw py::value_error(gonogo::bindings::describe("a", lo) + ": expected two dimensions");
    const std::int64_t rows = a.lo.shape[0], columns = a.lo.shape[1];
    return computed({columns}, [&](Output y, std::int64_t count) {
        gn::parallel_for(count, 64, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t i = first; i < last; ++i)
                y.put(i, gn::interval_sum(a.lo.values.data() + i, a.hi.values.data() + i, rows, columns));
        });
    });
}

Arrays make_array(const py::object& lo, const py::object& hi) {
    const Operand a(lo, hi, "a");
    std::int64_t wrong = -1;
    Arrays made = computed(a.lo.shape, [&](Output y, std::int64_t count) {
        for (std::int64_t i = 0; i < count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            if (wrong < 0 && !gonogo::bindings::valid_or_empty(a.lo.values[at], a.hi.values[at])) wrong = i;
            y.put(i, {a.lo.values[at], a.hi.values[at]});
        }
    });
    if (wrong >= 0) {
        const auto at = static_cast<std::size_t>(wrong);
        gonogo::bindings::refuse_ends("element " + std::to_string(wrong) + ": ", a.lo.values[at], a.hi.values[at]);
    }
    return made;
}

}  // namespace

void register_interval_arrays(py::module_& m) {
    auto n = m.attr("interval").cast<py::module_>();
    n.def("unary_array", &unary_array, py::arg("operation"), py::arg("lo"), py::arg("hi"),
          "An operation of one interval by its name here, on float64 arrays of ends. Returns (lower, upper).");
    n.def(
        "binary_array", &binary_array, py::arg("operation"), py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"),
        py::arg("b_hi"),
        "An operation of two intervals by its name here, on arrays of one shape; one of a single element is repeated. "
        "Returns (lower, upper).");
    n.def("fma_array", &fma_array, py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"), py::arg("b_hi"), py::arg("c_lo"),
          py::arg("c_hi"), "a * b + c on arrays. Returns (lower, upper).");
    n.def("pown_array", &pown_array, py::arg("lo"), py::arg("hi"), py::arg("exponent"),
          "Integer powers. Returns (lower, upper).");
    n.def("number_array", &number_array, py::arg("operation"), py::arg("lo"), py::arg("hi"),
          "inf, sup, mid, rad, wid, mag or mig of each interval.");
    n.def("state_array", &state_array, py::arg("operation"), py::arg("lo"), py::arg("hi"),
          "is_empty, is_entire, is_common or is_singleton of each interval.");
    n.def("relation_array", &relation_array, py::arg("operation"), py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"),
          py::arg("b_hi"), "A relation by its name here, element by element.");
    n.def("overlap_array", &overlap_array, py::arg("a_lo"), py::arg("a_hi"), py::arg("b_lo"), py::arg("b_hi"),
          "Places in `overlap_names`.");
    n.attr("overlap_names") =
        py::tuple(py::cast(std::vector<std::string>(gn::overlap_names.begin(), gn::overlap_names.end())));
    n.def("sum_array", &sum_array, py::arg("lo"), py::arg("hi"),
          "Sums along the first of two dimensions, each rounded once. Returns (lower, upper).");
    n.def("make_array", &make_array, py::arg("lo"), py::arg("hi"),
          "Copies arrays of ends, checking them; (inf, -inf) is the empty set. IntervalError.");
}
