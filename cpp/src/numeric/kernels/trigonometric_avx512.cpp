#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/trigonometric.inl"

namespace gonogo::numeric {

extern const TrigonometricKernels trigonometric_avx512 = avx512::trigonometric_table<avx512::F64>;

}  // namespace gonogo::numeric
