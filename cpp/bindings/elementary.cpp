// Elementary functions on arrays of intervals, and the settings of the array kernels, as gonogo._core.numeric.
#include "gonogo/numeric/elementary.hpp"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/parallel.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using gonogo::bindings::take;

using Bounds = std::pair<py::array_t<double>, py::array_t<double>>;

// Arrays to write to: the caller's, or new ones.
py::array_t<double> output(const py::object& given, const std::string& argument,
                           const std::vector<std::int64_t>& shape) {
    if (given.is_none()) {
        return py::array_t<double>(std::vector<py::ssize_t>(shape.begin(), shape.end()));
    }
    const py::array array = take<double>(given, argument, shape).keep;
    if (!array.writeable()) {
        throw py::value_error(gonogo::bindings::describe(argument, given) + ": expected a writeable array");
    }
    return py::reinterpret_borrow<py::array_t<double>>(array);
}

Bounds elementary(const std::string& name, const py::object& lo, const py::object& hi, bool scalar,
                  const py::object& out_lo, const py::object& out_hi) {
    const gn::Function function = gn::function_named(name);
    const auto a = take<double>(lo, "lo");
    const auto b = take<double>(hi, "hi", a.shape);
    Bounds bounds{output(out_lo, "out_lo", a.shape), output(out_hi, "out_hi", a.shape)};
    double* const low = bounds.first.mutable_data();
    double* const high = bounds.second.mutable_data();
    const auto count = static_cast<std::int64_t>(a.values.size());
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    if (scalar) {
        for (std::int64_t i = 0; i < count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            const gn::Interval y = gn::apply(function, gn::Interval{a.values[at], b.values[at]});
            low[i] = y.lo;
            high[i] = y.hi;
        }
    } else {
        gn::apply(function, a.values.data(), b.values.data(), low, high, count);
    }
    return bounds;
}

double thread_seconds() {
#if defined(CLOCK_THREAD_CPUTIME_ID)
    timespec t{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
#else
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
#endif
}

// The least time of so many calls.
double elementary_seconds(const std::string& name, const py::object& lo, const py::object& hi, std::int64_t calls) {
    const gn::Function function = gn::function_named(name);
    const auto a = take<double>(lo, "lo");
    const auto b = take<double>(hi, "hi", a.shape);
    std::vector<double> low(a.values.size()), high(a.values.size());
    const py::gil_scoped_release no_gil;
    const gn::EnvironmentGuard guard;
    double best = gn::infinity;
    for (std::int64_t i = 0; i < calls; ++i) {
        const double start = thread_seconds();
        gn::apply(function, a.values.data(), b.values.data(), low.data(), high.data(),
                  static_cast<std::int64_t>(a.values.size()));
        best = std::min(best, thread_seconds() - start);
    }
    return best;
}

std::vector<std::string> available_instruction_sets() {
    std::vector<std::string> names;
    for (const gn::InstructionSet set : gn::available_instruction_sets()) {
        names.emplace_back(gn::name_of(set));
    }
    return names;
}

}  // namespace

void register_elementary(py::module_& m) {
    auto n = m.attr("numeric").cast<py::module_>();
    n.def(
        "elementary", &elementary, py::arg("function"), py::arg("lo"), py::arg("hi"), py::arg("scalar") = false,
        py::arg("out_lo") = py::none(), py::arg("out_hi") = py::none(),
        "Enclosures {f(x) : lo <= x <= hi} for float64 arrays of one shape: exp, expm1, exp2, log, log1p, log2, sin, "
        "cos, tanh, erf, sigmoid, softplus. Returns (lower, upper) bounds of that shape. Arguments outside the domain "
        "don't count; empty is (inf, -inf), in and out; NaN or lo > hi otherwise gives (-inf, inf). ValueError for an "
        "unknown function. With `scalar` one interval at a time, as the engines do, whatever the instruction set. "
        "`out_lo` and `out_hi`: "
        "float64 arrays of that shape to write to; they may be `lo` and `hi`.");
    n.def("elementary_seconds", &elementary_seconds, py::arg("function"), py::arg("lo"), py::arg("hi"),
          py::arg("calls"),
          "For benchmarks: the least time of so many calls of the array kernel, in seconds of this thread's CPU time; "
          "set "
          "one thread.");
    n.def(
        "accuracy_ulp", [](const std::string& name) { return gn::accuracy_ulp(gn::function_named(name)); },
        py::arg("function"),
        "The most by which an end of `elementary` lies outside the exact one, in units in the last place of the exact "
        "end.");
    n.def(
        "elementary_constants",
        [] {
            py::dict constants;
            for (const auto& [name, value] : gn::elementary_constants()) {
                constants[py::str(std::string(name))] = value;
            }
            return constants;
        },
        "The constants that the proofs of the elementary functions rest on.");
    n.def(
        "instruction_set", [] { return std::string(gn::name_of(gn::instruction_set())); },
        "The instruction set of the array kernels: baseline or neon, avx2, avx512.");
    n.def("available_instruction_sets", &available_instruction_sets, "Those that this machine has, slowest first.");
    n.def("use_instruction_set", &gn::use_instruction_set, py::arg("name"),
          "Test hook: choose another one. ValueError when this machine doesn't have it.");
    n.def("has_vnni", &gn::has_vnni, "Whether integer kernels use AVX-512 VNNI.");
    n.def("allow_vnni", &gn::allow_vnni, py::arg("allowed"), "Test hook: false leaves AVX-512 VNNI unused.");
    n.def("thread_count", &gn::thread_count, "How many threads an array kernel may use.");
    n.def("set_thread_count", &gn::set_thread_count, py::arg("count"), "1 to 256. No result depends on it.");
}
