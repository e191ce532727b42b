#define GONOGO_TARGET baseline
#include "numeric/kernels/tape.inl"

namespace gonogo::numeric {
const TapeKernels tape_baseline = baseline::tape_kernels;
}
