#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/logarithm.inl"

namespace gonogo::numeric {

extern const LogarithmKernels logarithm_baseline = baseline::logarithm_table<baseline::F64>;
extern const LogarithmKernels logarithm_scalar = baseline::logarithm_table<double>;

}  // namespace gonogo::numeric
