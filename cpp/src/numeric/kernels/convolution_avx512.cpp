#define GONOGO_TARGET avx512
#define GONOGO_VECTOR_BYTES 64
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/convolution.inl"

namespace gonogo::numeric {
const ConvolutionTable convolution_avx512 = avx512::convolution_table;
}
