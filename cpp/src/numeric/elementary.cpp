#include "gonogo/numeric/elementary.hpp"

#include <stdexcept>
#include <string>

#include "gonogo/numeric/parallel.hpp"

#include "kernels/elementary.hpp"

namespace gonogo::numeric {

namespace {

// Elements per part of a parallel loop: some 50 microseconds.
constexpr std::int64_t grain = 8192;

struct Families {
    const ExponentialKernels& exponential;
    const LogarithmKernels& logarithm;
    const TrigonometricKernels& trigonometric;
    const ErrorFunctionKernels& error_function;
};

ElementaryKernel kernel_of(Function function, const Families& families) {
    switch (function) {
        case Function::exp:
            return families.exponential.exp;
        case Function::expm1:
            return families.exponential.expm1;
        case Function::exp2:
            return families.exponential.exp2;
        case Function::tanh:
            return families.exponential.tanh;
        case Function::sigmoid:
            return families.exponential.sigmoid;
        case Function::log:
            return families.logarithm.log;
        case Function::log1p:
            return families.logarithm.log1p;
        case Function::log2:
            return families.logarithm.log2;
        case Function::softplus:
            return families.logarithm.softplus;
        case Function::sin:
            return families.trigonometric.sin;
        case Function::cos:
            return families.trigonometric.cos;
        case Function::erf:
            return families.error_function.erf;
    }
    throw std::logic_error("elementary function without a kernel");
}

ElementaryKernel scalar_kernel(Function function) {
    return kernel_of(function, {exponential_scalar, logarithm_scalar, trigonometric_scalar, error_function_scalar});
}

ElementaryKernel array_kernel(Function function) {
    return kernel_of(function, {GONOGO_TABLE(exponential), GONOGO_TABLE(logarithm), GONOGO_TABLE(trigonometric),
                                GONOGO_TABLE(error_function)});
}

}  // namespace

std::string_view name_of(Function function) {
    switch (function) {
        case Function::exp:
            return "exp";
        case Function::expm1:
            return "expm1";
        case Function::exp2:
            return "exp2";
        case Function::log:
            return "log";
        case Function::log1p:
            return "log1p";
        case Function::log2:
            return "log2";
        case Function::sin:
            return "sin";
        case Function::cos:
            return "cos";
        case Function::tanh:
            return "tanh";
        case Function::erf:
            return "erf";
        case Function::sigmoid:
            return "sigmoid";
        case Function::softplus:
            return "softplus";
    }
    return "";
}

Function function_named(std::string_view name) {
    std::string known;
    for (const Function function : all_functions) {
        if (name == name_of(function)) {
            return function;
        }
        known += known.empty() ? "" : ", ";
        known += name_of(function);
    }
    throw std::invalid_argument("no elementary function '" + std::string(name) + "'; there are " + known);
}

double accuracy_ulp(Function function) {
    switch (function) {
        case Function::exp:
        case Function::sigmoid:
            return 3.0;
        case Function::exp2:
            return 2.75;
        case Function::expm1:
            return 5.25;
        case Function::log:
        case Function::log1p:
        case Function::log2:
        case Function::sin:
        case Function::cos:
            return 3.0;
        case Function::erf:
            return 4.25;
        case Function::softplus:
            return 3.5;
        case Function::tanh:
            return 3.5;
    }
    return 0.0;
}

Interval apply(Function function, const Interval& a) {
    Interval y;
    scalar_kernel(function)(&a.lo, &a.hi, &y.lo, &y.hi, 1);
    return y;
}

void apply(Function function, const double* lo, const double* hi, double* out_lo, double* out_hi, std::int64_t count) {
    const ElementaryKernel kernel = array_kernel(function);
    parallel_for(count, grain, [&](std::int64_t first, std::int64_t last) {
        kernel(lo + first, hi + first, out_lo + first, out_hi + first, last - first);
    });
}

std::vector<std::pair<std::string_view, double>> elementary_constants() {
    std::vector<std::pair<std::string_view, double>> all;
    for (const NamedConstant* constant : {exponential_scalar.constants, logarithm_scalar.constants,
                                          trigonometric_scalar.constants, error_function_scalar.constants}) {
        for (; constant->name != nullptr; ++constant) {
            all.emplace_back(constant->name, constant->value);
        }
    }
    return all;
}

#define GONOGO_NAMED(function)                            \
    Interval function(const Interval& a) {                \
        return apply(Function::function, a);              \
    }                                                     \
    Interval function##_at(double x) {                    \
        return apply(Function::function, Interval{x, x}); \
    }
GONOGO_NAMED(exp)
GONOGO_NAMED(expm1)
GONOGO_NAMED(exp2)
GONOGO_NAMED(log)
GONOGO_NAMED(log1p)
GONOGO_NAMED(log2)
GONOGO_NAMED(sin)
GONOGO_NAMED(cos)
GONOGO_NAMED(tanh)
GONOGO_NAMED(erf)
GONOGO_NAMED(sigmoid)
GONOGO_NAMED(softplus)
#undef GONOGO_NAMED

}  // namespace gonogo::numeric
