#include "gonogo/numeric/rounding.hpp"

#include <algorithm>

#include "scaled_integer.hpp"

#if defined(__SSE2__)
#include <emmintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#else
#error "gonogo/numeric: no square root instruction known for this processor"
#endif

namespace gonogo::numeric {

namespace detail {

namespace {

struct Truncated {
    double value;
    bool exact;
};

// Cuts to 53 bits, or to the subnormal grid 2^-1074, whichever is coarser. mantissa < 2^64 with bit length b: keeping
// the bits from place max(b - 53, -1074 - exponent) leaves an integer n < 2^53 and n * 2^place is a binary64 number.
Truncated truncate(const ScaledInteger& v) {
    if (v.mantissa == 0) {
        return {0.0, !v.sticky};
    }
    const auto length = std::int64_t{bit_length(v.mantissa)};
    std::uint64_t n = v.mantissa;
    std::int64_t exponent = v.exponent;
    bool exact = !v.sticky;
    const std::int64_t drop = std::max(length - 53, -1074 - exponent);
    if (drop >= 64) {
        return {0.0, false};
    }
    if (drop > 0) {
        exact = exact && (n & ((1ULL << drop) - 1)) == 0;
        n >>= drop;
        exponent += drop;
    } else if (length < 53) {
        // Room to the left: shift so that the leading bit is bit 52, but not below the grid.
        const std::int64_t shift = std::min(53 - length, exponent + 1074);
        n <<= shift;
        exponent -= shift;
    }
    if (n < (1ULL << 52)) {
        return {std::bit_cast<double>(n), exact};  // exponent == -1074: subnormal or zero
    }
    const std::int64_t biased = exponent + 1075;
    if (biased >= 0x7FF) {
        return {largest, false};
    }
    return {std::bit_cast<double>((static_cast<std::uint64_t>(biased) << 52) | (n & 0xFFFFFFFFFFFFFULL)), exact};
}

bool sign_of(double x) {
    return (std::bit_cast<std::uint64_t>(x) >> 63) != 0;
}

// Rounds (-1)^negative * value upward.
double signed_up(bool negative, const ScaledInteger& value) {
    return negative ? -magnitude_down(value) : magnitude_up(value);
}

}  // namespace

double magnitude_down(const ScaledInteger& value) {
    return truncate(value).value;
}

double magnitude_up(const ScaledInteger& value) {
    const Truncated t = truncate(value);
    return t.exact ? t.value : next_up(t.value);
}

double add_up_rare(double a, double b) {
    const double s = a + b;
    if (s != s) {
        return infinity;
    }
    // A finite sum whose TwoSum overflowed: only near the largest number. Halves are exact there and leave room.
    if (is_finite(s) && (a >= 1.0 || a <= -1.0) && (b >= 1.0 || b <= -1.0)) {
        return two_sum(0.5 * a, 0.5 * b).residual > 0.0 ? next_up(s) : s;
    }
    return next_up(s);
}

double mul_up_rare(double a, double b) {
    if (a == 0.0 || b == 0.0) {
        return 0.0;
    }
    const double p = a * b;
    if (!is_finite(a) || !is_finite(b)) {
        return p != p ? infinity : next_up(p);
    }
    // 53 x 53 bits in halves: (x1 2^32 + x0)(y1 2^32 + y0); y1, x1 < 2^21, so no partial sum leaves 64 bits.
    const ScaledInteger x = decompose(a);
    const ScaledInteger y = decompose(b);
    const std::uint64_t x0 = x.mantissa & 0xFFFFFFFFULL, x1 = x.mantissa >> 32;
    const std::uint64_t y0 = y.mantissa & 0xFFFFFFFFULL, y1 = y.mantissa >> 32;
    const std::uint64_t middle = x1 * y0 + x0 * y1 + ((x0 * y0) >> 32);
    const std::uint64_t high = x1 * y1 + (middle >> 32);
    const std::uint64_t low = (middle << 32) | ((x0 * y0) & 0xFFFFFFFFULL);
    // product = high 2^64 + low with high < 2^42: keep the 64 bits from the leading one down.
    const int shift = bit_length(high);
    const std::uint64_t kept = shift == 0 ? low : (high << (64 - shift)) | (low >> shift);
    const bool sticky = shift != 0 && (low & ((1ULL << shift) - 1)) != 0;
    return signed_up(sign_of(a) != sign_of(b), {kept, x.exponent + y.exponent + shift, sticky});
}

double div_up_rare(double a, double b) {
    if (a != a || b != b || b == 0.0) {
        return infinity;
    }
    if (a == 0.0 || !is_finite(b)) {
        return is_finite(a) ? 0.0 : infinity;
    }
    if (!is_finite(a)) {
        return next_up(a / b);
    }
    // Long division of the normalised mantissas, 62 quotient bits: x < 2y holds before every step, so 2x fits 64 bits.
    ScaledInteger x = decompose(a);
    ScaledInteger y = decompose(b);
    const int x_shift = 53 - bit_length(x.mantissa);
    const int y_shift = 53 - bit_length(y.mantissa);
    std::uint64_t rest = x.mantissa << x_shift;
    const std::uint64_t divisor = y.mantissa << y_shift;
    std::uint64_t quotient = 0;
    for (int i = 0; i < 62; ++i) {
        quotient <<= 1;
        if (rest >= divisor) {
            rest -= divisor;
            quotient |= 1;
        }
        rest <<= 1;
    }
    return signed_up(sign_of(a) != sign_of(b),
                     {quotient, (x.exponent - x_shift) - (y.exponent - y_shift) - 61, rest != 0});
}

}  // namespace detail

namespace {

double hardware_sqrt(double x) {
#if defined(__SSE2__)
    return _mm_cvtsd_f64(_mm_sqrt_sd(_mm_set_sd(0.0), _mm_set_sd(x)));
#else
    return vget_lane_f64(vsqrt_f64(vdup_n_f64(x)), 0);
#endif
}

// Sign of s*s - m for s in [1, 2], m in [1, 4): s*s = p + e exactly, p - m is exact (Sterbenz), and a rounded sum has
// the sign of the exact one.
double excess(double s, double m) {
    const auto [p, e] = detail::two_product(s, s);
    return (p - m) + e;
}

// sqrt(x) = sqrt(m) * 2^k with x = m * 4^k, 1 <= m < 4; `s` is the greatest double with s*s <= m, whatever the
// instruction returned to start with. Scaling back is exact: a square root is never subnormal and never overflows.
struct Root {
    double below;
    bool exact;
    double scale;
};

Root floor_root(double x) {
    detail::ScaledInteger v = detail::decompose(x);
    v.exponent += detail::bit_length(v.mantissa) - 1;  // x in [2^exponent, 2^(exponent+1))
    const std::int64_t k = (v.exponent - (v.exponent & 1)) / 2;
    const auto power = [](std::int64_t n) { return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52); };
    const double m = (x * power(-k)) * power(-k);  // both steps exact: x/2^k lies between x and m
    double s = hardware_sqrt(m);
    while (excess(s, m) > 0.0) {
        s = -detail::successor(-s);
    }
    while (excess(detail::successor(s), m) <= 0.0) {
        s = detail::successor(s);
    }
    return {s, excess(s, m) == 0.0, power(k)};
}

}  // namespace

double sqrt_down(double x) {
    if (!(x > 0.0)) {
        return 0.0;
    }
    if (!(x < infinity)) {
        return largest;
    }
    const Root r = floor_root(x);
    return r.below * r.scale;
}

double sqrt_up(double x) {
    if (x == 0.0) {
        return 0.0;
    }
    if (!(x > 0.0 && x < infinity)) {
        return infinity;
    }
    const Root r = floor_root(x);
    return (r.exact ? r.below : next_up(r.below)) * r.scale;
}

}  // namespace gonogo::numeric
