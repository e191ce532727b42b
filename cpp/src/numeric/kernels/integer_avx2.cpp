#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/integer.inl"

namespace gonogo::numeric {
const IntegerKernels integer_avx2 = avx2::integer_kernels;
}
