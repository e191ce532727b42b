#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/exponential.inl"

namespace gonogo::numeric {

extern const ExponentialKernels exponential_avx512 = avx512::exponential_table<avx512::F64>;

}  // namespace gonogo::numeric
