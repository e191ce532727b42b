#define GONOGO_TARGET avx2
#define GONOGO_VECTOR_BYTES 32
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/convolution.inl"

namespace gonogo::numeric {
const ConvolutionTable convolution_avx2 = avx2::convolution_table;
}
