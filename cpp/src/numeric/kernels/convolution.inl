// Sums of w * mid and |w| * rad over windows, every output in the order of its window, so that neither its place in a
// tile nor the number of threads changes a bit.
//
// Theorem 33 (docs/soundness.md) counts roundings: in binary32 a product meets at most convolution_chain in its chain
// and convolution_chains - 1 in its block on the way into M, at most all terms of convolution_radius_blocks blocks on
// the way into R, then one in binary64 per block; in binary64 at most one per term, and one. mul_add may round once or
// twice.
#include "numeric/kernels/convolution.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

template <class T>
struct WindowVector;
template <>
struct WindowVector<double> {
    using type = F64;
};
template <>
struct WindowVector<float> {
    using type = F32;
};

#if GONOGO_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr std::int64_t window_pixels = 6;  // with two vectors 24 of 32 registers hold sums
#else
constexpr std::int64_t window_pixels = 3;  // 12 of 16
#endif

// to[0..count) += from[0..count), count a multiple of the lanes
GONOGO_INLINE void add_widened(const double* from, int count, double* to) {
    for (int i = 0; i < count; i += f64_lanes) {
        store(to + i, load<F64>(to + i) + load<F64>(from + i));
    }
}
GONOGO_INLINE void add_widened(const float* from, int count, double* to) {
    for (int i = 0; i < count; i += f64_lanes) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
        const F64 v = _mm512_maskz_cvtps_pd(0xFF, _mm256_loadu_ps(from + i));  // unmasked, g++ 12 warns in its header
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
        const F64 v = _mm256_cvtps_pd(_mm_loadu_ps(from + i));
#else
        const F64 v = __builtin_convertvector(load<HalfF32>(from + i), F64);
#endif
        store(to + i, load<F64>(to + i) + v);
    }
}

// The sums of a tile on their way from registers to binary64.
template <class T, std::size_t Pixels, std::size_t Vectors>
struct WindowSums {
    using V = typename WindowVector<T>::type;
    static constexpr int pixels = static_cast<int>(Pixels);
    static constexpr int vectors = static_cast<int>(Vectors);
    static constexpr int lanes = static_cast<int>(sizeof(V) / sizeof(T));
    static constexpr int width = vectors * lanes;
    T buffer[Pixels * Vectors * sizeof(V) / sizeof(T)];

    // In memory, not in registers: the compiler can't see what is in it.
    GONOGO_INLINE T* memory() {
        T* at = buffer;
        asm("" : "+r"(at) : : "memory");
        return at;
    }
    GONOGO_INLINE void put(const V (&sums)[Pixels][Vectors], bool first) {
        T* at = memory();
#pragma GCC unroll 16
        for (int i = 0; i < pixels; ++i) {
#pragma GCC unroll 16
            for (int j = 0; j < vectors; ++j, at += lanes) {
                store(at, first ? sums[i][j] : load<V>(at) + sums[i][j]);
            }
        }
    }
    GONOGO_INLINE void move(double* to, std::int64_t step) {
        const T* from = memory();
        for (int i = 0; i < pixels; ++i) {
            add_widened(from + i * width, width, to + i * step);
        }
    }
};

