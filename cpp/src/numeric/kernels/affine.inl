// Theorem 25 (two-level sums). T = binary32 (u = 2^-24, s = 2^-149) or binary64 (u = 2^-53, s = 2^-1074), v = 2^-53.
// For one output let K count its products, each of which meets at most p roundings in T on its way into M, at most q on
// its way into R, and then at most F additions in binary64; pu, qu <= 2^-12, Fv <= 2^-12. Given |x_k - m_k| <= r_k,
// |w'_k - w_k| <= rho |w_k|, g >= (pu + Fv)(1 + 2^-10), h >= (qu + Fv)(1 + 2^-10) and r'_k >= (1 + rho) r_k + (rho + g)
// |m_k|, let M and R be the computed sums of w_k m_k and |w_k| r'_k, in any order, with or without fma. If both are
// finite, |sum w'_k x_k - M| <= R (1 + h) + 4 K s.
//
// A product meets its own rounding and one per further addition of something that isn't an exact zero. In chains of at
// most c products whose results are summed up l at a time that is at most c + l - 1, whatever the order inside.
//
// Theorem 26 (inflate) and Theorem 27 (finish): the computed m, r' are such as Theorem 25 asks for, and the computed
// ends enclose what it gives; whatever isn't finite on the way ends as (-inf, inf). Proofs: docs/soundness.md, Matrix
// products. Assumed: round to nearest, subnormals kept (the guard).
#include "gonogo/numeric/strict.hpp"

#include "numeric/kernels/affine.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

template <class T>
struct Lanes;
template <>
struct Lanes<float> {
    using V = F32;
    using Buffer = float[f32_lanes];
    static constexpr int count = f32_lanes;
    static constexpr float smallest = 0x1p-149F;
    static constexpr float nan = __builtin_nanf("");
};
template <>
struct Lanes<double> {
    using V = F64;
    using Buffer = double[f64_lanes];
    static constexpr int count = f64_lanes;
    static constexpr double smallest = 0x1p-1074;
    static constexpr double nan = __builtin_nan("");
};

// f64_lanes numbers in binary64, exactly
GONOGO_INLINE F64 widen(const double* p) {
    return load<F64>(p);
}
GONOGO_INLINE F64 widen(const float* p) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    return _mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(p));  // unmasked, g++ 12 warns inside its own header
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
    return _mm256_cvtps_pd(_mm_loadu_ps(p));
#else
    return __builtin_convertvector(load<HalfF32>(p), F64);
#endif
}

// The first `count` numbers, then zeros.
template <class V, class T>
GONOGO_INLINE V load_part(const T* p, std::int64_t count) {
    typename Lanes<T>::Buffer lanes = {};
    for (std::int64_t i = 0; i < count; ++i) {
        lanes[i] = p[i];
    }
    return load<V>(lanes);
}

}  // namespace gonogo::numeric::GONOGO_TARGET

#include "numeric/kernels/affine_dot.inl"
#include "numeric/kernels/affine_ends.inl"

namespace gonogo::numeric::GONOGO_TARGET {

// ---- tiles

#if GONOGO_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr int tile_rows = 6;  // 24 of 32 registers hold sums
#else
constexpr int tile_rows = 3;  // 12 of 16
#endif
constexpr int tile_vectors = 2;
constexpr int chain = 24;  // binary32 products before the sum leaves its register
constexpr int chains = 4;  // such sums in one call
constexpr int calls = 2;   // of such calls before binary64
constexpr int depth = chain * chains;

// One term: S[i][j] += a[i] * b[j]
template <class T, class V>
GONOGO_INLINE void add_products(const T* a, const T* b, V (&sums)[tile_rows][tile_vectors]) {
    V right[tile_vectors];
#pragma GCC unroll 8
    for (int j = 0; j < tile_vectors; ++j) {
        right[j] = load<V>(b + j * Lanes<T>::count);
    }
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i) {
        const V left = splat<V>(a[i]);
#pragma GCC unroll 8
        for (int j = 0; j < tile_vectors; ++j) {
            sums[i][j] = mul_add(left, right[j], sums[i][j]);
        }
    }
}

