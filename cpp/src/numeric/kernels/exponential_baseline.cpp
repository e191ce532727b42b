#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/exponential.inl"

namespace gonogo::numeric {

extern const ExponentialKernels exponential_baseline = baseline::exponential_table<baseline::F64>;
extern const ExponentialKernels exponential_scalar = baseline::exponential_table<double>;

}  // namespace gonogo::numeric
