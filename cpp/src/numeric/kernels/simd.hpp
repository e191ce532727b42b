// Vectors of the instruction set that a kernel's translation unit is compiled for. A unit defines GONOGO_TARGET (the
// namespace of all it defines) and GONOGO_VECTOR_BYTES, includes this file first and nothing that holds inline
// functions of other namespaces: the linker would be free to take the copy compiled for the newest instruction set and
// use it everywhere (cpp/tests/kernel_objects.cmake looks for such copies).
//
// Kernels are templates over V = F64 or double: the same source is the scalar function and the vector one. Arithmetic
// is + - * / of the vector extensions of GCC and Clang, each lane an IEEE operation; -ffp-contract=off holds here too.
#pragma once

#include <cstdint>

#include "gonogo/numeric/strict.hpp"

#if !defined(GONOGO_TARGET) || !defined(GONOGO_VECTOR_BYTES)
#error "define GONOGO_TARGET and GONOGO_VECTOR_BYTES"
#endif

#if defined(__x86_64__) && GONOGO_VECTOR_BYTES > 16
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#error "kernels need the vector extensions of GCC or Clang (clang-cl on Windows)"
#endif

#define GONOGO_INLINE [[gnu::always_inline]] inline

namespace gonogo::numeric::GONOGO_TARGET {

using F64 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = double;
using F32 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = float;
using I64 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::int64_t;
using I32 [[gnu::vector_size(GONOGO_VECTOR_BYTES)]] = std::int32_t;
using HalfF32 [[gnu::vector_size(GONOGO_VECTOR_BYTES / 2)]] = float;

constexpr int f64_lanes = GONOGO_VECTOR_BYTES / 8;
constexpr int f32_lanes = GONOGO_VECTOR_BYTES / 4;

// mul_add rounds once where the instruction set has it, else twice. Proofs must cover both.
#if (defined(__x86_64__) && GONOGO_VECTOR_BYTES > 16) || defined(__aarch64__)
constexpr bool fused = true;
#else
constexpr bool fused = false;
#endif

template <class V>
GONOGO_INLINE V load(const void* p) {
    V v;
    __builtin_memcpy(&v, p, sizeof v);
    return v;
}

template <class V>
GONOGO_INLINE void store(void* p, V v) {
    __builtin_memcpy(p, &v, sizeof v);
}

// V{x, x, ...}, for V = double too
template <class V, class T>
GONOGO_INLINE V splat(T x) {
    if constexpr (sizeof(V) == sizeof(T)) {
        return x;
    } else {
        return x - V{};  // - keeps the sign of -0
    }
}

GONOGO_INLINE double mul_add(double a, double b, double c) {
    if constexpr (fused) {
        return __builtin_fma(a, b, c);
    } else {
        return a * b + c;
    }
}
GONOGO_INLINE float mul_add(float a, float b, float c) {
    if constexpr (fused) {
        return __builtin_fmaf(a, b, c);
    } else {
        return a * b + c;
    }
}
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
GONOGO_INLINE F64 mul_add(F64 a, F64 b, F64 c) {
    return _mm512_fmadd_pd(a, b, c);
}
GONOGO_INLINE F32 mul_add(F32 a, F32 b, F32 c) {
    return _mm512_fmadd_ps(a, b, c);
}
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
GONOGO_INLINE F64 mul_add(F64 a, F64 b, F64 c) {
    return _mm256_fmadd_pd(a, b, c);
}
GONOGO_INLINE F32 mul_add(F32 a, F32 b, F32 c) {
    return _mm256_fmadd_ps(a, b, c);
}
#elif defined(__aarch64__)
GONOGO_INLINE F64 mul_add(F64 a, F64 b, F64 c) {
    return (F64)vfmaq_f64((float64x2_t)c, (float64x2_t)a, (float64x2_t)b);
}
GONOGO_INLINE F32 mul_add(F32 a, F32 b, F32 c) {
    return (F32)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
GONOGO_INLINE F64 mul_add(F64 a, F64 b, F64 c) {
    return a * b + c;
}
GONOGO_INLINE F32 mul_add(F32 a, F32 b, F32 c) {
    return a * b + c;
}
#endif

// The bit patterns, and back.
GONOGO_INLINE I64 bits(F64 v) {
    return (I64)v;
}
GONOGO_INLINE std::int64_t bits(double v) {
    return __builtin_bit_cast(std::int64_t, v);
}
GONOGO_INLINE F64 from_bits(I64 v) {
    return (F64)v;
}
GONOGO_INLINE double from_bits(std::int64_t v) {
    return __builtin_bit_cast(double, v);
}

GONOGO_INLINE F64 abs(F64 v) {
    return from_bits(bits(v) & INT64_MAX);
}
GONOGO_INLINE double abs(double v) {
    return from_bits(bits(v) & INT64_MAX);
}
GONOGO_INLINE F32 abs(F32 v) {
    return (F32)((I32)v & INT32_MAX);
}
GONOGO_INLINE float abs(float v) {
    return __builtin_fabsf(v);
}

// Comparisons of vectors give I64 masks (all ones or zero per lane), of numbers bool.
GONOGO_INLINE F64 select(I64 mask, F64 a, F64 b) {
    return mask ? a : b;
}
GONOGO_INLINE I64 select(I64 mask, I64 a, I64 b) {
    return mask ? a : b;
}
GONOGO_INLINE double select(bool mask, double a, double b) {
    return mask ? a : b;
}
GONOGO_INLINE std::int64_t select(bool mask, std::int64_t a, std::int64_t b) {
    return mask ? a : b;
}

GONOGO_INLINE bool any(bool mask) {
    return mask;
}
GONOGO_INLINE bool any(I64 mask) {
#if defined(__x86_64__) && GONOGO_VECTOR_BYTES == 64
    return _mm512_test_epi64_mask((__m512i)mask, (__m512i)mask) != 0;
#elif defined(__x86_64__) && GONOGO_VECTOR_BYTES == 32
    return _mm256_testz_si256((__m256i)mask, (__m256i)mask) == 0;
#else
    return (mask[0] | mask[1]) != 0;
#endif
}

// min and max of numbers that aren't NaN.
template <class V>
GONOGO_INLINE V min(V a, V b) {
    return select(a < b, a, b);
}
template <class V>
GONOGO_INLINE V max(V a, V b) {
    return select(a > b, a, b);
}

// The lower and the upper half of the lanes, exactly.
GONOGO_INLINE F64 widen_low(F32 v) {
    HalfF32 half;
    __builtin_memcpy(&half, &v, sizeof half);
    return __builtin_convertvector(half, F64);
}
GONOGO_INLINE F64 widen_high(F32 v) {
    HalfF32 half;
    __builtin_memcpy(&half, reinterpret_cast<const char*>(&v) + sizeof half, sizeof half);
    return __builtin_convertvector(half, F64);
}

}  // namespace gonogo::numeric::GONOGO_TARGET
