#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/back_substitution.inl"

namespace gonogo::numeric {
const BackSubstitutionKernels back_substitution_avx512 = avx512::back_substitution_kernels;
}
