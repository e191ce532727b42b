#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/affine.inl"

namespace gonogo::numeric {
const AffineKernels affine_avx2 = avx2::affine_kernels;
}
