// The operations of gonogo._core.interval by name, for single intervals and for arrays of them.
#pragma once

#include <string>

#include <pybind11/pybind11.h>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/interval_functions.hpp"
#include "gonogo/numeric/interval_numbers.hpp"
#include "gonogo/numeric/interval_sets.hpp"

namespace gonogo::bindings {

using numeric::Interval;

template <class Result, class... Operands>
struct Operation {
    using Function = Result (*)(const Operands&...);
    const char* name;
    Function function;
    const char* text;
};

inline constexpr Operation<Interval, Interval> unary_operations[] = {
    {"neg", [](const Interval& a) { return -a; }, "-x"},
    {"abs", numeric::abs, "|x|"},
    {"sqr", numeric::sqr, "x * x"},
    {"sqrt", numeric::sqrt, "Square root of x >= 0."},
    {"recip", numeric::recip, "1 / x for x != 0."},
    {"sign", numeric::sign, "-1, 0 or 1."},
    {"ceil", numeric::ceil, "Least integer >= x."},
    {"floor", numeric::floor, "Greatest integer <= x."},
    {"trunc", numeric::trunc, "x rounded towards zero."},
    {"round_ties_to_even", numeric::round_ties_to_even, "Nearest integer, ties to even."},
    {"round_ties_to_away", numeric::round_ties_to_away, "Nearest integer, ties away from zero."},
    {"exp", numeric::exp, "e^x"},
    {"expm1", numeric::expm1, "e^x - 1"},
    {"exp2", numeric::exp2, "2^x"},
    {"log", numeric::log, "Natural logarithm of x > 0."},
    {"log1p", numeric::log1p, "log(1 + x) for x > -1."},
    {"log2", numeric::log2, "Logarithm to the base 2 of x > 0."},
    {"sin", numeric::sin, "Sine of x in radians."},
    {"cos", numeric::cos, "Cosine of x in radians."},
    {"tanh", numeric::tanh, "Hyperbolic tangent."},
    {"erf", numeric::erf, "Error function."},
    {"sigmoid", numeric::sigmoid, "1 / (1 + e^-x)"},
    {"softplus", numeric::softplus, "log(1 + e^x)"},
};
inline constexpr Operation<Interval, Interval, Interval> binary_operations[] = {
    {"add", [](const Interval& a, const Interval& b) { return a + b; }, "a + b"},
    {"sub", [](const Interval& a, const Interval& b) { return a - b; }, "a - b"},
    {"mul", [](const Interval& a, const Interval& b) { return a * b; }, "a * b"},
    {"div", [](const Interval& a, const Interval& b) { return a / b; }, "a / b for b != 0."},
    {"min", numeric::min, "The smaller number."},
    {"max", numeric::max, "The larger number."},
    {"hull", numeric::hull, "Smallest interval that contains both."},
    {"intersection", numeric::intersection, "What both have in common."},
    {"cancel_minus", numeric::cancel_minus, "Smallest z with b + z containing a; entire when a is narrower than b."},
    {"cancel_plus", numeric::cancel_plus, "Smallest z with -b + z containing a; entire when a is narrower than b."},
};
inline constexpr Operation<double, Interval> number_operations[] = {
    {"inf", numeric::inf, "The lower end; a zero is -0. Infinity for the empty set."},
    {"sup", numeric::sup, "The upper end. -infinity for the empty set."},
    {"mid", numeric::mid,
     "The midpoint, rounded to nearest: 0 for entire, +-MAX for half-lines, NaN for the empty set."},
    {"rad", numeric::rad, "The least r so that [mid - r, mid + r] contains x; NaN for the empty set."},
    {"wid", numeric::wid, "The width, rounded up; NaN for the empty set."},
    {"mag", numeric::mag, "Greatest absolute value; NaN for the empty set."},
    {"mig", numeric::mig, "Least absolute value; NaN for the empty set."},
};
inline constexpr Operation<bool, Interval> states[] = {
    {"is_empty", [](const Interval& a) { return a.is_empty(); }, "No number at all."},
    {"is_entire", numeric::is_entire, "All real numbers."},
    {"is_common", numeric::is_common, "Bounded and not empty."},
    {"is_singleton", [](const Interval& a) { return a.is_point(); }, "Just one number."},
};
inline constexpr Operation<bool, Interval, Interval> relations[] = {
    {"equal", numeric::equal, "The same set."},
    {"subset", numeric::subset, "All of a is in b."},
    {"interior", numeric::interior, "All of a is in the interior of b."},
    {"less", numeric::less, "a's ends are <= those of b."},
    {"strict_less", numeric::strict_less, "a's ends are < those of b, or unbounded like them."},
    {"precedes", numeric::precedes, "Every number of a is <= every number of b."},
    {"strict_precedes", numeric::strict_precedes, "Every number of a is < every number of b."},
    {"disjoint", numeric::disjoint, "No number in common."},
};

inline bool valid_or_empty(double lo, double hi) {
    return (lo <= hi && lo < numeric::infinity && hi > -numeric::infinity) ||
           (lo == numeric::infinity && hi == -numeric::infinity);
}

[[noreturn]] inline void refuse_ends(const std::string& where, double lo, double hi) {
    const auto text = [](double x) { return std::string(pybind11::str(pybind11::float_(x))); };
    throw IntervalError(where + "no interval from " + text(lo) + " to " + text(hi) +
                        ": lower <= upper must hold, lower < inf, upper > -inf, and neither may be NaN");
}

}  // namespace gonogo::bindings
