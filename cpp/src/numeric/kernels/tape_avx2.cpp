#define GONOGO_TARGET avx2
#include "numeric/kernels/tape.inl"

namespace gonogo::numeric {
const TapeKernels tape_avx2 = avx2::tape_kernels;
}
