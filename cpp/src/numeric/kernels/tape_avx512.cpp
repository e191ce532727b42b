#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/tape.inl"

namespace gonogo::numeric {
const TapeKernels tape_avx512 = avx512::tape_kernels;
}
