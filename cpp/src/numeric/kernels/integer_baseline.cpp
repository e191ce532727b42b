#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/integer.inl"

namespace gonogo::numeric {
const IntegerKernels integer_baseline = baseline::integer_kernels;
}
