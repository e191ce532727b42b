#define GONOGO_TARGET baseline
#define GONOGO_VECTOR_BYTES 16
#include "numeric/kernels/simd.hpp"
//
#include "numeric/kernels/convolution.inl"

namespace gonogo::numeric {
const ConvolutionTable convolution_baseline = baseline::convolution_table;
}
