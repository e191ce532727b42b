#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/integer.inl"

namespace gonogo::numeric {
const IntegerKernels integer_avx512 = avx512::integer_kernels;
}
