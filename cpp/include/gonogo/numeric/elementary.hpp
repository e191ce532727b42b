// Enclosures of elementary functions from own kernels: argument reduction, polynomial, proved error bound (section
// "Elementary functions" of docs/soundness.md). No libm. Valid under EnvironmentGuard.
#pragma once

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// sigmoid is 1 / (1 + e^-x), softplus log(1 + e^x), log the natural logarithm.
enum class Function : std::uint8_t { exp, expm1, exp2, log, log1p, log2, sin, cos, tanh, erf, sigmoid, softplus };

inline constexpr Function all_functions[] = {Function::exp,   Function::expm1, Function::exp2,    Function::log,
                                             Function::log1p, Function::log2,  Function::sin,     Function::cos,
                                             Function::tanh,  Function::erf,   Function::sigmoid, Function::softplus};

std::string_view name_of(Function function);

// The one of that name, else std::invalid_argument.
Function function_named(std::string_view name);

// {f(x) : x in a and in the domain of f}. Empty, {+inf, -inf}, when there is no such x; entire when a is no interval.
Interval apply(Function function, const Interval& a);

// The same for `count` intervals [lo[i], hi[i]], with the instruction set and the threads in use. The outputs may be
// the inputs. Bits may differ between instruction sets, never between positions or thread counts.
void apply(Function function, const double* lo, const double* hi, double* out_lo, double* out_hi, std::int64_t count);

// Stated accuracy: no end lies further outside the exact one than this many units in the last place of the exact one,
// ulp(y) = 2^(floor(log2 |y|) - 52) and at least 2^-1074.
double accuracy_ulp(Function function);

// apply() by name.
Interval exp(const Interval& a);
Interval expm1(const Interval& a);
Interval exp2(const Interval& a);
Interval log(const Interval& a);
Interval log1p(const Interval& a);
Interval log2(const Interval& a);
Interval sin(const Interval& a);
Interval cos(const Interval& a);
Interval tanh(const Interval& a);
Interval erf(const Interval& a);
Interval sigmoid(const Interval& a);
Interval softplus(const Interval& a);

// Enclosures at one number of the domain (not NaN; infinities mean the limit).
Interval exp_at(double x);
Interval expm1_at(double x);
Interval exp2_at(double x);
Interval log_at(double x);
Interval log1p_at(double x);
Interval log2_at(double x);
Interval sin_at(double x);
Interval cos_at(double x);
Interval tanh_at(double x);
Interval erf_at(double x);
Interval sigmoid_at(double x);
Interval softplus_at(double x);

// The constants of the proofs, so that tests can compare them with their derivation.
std::vector<std::pair<std::string_view, double>> elementary_constants();

}  // namespace gonogo::numeric
