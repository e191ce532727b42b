#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/back_substitution.inl"

namespace gonogo::numeric {
const BackSubstitutionKernels back_substitution_baseline = baseline::back_substitution_kernels;
}
