#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/affine.inl"

namespace gonogo::numeric {
const AffineKernels affine_baseline = baseline::affine_kernels;
}
