#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/logarithm.inl"

namespace gonogo::numeric {

extern const LogarithmKernels logarithm_avx2 = avx2::logarithm_table<avx2::F64>;

}  // namespace gonogo::numeric
