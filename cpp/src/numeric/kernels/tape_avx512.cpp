#define GONOGO_TARGET avx512
#include "numeric/kernels/tape.inl"

namespace gonogo::numeric {
const TapeKernels tape_avx512 = avx512::tape_kernels;
}
