#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/arithmetic.inl"

namespace gonogo::numeric {
const ArithmeticKernels arithmetic_avx2 = avx2::arithmetic_kernels;
}