template <class T>
void multiply(std::int64_t terms, const T* a, const T* b, const Stage& stage, T* block, double* sums, const T* soon) {
    using V = typename Lanes<T>::V;
    constexpr int lanes = Lanes<T>::count;
    constexpr int columns = tile_vectors * lanes;
    constexpr int size = tile_rows * columns;
    constexpr bool blocked = sizeof(T) == sizeof(float);
    V R[tile_rows][tile_vectors] = {};
    if (!stage.first) {
#pragma GCC unroll 8
        for (int i = 0; i < tile_rows; ++i) {
#pragma GCC unroll 8
            for (int j = 0; j < tile_vectors; ++j) {
                R[i][j] = load<V>(block + size + i * columns + j * lanes);
            }
        }
    }
    bool first = stage.first;
    for (std::int64_t left = terms; left > 0;) {
        V M[tile_rows][tile_vectors] = {};
        const std::int64_t part = blocked && left > chain ? chain : left;
        for (const T* end = b + part * 2 * columns; b != end; b += 2 * columns, a += 2 * tile_rows) {
            __builtin_prefetch(soon, 0, 2);
            soon += 64 / sizeof(T);
            add_products(a, b, M);
            add_products(a + tile_rows, b + columns, R);
        }
#pragma GCC unroll 8
        for (int i = 0; i < tile_rows; ++i) {
#pragma GCC unroll 8
            for (int j = 0; j < tile_vectors; ++j) {
                T* at = block + i * columns + j * lanes;
                store(at, first ? M[i][j] : load<V>(at) + M[i][j]);
            }
        }
        first = false;
        left -= part;
    }
#pragma GCC unroll 8
    for (int i = 0; i < tile_rows; ++i) {
#pragma GCC unroll 8
        for (int j = 0; j < tile_vectors; ++j) {
            store(block + size + i * columns + j * lanes, R[i][j]);
        }
    }
    if (stage.last) {
        for (int i = 0; i < 2 * size; i += f64_lanes) {
            const F64 v = widen(block + i);
            store(sums + i, stage.fresh ? v : load<F64>(sums + i) + v);
        }
    }
}

// ---- weights into a panel

template <class T>
using Four [[gnu::vector_size(4 * sizeof(T))]] = T;

template <class T>
GONOGO_INLINE void transpose(Four<T> (&r)[4]) {
    const Four<T> a = __builtin_shufflevector(r[0], r[1], 0, 4, 1, 5),
                  b = __builtin_shufflevector(r[0], r[1], 2, 6, 3, 7);
    const Four<T> c = __builtin_shufflevector(r[2], r[3], 0, 4, 1, 5),
                  d = __builtin_shufflevector(r[2], r[3], 2, 6, 3, 7);
    r[0] = __builtin_shufflevector(a, c, 0, 1, 4, 5);
    r[1] = __builtin_shufflevector(a, c, 2, 3, 6, 7);
    r[2] = __builtin_shufflevector(b, d, 0, 1, 4, 5);
    r[3] = __builtin_shufflevector(b, d, 2, 3, 6, 7);
}

// Four terms at a time; what a store writes beyond its half is overwritten by the next one.
template <class T>
void pack_weights(std::int64_t count, std::int64_t terms, const T* w, std::int64_t stride, T* panel) {
    constexpr int fours = (tile_rows + 3) / 4;
    static constexpr T zeros[depth] = {};
    const T* rows[4 * fours];
    for (std::int64_t i = 0; i < 4 * fours; ++i) {
        rows[i] = i < count ? w + i * stride : zeros;
    }
    std::int64_t k = 0;
    for (; k + 4 < terms; k += 4) {
        Four<T> tile[fours][4];
#pragma GCC unroll 8
        for (int f = 0; f < fours; ++f) {
#pragma GCC unroll 8
            for (int i = 0; i < 4; ++i) {
                __builtin_memcpy(&tile[f][i], rows[4 * f + i] + k, sizeof(Four<T>));
            }
            transpose<T>(tile[f]);
        }
#pragma GCC unroll 8
        for (int t = 0; t < 4; ++t, panel += 2 * tile_rows) {
#pragma GCC unroll 8
            for (int f = 0; f < fours; ++f) {
                __builtin_memcpy(panel + 4 * f, &tile[f][t], sizeof(Four<T>));
            }
#pragma GCC unroll 8
            for (int f = 0; f < fours; ++f) {
                const Four<T> v = tile[f][t] < T(0) ? -tile[f][t] : tile[f][t];
                __builtin_memcpy(panel + tile_rows + 4 * f, &v, sizeof v);
            }
        }
    }
    for (; k < terms; ++k, panel += 2 * tile_rows) {
        for (int i = 0; i < tile_rows; ++i) {
            panel[i] = rows[i][k];
            panel[tile_rows + i] = abs(rows[i][k]);
        }
    }
}

// ---- the table

template <class T>
constexpr ProductKernels<T> product_kernels() {
    constexpr bool blocked = sizeof(T) == sizeof(float);
    return {
        .rows = tile_rows,
        .columns = tile_vectors * Lanes<T>::count,
        .depth = depth,
        .calls = blocked ? calls : 1,
        .mid_roundings = blocked ? chain + calls * chains - 1 : depth,
        .rad_roundings = blocked ? calls * depth : depth,
        .multiply = multiply<T>,
        .pack_weights = pack_weights<T>,
        .ahead = 2 * tile_vectors * GONOGO_VECTOR_BYTES / 64,
        .dot_rows = dot_rows,
        .dot_chain = dot_chain * Lanes<T>::count,
        .dot_roundings = dot_chain + 1,
        .dot_end_roundings = f64_lanes + 2,
        .dot = dot<T>,
        .inflate = inflate<T>,
        .finish = finish<T>,
    };
}

constexpr AffineKernels affine_kernels{product_kernels<float>(), product_kernels<double>()};

}  // namespace gonogo::numeric::GONOGO_TARGET
