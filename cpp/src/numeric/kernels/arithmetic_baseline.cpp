#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/arithmetic.inl"

namespace gonogo::numeric {
const ArithmeticKernels arithmetic_baseline = baseline::arithmetic_kernels;
}
