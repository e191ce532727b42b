#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/arithmetic.inl"

namespace gonogo::numeric {
const ArithmeticKernels arithmetic_avx512 = avx512::arithmetic_kernels;
}
