// What convolution_plan.cpp prepares and convolution.cpp runs.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "gonogo/numeric/convolution.hpp"

#include "numeric/kernels/affine.hpp"
#include "numeric/kernels/convolution.hpp"
#include "numeric/matrix_bound.hpp"
#include "numeric/windows.hpp"

namespace gonogo::numeric {

// How a convolution is computed. The image holds midpoints and radii of the input.
template <class T>
struct ConvolutionPlan {
    ConvolutionShape s;
    const ConvolutionKernels<T>& windows;
    const ProductKernels<T>& elements;
    ProductBound<T> bound;
    WindowLayout layout;
    std::vector<ConvolutionPiece> pieces;
    Aligned<T> weights;

    ConvolutionPlan(const ConvolutionShape& shape, const T* from, const WeightSteps& steps, double rho);
    void pack(const T* from, const WeightSteps& steps);
};

extern template struct ConvolutionPlan<float>;
extern template struct ConvolutionPlan<double>;

}  // namespace gonogo::numeric
