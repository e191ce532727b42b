#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/error_function.inl"

namespace gonogo::numeric {

extern const ErrorFunctionKernels error_function_avx512 = avx512::error_function_kernels<avx512::F64>;

}  // namespace gonogo::numeric
