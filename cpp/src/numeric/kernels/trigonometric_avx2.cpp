#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/trigonometric.inl"

namespace gonogo::numeric {

extern const TrigonometricKernels trigonometric_avx2 = avx2::trigonometric_table<avx2::F64>;

}  // namespace gonogo::numeric
