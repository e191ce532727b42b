// The compile-time contract of the numeric room: IEEE 754 binary64, no wider intermediates, no re-association, no
// contraction. Every numeric header includes this one, so a translation unit with unsafe flags doesn't compile: an
// inline function built once with such flags could replace the strict copy in the whole program.
#pragma once

#include <cfloat>
#include <limits>

#if defined(__FAST_MATH__) || defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || \
    (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "gonogo/numeric must not be compiled with -ffast-math, -Ofast or any of their parts"
#endif
#if defined(_M_FP_FAST)
#error "gonogo/numeric must not be compiled with /fp:fast"
#endif
#if FLT_EVAL_METHOD != 0
#error "gonogo/numeric needs FLT_EVAL_METHOD == 0 (SSE2 or NEON, not x87)"
#endif

namespace gonogo::numeric {

static_assert(std::numeric_limits<double>::is_iec559 && std::numeric_limits<double>::digits == 53 &&
                  std::numeric_limits<double>::max_exponent == 1024,
              "double must be IEEE 754 binary64");
static_assert(std::numeric_limits<float>::is_iec559 && std::numeric_limits<float>::digits == 24,
              "float must be IEEE 754 binary32");

// GONOGO_NONRIGOROUS builds the negative control: every outward step and inflation is left out, so that the soundness
// tests can be seen to fail. It is never installed.
#ifdef GONOGO_NONRIGOROUS
inline constexpr bool rigorous = false;
#else
inline constexpr bool rigorous = true;
#endif

// "outward", or "none" in the negative control.
constexpr const char* rounding_name() {
    return rigorous ? "outward" : "none";
}

inline constexpr double infinity = std::numeric_limits<double>::infinity();
inline constexpr double largest = std::numeric_limits<double>::max();
inline constexpr double smallest_subnormal = std::numeric_limits<double>::denorm_min();

}  // namespace gonogo::numeric