// One term after the other: its weights are Vectors vectors, its midpoint and radius one broadcast per pixel.
template <class T, std::size_t Pixels, std::size_t Vectors>
void full_tile(const ConvolutionStrip<T>& s, std::int64_t first) {
    using Sums = WindowSums<T, Pixels, Vectors>;
    using V = typename Sums::V;
    Sums sums, radii;
    const T* mid[Pixels];
#pragma GCC unroll 16
    for (int i = 0; i < Sums::pixels; ++i) {
        mid[i] = s.image + s.pixels[first + i];
    }
    const T* weights = s.weights;
    const ConvolutionPiece* piece = s.pieces;
    std::int32_t flags = 0;
    do {
        V R[Pixels][Vectors] = {};
        do {
            V M[Pixels][Vectors] = {};
            do {
                std::int64_t q = piece->offset;
                std::int64_t r = q + s.to_rad;
                for (const T* const end = weights + piece->terms * Sums::width; weights != end;
                     weights += Sums::width, ++q, ++r) {
                    V w[Vectors];
#pragma GCC unroll 16
                    for (int j = 0; j < Sums::vectors; ++j) {
                        w[j] = load<V>(weights + j * Sums::lanes);
                    }
#pragma GCC unroll 16
                    for (int i = 0; i < Sums::pixels; ++i) {
                        const V x = splat<V>(mid[i][q]);
#pragma GCC unroll 16
                        for (int j = 0; j < Sums::vectors; ++j) {
                            M[i][j] = mul_add(w[j], x, M[i][j]);
                        }
                    }
#pragma GCC unroll 16
                    for (int j = 0; j < Sums::vectors; ++j) {
                        w[j] = abs(w[j]);
                    }
#pragma GCC unroll 16
                    for (int i = 0; i < Sums::pixels; ++i) {
                        const V x = splat<V>(mid[i][r]);
#pragma GCC unroll 16
                        for (int j = 0; j < Sums::vectors; ++j) {
                            R[i][j] = mul_add(w[j], x, R[i][j]);
                        }
                    }
                }
                flags = piece->flags;
                ++piece;
            } while (flags == 0);
            sums.put(M, (flags & ConvolutionPiece::first_chain) != 0);
            if ((flags & ConvolutionPiece::move_midpoints) != 0) {
                sums.move(s.M + first * Sums::width, Sums::width);
            }
        } while ((flags & ConvolutionPiece::move_radii) == 0);
        radii.put(R, true);
        radii.move(s.R + first * Sums::width, Sums::width);
    } while ((flags & ConvolutionPiece::last) == 0);
}

// Every channel for itself: midpoints and radii are vectors too.
template <class T, std::size_t Pixels>
void depthwise_tile(const ConvolutionStrip<T>& s, std::int64_t first, std::int64_t vector) {
    using Sums = WindowSums<T, Pixels, 1>;
    using V = typename Sums::V;
    Sums sums, radii;
    const T* mid[Pixels];
#pragma GCC unroll 16
    for (int i = 0; i < Sums::pixels; ++i) {
        mid[i] = s.image + s.pixels[first + i] + vector * Sums::lanes;
    }
    const T* weights = s.weights + vector * Sums::lanes;
    const ConvolutionPiece* piece = s.pieces;
    const std::int64_t step = s.vectors * Sums::lanes;
    const std::int64_t to = first * step + vector * Sums::lanes;
    std::int32_t flags = 0;
    do {
        V R[Pixels][1] = {};
        do {
            V M[Pixels][1] = {};
            do {
                const V w = load<V>(weights);
                const V a = abs(w);
                const std::int64_t q = piece->offset;
                const std::int64_t r = q + s.to_rad;
#pragma GCC unroll 16
                for (int i = 0; i < Sums::pixels; ++i) {
                    M[i][0] = mul_add(w, load<V>(mid[i] + q), M[i][0]);
                    R[i][0] = mul_add(a, load<V>(mid[i] + r), R[i][0]);
                }
                weights += s.weight_step;
                flags = piece->flags;
                ++piece;
            } while (flags == 0);
            sums.put(M, (flags & ConvolutionPiece::first_chain) != 0);
            if ((flags & ConvolutionPiece::move_midpoints) != 0) {
                sums.move(s.M + to, step);
            }
        } while ((flags & ConvolutionPiece::move_radii) == 0);
        radii.put(R, true);
        radii.move(s.R + to, step);
    } while ((flags & ConvolutionPiece::last) == 0);
}

// Tiles of window_pixels pixels, then one of the rest.
template <std::size_t Pixels, class Tile>
GONOGO_INLINE void rest_of_strip(std::int64_t first, std::int64_t count, const Tile& tile) {
    if constexpr (Pixels > 0) {
        if (count == static_cast<std::int64_t>(Pixels)) {
            return tile.template operator()<Pixels>(first);
        }
        rest_of_strip<Pixels - 1>(first, count, tile);
    }
}
template <class Tile>
GONOGO_INLINE void each_tile(std::int64_t count, const Tile& tile) {
    std::int64_t i = 0;
    for (; i + window_pixels <= count; i += window_pixels) {
        tile.template operator()<window_pixels>(i);
    }
    rest_of_strip<window_pixels - 1>(i, count - i, tile);
}

