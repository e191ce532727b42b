// Sums of products of small integers. Products, and the sums of two or four of them that one instruction forms, are
// exact in 32 bits; additions to the running sum wrap around and never saturate. That is arithmetic modulo 2^32.
#if defined(__x86_64__)
#include <emmintrin.h>
#endif

#include "numeric/kernels/integer.hpp"

namespace gonogo::numeric::GONOGO_TARGET {

using U32 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::uint32_t;
using I16 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::int16_t;
using I8 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::int8_t;

constexpr int word_lanes = GONOGO_VECTOR_BYTES / 4;
#if GONOGO_VECTOR_BYTES == 64 || defined(__aarch64__)
constexpr std::int64_t word_pixels = 6;
#else
constexpr std::int64_t word_pixels = 4;
#endif

// sum + low half of x * low half of w + high half of x * high half of w, as signed int16. x and w are at most 510 in
// magnitude, so the pair's sum is exact.
GONOGO_INLINE U32 add_pairs(U32 sum, U32 x, U32 w) {
#if defined(GONOGO_VNNI)
    return (U32)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    return sum + (U32)_mm512_madd_epi16((__m512i)x, (__m512i)w);
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
    return sum + (U32)_mm256_madd_epi16((__m256i)x, (__m256i)w);
#elif defined(__x86_64__)
    return sum + (U32)_mm_madd_epi16((__m128i)x, (__m128i)w);
#else
    const I32 low = ((I32)(x << 16) >> 16) * ((I32)(w << 16) >> 16);
    const I32 high = ((I32)x >> 16) * ((I32)w >> 16);
    return sum + (U32)low + (U32)high;
#endif
}

struct Pairs {
    using Element = I16;
    GONOGO_INLINE static U32 add(U32 sum, U32 x, U32 w) { return add_pairs(sum, x, w); }
};

#if defined(GONOGO_VNNI)
// Four products of uint8 x and int8 w. VPDPBUSD, not VPDPBUSDS: it doesn't saturate.
struct Bytes {
    using Element = I8;
    GONOGO_INLINE static U32 add(U32 sum, U32 x, U32 w) {
        return (U32)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x, (__m512i)w);
    }
};
#endif

template <Weighted weighted, class Element>
GONOGO_INLINE U32 chosen(U32 words) {
    const Element w = (Element)words;
    if constexpr (weighted == Weighted::positive) {
        return (U32)(w & (w > 0));
    } else if constexpr (weighted == Weighted::negative) {
        return (U32)(w & (w < 0));
    } else {
        return words;
    }
}

template <class Dot, Weighted weighted, std::size_t Pixels, std::size_t Vectors>
void word_tile(const IntegerStrip& s, std::int64_t first) {
    constexpr int pixels = static_cast<int>(Pixels);
    constexpr int vectors = static_cast<int>(Vectors);
    constexpr std::int64_t width = vectors * GONOGO_VECTOR_BYTES;
    const char* image[Pixels];
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) {
        image[i] = s.image + s.pixels[first + i] * s.element;
    }
    U32 sums[Pixels][Vectors] = {};
    const char* weights = s.weights;
    for (const IntegerPiece* piece = s.pieces; piece != s.pieces + s.piece_count; ++piece) {
        std::int64_t at = piece->offset;
        for (const char* const end = weights + piece->words * width; weights != end; weights += width, at += 4) {
            U32 w[Vectors];
#pragma GCC unroll 16
            for (int j = 0; j < vectors; ++j) {
                w[j] = chosen<weighted, typename Dot::Element>(load<U32>(weights + j * GONOGO_VECTOR_BYTES));
            }
#pragma GCC unroll 16
            for (int i = 0; i < pixels; ++i) {
                const U32 x = splat<U32>(load<std::uint32_t>(image[i] + at));
#pragma GCC unroll 16
                for (int j = 0; j < vectors; ++j) {
                    sums[i][j] = Dot::add(sums[i][j], x, w[j]);
                }
            }
        }
    }
    std::int32_t* to = s.sums + first * vectors * word_lanes;
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) {
#pragma GCC unroll 16
        for (int j = 0; j < vectors; ++j, to += word_lanes) {
            store(to, load<U32>(to) + sums[i][j]);
        }
    }
}

