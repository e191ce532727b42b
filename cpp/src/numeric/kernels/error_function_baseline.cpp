#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/error_function.inl"

namespace gonogo::numeric {

extern const ErrorFunctionKernels error_function_baseline = baseline::error_function_kernels<baseline::F64>;
extern const ErrorFunctionKernels error_function_scalar = baseline::error_function_kernels<double>;

}  // namespace gonogo::numeric
