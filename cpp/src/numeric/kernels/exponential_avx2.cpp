#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/exponential.inl"

namespace gonogo::numeric {

extern const ExponentialKernels exponential_avx2 = avx2::exponential_table<avx2::F64>;

}  // namespace gonogo::numeric