template <Weighted weighted, std::size_t Pixels>
void depthwise_words(const IntegerStrip& s, std::int64_t first, std::int64_t vector) {
    constexpr int pixels = static_cast<int>(Pixels);
    const char* image[Pixels];
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) {
        image[i] = s.image + s.pixels[first + i] * s.element + vector * GONOGO_VECTOR_BYTES;
    }
    U32 sums[Pixels] = {};
    const char* weights = s.weights + vector * GONOGO_VECTOR_BYTES;
    for (const IntegerPiece* piece = s.pieces; piece != s.pieces + s.piece_count; ++piece) {
        // The upper half of a weight is zero.
        const U32 w = chosen<weighted, I16>(load<U32>(weights));
        weights += s.weight_step * 4;
#pragma GCC unroll 16
        for (int i = 0; i < pixels; ++i) {
            sums[i] = add_pairs(sums[i], load<U32>(image[i] + piece->offset), w);
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < pixels; ++i) {
        std::int32_t* to = s.sums + ((first + i) * s.vectors + vector) * word_lanes;
        store(to, load<U32>(to) + sums[i]);
    }
}

template <std::size_t Pixels, class Tile>
GONOGO_INLINE void rest_of_words(std::int64_t first, std::int64_t count, const Tile& tile) {
    if constexpr (Pixels > 0) {
        if (count == static_cast<std::int64_t>(Pixels)) {
            return tile.template operator()<Pixels>(first);
        }
        rest_of_words<Pixels - 1>(first, count, tile);
    }
}
template <class Tile>
GONOGO_INLINE void each_word_tile(std::int64_t count, const Tile& tile) {
    std::int64_t i = 0;
    for (; i + word_pixels <= count; i += word_pixels) {
        tile.template operator()<word_pixels>(i);
    }
    rest_of_words<word_pixels - 1>(i, count - i, tile);
}

template <class Dot, Weighted weighted>
void full_words(const IntegerStrip& s) {
    each_word_tile(s.count, [&]<std::size_t Pixels>(std::int64_t first) {
        s.vectors == 1 ? word_tile<Dot, weighted, Pixels, 1>(s, first) : word_tile<Dot, weighted, Pixels, 2>(s, first);
    });
}

template <Weighted weighted>
void depthwise_strip(const IntegerStrip& s) {
    each_word_tile(s.count, [&]<std::size_t Pixels>(std::int64_t first) {
        for (std::int64_t vector = 0; vector < s.vectors; ++vector) {
            depthwise_words<weighted, Pixels>(s, first, vector);
        }
    });
}

template <class Dot>
void full_integers(const IntegerStrip& s) {
    s.weighted == Weighted::all        ? full_words<Dot, Weighted::all>(s)
    : s.weighted == Weighted::positive ? full_words<Dot, Weighted::positive>(s)
                                       : full_words<Dot, Weighted::negative>(s);
}

inline void depthwise_integers(const IntegerStrip& s) {
    s.weighted == Weighted::all        ? depthwise_strip<Weighted::all>(s)
    : s.weighted == Weighted::positive ? depthwise_strip<Weighted::positive>(s)
                                       : depthwise_strip<Weighted::negative>(s);
}

template <class T>
void convert_integers(std::int64_t count, const std::int32_t* lo, const std::int32_t* hi, std::int32_t offset, T* to) {
    if (hi == nullptr) {
        for (std::int64_t i = 0; i < count; ++i) {
            to[i] = static_cast<T>(lo[i] - offset);
        }
    } else {
        for (std::int64_t i = 0; i < count; ++i) {
            to[i] = static_cast<T>(hi[i] - lo[i]);
        }
    }
}

constexpr IntegerKernels integer_kernels{
    .lanes = word_lanes,
#if defined(GONOGO_VNNI)
    .bytes = full_integers<Bytes>,
#else
    .bytes = nullptr,
#endif
    .pairs = full_integers<Pairs>,
    .depthwise = depthwise_integers,
    .to_uint8 = convert_integers<std::uint8_t>,
    .to_int16 = convert_integers<std::int16_t>,
    .to_int32 = convert_integers<std::int32_t>,
};

}  // namespace gonogo::numeric::GONOGO_TARGET
