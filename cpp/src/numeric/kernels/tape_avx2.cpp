#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/tape.inl"

namespace gonogo::numeric {
const TapeKernels tape_avx2 = avx2::tape_kernels;
}
