// Directed binary64 arithmetic in round-to-nearest: no mode switch, no libm, no fma. Valid under EnvironmentGuard.
//
// Theorems 3-6 of docs/soundness.md: for real (not NaN) operands `op_down(a, b) <= a op b <= op_up(a, b)`, with the
// conventions that suit interval ends: 0 * inf = 0, finite / inf = 0, and what has no value (inf - inf, inf / inf, x /
// 0) is unbounded in the direction asked for. add, sub, and in the range stated there mul and div, are the best
// possible.
#pragma once

#include <bit>
#include <cstdint>

#include "gonogo/numeric/strict.hpp"

namespace gonogo::numeric {

namespace detail {

// The neighbour of x in binary64. Bit patterns of one sign are ordered like the values, +0 and -0 count as one value.
inline double successor(double x) {
    if (!(x < infinity)) {
        return x;
    }
    const auto bits = std::bit_cast<std::int64_t>(x + 0.0);  // -0 becomes +0
    return std::bit_cast<double>(bits + (bits >= 0 ? 1 : -1));
}

inline bool is_finite(double x) {
    return x - x == 0.0;
}

struct Exact {
    double value;     // RN(a op b)
    double residual;  // a op b - value, exactly, or not finite
};

// Knuth's TwoSum: exact unless an intermediate overflows; an overflow leaves a residual that is not finite.
inline Exact two_sum(double a, double b) {
    const double s = a + b;
    const double bb = s - a;
    return {s, (a - (s - bb)) + (b - bb)};
}

// Dekker's product with Veltkamp splitting: exact when 2^-960 <= |value|; overflow leaves a residual that isn't finite.
inline Exact two_product(double a, double b) {
    constexpr double splitter = 0x1p27 + 1.0;
    const double p = a * b;
    const double ca = splitter * a;
    const double ah = ca - (ca - a);
    const double al = a - ah;
    const double cb = splitter * b;
    const double bh = cb - (cb - b);
    const double bl = b - bh;
    return {p, ((ah * bh - p) + ah * bl + al * bh) + al * bl};
}

inline constexpr double product_floor = 0x1p-960;

double add_up_rare(double a, double b);
double mul_up_rare(double a, double b);
double div_up_rare(double a, double b);

}  // namespace detail

// One step outward. The identity in the negative control.
inline double next_up(double x) {
    if constexpr (!rigorous) {
        return x;
    }
    return detail::successor(x);
}

inline double next_down(double x) {
    return -next_up(-x);
}

inline double add_up(double a, double b) {
    const auto [s, e] = detail::two_sum(a, b);
    if (detail::is_finite(e)) {
        return e > 0.0 ? next_up(s) : s;
    }
    return detail::add_up_rare(a, b);
}

inline double mul_up(double a, double b) {
    const auto [p, e] = detail::two_product(a, b);
    if ((p >= detail::product_floor || p <= -detail::product_floor) && detail::is_finite(e)) {
        return e > 0.0 ? next_up(p) : p;
    }
    return detail::mul_up_rare(a, b);
}

// q = RN(a / b); a - q*b = (a - p) - e exactly in the guarded range, and a / b - q has the sign of that over b.
inline double div_up(double a, double b) {
    const double q = a / b;
    const auto [p, e] = detail::two_product(q, b);
    const double q_abs = q < 0.0 ? -q : q;
    const double p_abs = p < 0.0 ? -p : p;
    if (q_abs >= detail::product_floor && p_abs >= detail::product_floor && detail::is_finite(e)) {
        const double d = a - p;
        const bool below = b > 0.0 ? d > e : d < e;
        return below ? next_up(q) : q;
    }
    return detail::div_up_rare(a, b);
}

inline double add_down(double a, double b) {
    return -add_up(-a, -b);
}
inline double sub_up(double a, double b) {
    return add_up(a, -b);
}
inline double sub_down(double a, double b) {
    return -add_up(b, -a);
}
inline double mul_down(double a, double b) {
    return -mul_up(-a, b);
}
inline double div_down(double a, double b) {
    return -div_up(-a, b);
}

// Bounds on the square root of x >= 0; sqrt_down(x) >= 0.
double sqrt_up(double x);
double sqrt_down(double x);

}  // namespace gonogo::numeric
