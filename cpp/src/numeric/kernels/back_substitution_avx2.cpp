#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/back_substitution.inl"

namespace gonogo::numeric {
const BackSubstitutionKernels back_substitution_avx2 = avx2::back_substitution_kernels;
}