template <class T>
void full(const ConvolutionStrip<T>& s) {
    if (s.vectors == 1) {
        each_tile(s.count, [&]<std::size_t Pixels>(std::int64_t first) { full_tile<T, Pixels, 1>(s, first); });
    } else {
        each_tile(s.count, [&]<std::size_t Pixels>(std::int64_t first) { full_tile<T, Pixels, 2>(s, first); });
    }
}

template <class T>
void depthwise(const ConvolutionStrip<T>& s) {
    each_tile(s.count, [&]<std::size_t Pixels>(std::int64_t first) {
        for (std::int64_t vector = 0; vector < s.vectors; ++vector) {
            depthwise_tile<T, Pixels>(s, first, vector);
        }
    });
}

// ---- transposition: in step h = 1, 2, 4 ... rows r and r + h (bit h of r clear) exchange the lanes whose bit h is
// set in the one and clear in the other

template <int... I>
struct Indices {};
template <int N, int... I>
struct IndicesTo : IndicesTo<N - 1, N - 1, I...> {};
template <int... I>
struct IndicesTo<0, I...> {
    using type = Indices<I...>;
};

template <int h, class V, int... I>
GONOGO_INLINE void exchange(V& a, V& b, Indices<I...>) {
    constexpr int lanes = sizeof...(I);
    const V c = __builtin_shufflevector(a, b, ((I & h) == 0 ? I : lanes + I - h)...);
    b = __builtin_shufflevector(a, b, ((I & h) == 0 ? I + h : lanes + I)...);
    a = c;
}

template <int h, class V, std::size_t Lanes>
GONOGO_INLINE void transpose_step(V (&rows)[Lanes]) {
    constexpr int lanes = static_cast<int>(Lanes);
    if constexpr (h < lanes) {
#pragma GCC unroll 16
        for (int r = 0; r < lanes; ++r) {
            if ((r & h) == 0) {
                exchange<h>(rows[r], rows[r + h], typename IndicesTo<lanes>::type{});
            }
        }
        transpose_step<2 * h>(rows);
    }
}

template <class T>
void transpose(const T* from, std::int64_t from_step, std::int64_t rows, std::int64_t columns, T* to,
               std::int64_t to_step) {
    using V = typename WindowVector<T>::type;
    constexpr std::size_t count = sizeof(V) / sizeof(T);
    constexpr int lanes = static_cast<int>(count);
    const std::int64_t whole_rows = rows - rows % lanes;
    const std::int64_t whole_columns = columns - columns % lanes;
    for (std::int64_t c = 0; c < whole_columns; c += lanes) {  // outer: what is written together lies together
        for (std::int64_t r = 0; r < whole_rows; r += lanes) {
            V block[count];
#pragma GCC unroll 16
            for (int i = 0; i < lanes; ++i) {
                block[i] = load<V>(from + (r + i) * from_step + c);
            }
            transpose_step<1>(block);
#pragma GCC unroll 16
            for (int i = 0; i < lanes; ++i) {
                store(to + (c + i) * to_step + r, block[i]);
            }
        }
    }
    for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t c = r < whole_rows ? whole_columns : 0; c < columns; ++c) {
            to[c * to_step + r] = from[r * from_step + c];
        }
    }
}

template <class T>
constexpr ConvolutionKernels<T> convolution_kernels() {
    return {
        .lanes = sizeof(typename WindowVector<T>::type) / sizeof(T),
        .pixels = window_pixels,
        .full = full<T>,
        .depthwise = depthwise<T>,
        .transpose = transpose<T>,
    };
}

constexpr ConvolutionTable convolution_table{convolution_kernels<float>(), convolution_kernels<double>()};

}  // namespace gonogo::numeric::GONOGO_TARGET
