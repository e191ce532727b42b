#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/logarithm.inl"

namespace gonogo::numeric {

extern const LogarithmKernels logarithm_avx512 = avx512::logarithm_table<avx512::F64>;

}  // namespace gonogo::numeric
