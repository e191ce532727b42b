// The deployed network's rounding errors as gonogo._core.numeric.*_error: for tests and for reports.
#include "gonogo/numeric/roundoff.hpp"

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/numeric/environment.hpp"

#include "bindings.hpp"

namespace py = pybind11;
namespace gn = gonogo::numeric;

namespace {

using Parameters = std::tuple<int, int, int>;  // precision, least exponent, greatest exponent

gn::FloatFormat format_of(const Parameters& p) {
    return {std::get<0>(p), std::get<1>(p), std::get<2>(p)};
}

double dot_error(const Parameters& format, std::int64_t terms, double sum_abs, double sum_operands, bool may_flush,
                 bool exact_products, const std::optional<Parameters>& operands) {
    const gn::EnvironmentGuard guard;
    gn::DeployedArithmetic arithmetic{format_of(format), may_flush, exact_products, std::nullopt};
    if (operands) arithmetic.operands = format_of(*operands);
    return gn::dot_error_up(arithmetic, {terms, sum_abs, sum_operands});
}

double rounding_error(const Parameters& format, double magnitude, bool may_flush) {
    const gn::EnvironmentGuard guard;
    return gn::rounding_error_up({format_of(format), may_flush, false, std::nullopt}, magnitude);
}

double function_error(const Parameters& format, double magnitude, double ulps, bool may_flush) {
    const gn::EnvironmentGuard guard;
    return gn::function_error_up({format_of(format), may_flush, false, std::nullopt}, magnitude, ulps);
}

}  // namespace

void register_roundoff(py::module_& m) {
    auto numeric = m.attr("numeric").cast<py::module_>();
    py::dict formats;
    for (const auto& [name, f] : {std::pair{"float16", gn::binary16}, std::pair{"bfloat16", gn::bfloat16},
                                  std::pair{"float32", gn::binary32}, std::pair{"float64", gn::binary64}}) {
        formats[name] = Parameters{f.precision, f.least_exponent, f.greatest_exponent};
    }
    numeric.attr("float_formats") = formats;
    numeric.def("dot_error", &dot_error, py::arg("format"), py::arg("terms"), py::arg("sum_abs"), py::kw_only(),
                py::arg("sum_operands") = gn::infinity, py::arg("may_flush") = true, py::arg("exact_products") = false,
                py::arg("operands") = py::none(),
                "Upper bound on the error of a dot product that a device computes in a format (precision, least and "
                "greatest exponent), in any order, with or without fused multiply-adds; inf when it may overflow.");
    numeric.def("rounding_error", &rounding_error, py::arg("format"), py::arg("magnitude"), py::kw_only(),
                py::arg("may_flush") = true,
                "Upper bound on the error of one rounding of a number of at most this magnitude; inf when it may "
                "overflow.");
    numeric.def("function_error", &function_error, py::arg("format"), py::arg("magnitude"), py::arg("ulps"),
                py::kw_only(), py::arg("may_flush") = true,
                "Upper bound on the error of a device's library function that is right to so many ulp; inf when it "
                "may overflow.");
}
