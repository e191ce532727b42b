// Kernels of interval convolutions by midpoint and radius, for windows that lie in an image as they are: nothing is
// copied into panels but the weights. Theorem 33 of docs/soundness.md; `inflate` and `finish` are those of affine.hpp.
#pragma once

#include <cstdint>

namespace gonogo::numeric {

// Consecutive elements of a window, and what follows them. T = float sums at most `convolution_chain` products in
// registers, at most convolution_chains of these sums in binary32, and all else in binary64; T = double has one chain.
struct ConvolutionPiece {
    std::int64_t offset;  // of the first element, from where the window starts
    std::int64_t terms;
    std::int32_t flags;
    static constexpr std::int32_t end_chain = 1;
    static constexpr std::int32_t first_chain = 2;     // of a block
    static constexpr std::int32_t move_midpoints = 4;  // end of a block: add it to M
    static constexpr std::int32_t move_radii = 8;
    static constexpr std::int32_t last = 16;
};

inline constexpr std::int64_t convolution_chain = 24;
inline constexpr std::int64_t convolution_chains = 6;
inline constexpr std::int64_t convolution_radius_blocks = 16;  // blocks until the radii are moved

// `count` output pixels times one panel of output channels. The image has channels last.
template <class T>
struct ConvolutionStrip {
    const T* image;              // midpoints
    std::int64_t to_rad;         // from a midpoint to its inflated radius
    const std::int64_t* pixels;  // where in the image each pixel's window starts
    std::int64_t count;
    const ConvolutionPiece* pieces;
    const T* weights;  // full: [term][vectors * lanes]; depthwise: [term][weight_step]
    std::int64_t weight_step;
    std::int64_t vectors;  // of output channels; full: 1 or 2
    double* M;             // [pixel][vectors * lanes], added to
    double* R;
};

template <class T>
struct ConvolutionKernels {
    std::int64_t lanes;
    std::int64_t pixels;  // of one tile of `full`
    // M[p][c] += sum_k w[k][c] mid[p][k], R[p][c] += sum_k |w[k][c]| rad[p][k] over the elements k of the pieces
    void (*full)(const ConvolutionStrip<T>& strip);
    // the same with mid[p][k + c] and rad[p][k + c]
    void (*depthwise)(const ConvolutionStrip<T>& strip);
    // to[c * to_step + r] = from[r * from_step + c]
    void (*transpose)(const T* from, std::int64_t from_step, std::int64_t rows, std::int64_t columns, T* to,
                      std::int64_t to_step);
};

struct ConvolutionTable {
    ConvolutionKernels<float> f32;
    ConvolutionKernels<double> f64;
};

extern const ConvolutionTable convolution_baseline, convolution_avx2, convolution_avx512;

}  // namespace gonogo::numeric
