// Tables of the array kernels of the elementary functions, one per family and instruction set.
#pragma once

#include <cstdint>

#include "select.hpp"

namespace gonogo::numeric {

// Enclosures of f over `count` intervals [lo, hi]. Empty is {+inf, -inf}, in and out; what is no interval (NaN, lo >
// hi) gives entire. An element's result depends on its own ends only. Outputs may be the inputs.
using ElementaryKernel = void (*)(const double* lo, const double* hi, double* out_lo, double* out_hi,
                                  std::int64_t count);

// A constant of a proof, for the tests that compare it with its derivation. Lists end with a null name.
struct NamedConstant {
    const char* name;
    double value;
};

struct ExponentialKernels {
    ElementaryKernel exp, expm1, exp2, tanh, sigmoid;
    const NamedConstant* constants;
};

struct LogarithmKernels {
    ElementaryKernel log, log1p, log2, softplus;
    const NamedConstant* constants;
};

struct TrigonometricKernels {
    ElementaryKernel sin, cos;
    const NamedConstant* constants;
};

struct ErrorFunctionKernels {
    ElementaryKernel erf;
    const NamedConstant* constants;
};

// `_scalar` is the same source with V = double, at the baseline; bit for bit what `_baseline` computes where the
// baseline has no fused multiply-add or double has it too.
extern const ExponentialKernels exponential_scalar, exponential_baseline;
extern const LogarithmKernels logarithm_scalar, logarithm_baseline;
extern const TrigonometricKernels trigonometric_scalar, trigonometric_baseline;
extern const ErrorFunctionKernels error_function_scalar, error_function_baseline;
#ifdef GONOGO_HAS_X86_KERNELS
extern const ExponentialKernels exponential_avx2, exponential_avx512;
extern const LogarithmKernels logarithm_avx2, logarithm_avx512;
extern const TrigonometricKernels trigonometric_avx2, trigonometric_avx512;
extern const ErrorFunctionKernels error_function_avx2, error_function_avx512;
#endif

}  // namespace gonogo::numeric
