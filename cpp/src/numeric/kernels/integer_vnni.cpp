#define GONOGO_TARGET vnni
#define GONOGO_VECTOR_BYTES 64
#define GONOGO_VNNI 1
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/integer.inl"

namespace gonogo::numeric {
const IntegerKernels integer_vnni = vnni::integer_kernels;
}
