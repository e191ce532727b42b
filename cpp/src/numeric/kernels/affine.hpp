// Kernels of interval dot products by midpoint and radius: what matrix products, convolutions and matrix-vector
// products are put together from. Theorems 25-27 of docs/soundness.md (above affine.inl); the factors come from
// numeric/matrix_bound.hpp.
//
// Panels. One operand of a tile is packed as `rows` numbers per term, the other as `columns` numbers per term, each
// twice, once for the sum of the midpoints and once for the sum of the radii:
//     panel of a, term k:  a[0] .. a[rows-1]     A[0] .. A[rows-1]
//     panel of b, term k:  b[0] .. b[columns-1]  B[0] .. B[columns-1]
// and the tile gains  M[i][j] += sum_k a[i] b[j],  R[i][j] += sum_k A[i] B[j].  Either side may hold the weights (w,
// and |w| for the radius), the other one then holds midpoints and inflated radii. Where a tile sticks out of the matrix
// the panels are filled up with zeros. A panel of b starts at a multiple of 64 bytes.
#pragma once

#include <cstdint>

namespace gonogo::numeric {

// How an interval becomes midpoint and inflated radius (ProductBound).
template <class T>
struct Inflation {
    T radius_factor;
    T midpoint_factor;
};

// Where a call of `multiply` stands: the first or last one of a block; and whether the block's sums set those in
// binary64, as the first block's do unless a bias is there, or are added to them.
struct Stage {
    bool first;
    bool last;
    bool fresh;
};

template <class T>
struct ProductKernels {
    std::int64_t rows;
    std::int64_t columns;
    // The most terms of one call of `multiply`; more of them come in several calls. A block of up to `calls` calls sums
    // up in T, then goes into binary64.
    std::int64_t depth;
    std::int64_t calls;
    // The most roundings in T that a product meets within a block, its own included, on its way into M and into R. Each
    // block adds one binary64 rounding to both.
    std::int64_t mid_roundings;
    std::int64_t rad_roundings;
    // block: M[rows][columns], then R[rows][columns] in T, kept by the caller between the calls of one block; sums: the
    // same in binary64. Meanwhile fetches a part of the panel `soon` towards the cache, 64 bytes per term: `ahead`
    // calls fetch one panel.
    void (*multiply)(std::int64_t terms, const T* a, const T* b, const Stage& stage, T* block, double* sums,
                     const T* soon);
    // A panel of `a` from the first `count` rows of w, filled up with zeros; 1 <= terms <= depth.
    void (*pack_weights)(std::int64_t count, std::int64_t terms, const T* w, std::int64_t stride, T* panel);
    std::int64_t ahead;

    // Rows of a matrix times one vector, 1 <= count <= dot_rows: M[i] = sum_k w[i * stride + k] mid[k], R alike with
    // |w|.
    std::int64_t dot_rows;
    // Terms between two binary64 additions, and the most binary64 roundings besides those terms / dot_chain.
    std::int64_t dot_chain;
    std::int64_t dot_roundings;      // in T, as above
    std::int64_t dot_end_roundings;  // in binary64
    void (*dot)(std::int64_t count, std::int64_t terms, const T* w, std::int64_t stride, const T* mid, const T* rad,
                double* M, double* R);

    // Element by element: [lo, hi] to midpoint and inflated radius. What isn't a bounded interval becomes NaN, and that
    // an entire result wherever it goes in.
    void (*inflate)(std::int64_t count, const T* lo, const T* hi, Inflation<T> inflation, T* mid, T* rad);
    // Element by element: finished sums to bounds; entire where a sum isn't finite.
    void (*finish)(std::int64_t count, const double* M, const double* R, double sum_factor, double sum_underflow, T* lo,
                   T* hi);
};

struct AffineKernels {
    ProductKernels<float> f32;
    ProductKernels<double> f64;
};

extern const AffineKernels affine_baseline, affine_avx2, affine_avx512;

}  // namespace gonogo::numeric
