#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/tape.inl"

namespace gonogo::numeric {
const TapeKernels tape_baseline = baseline::tape_kernels;
}
