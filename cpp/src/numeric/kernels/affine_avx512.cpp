#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/affine.inl"

namespace gonogo::numeric {
const AffineKernels affine_avx512 = avx512::affine_kernels;
}
