#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/error_function.inl"

namespace gonogo::numeric {

extern const ErrorFunctionKernels error_function_avx2 = avx2::error_function_kernels<avx2::F64>;

}  // namespace gonogo::numeric
