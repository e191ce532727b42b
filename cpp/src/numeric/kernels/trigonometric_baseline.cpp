#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/trigonometric.inl"

namespace gonogo::numeric {

extern const TrigonometricKernels trigonometric_baseline = baseline::trigonometric_table<baseline::F64>;
extern const TrigonometricKernels trigonometric_scalar = baseline::trigonometric_table<double>;

}  // namespace gonogo::numeric
