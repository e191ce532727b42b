// Enclosures of exp, expm1, log, tanh and sigmoid. u = 2^-53; constants come from tests/numeric/elementary_bounds.py,
// which bounds every operation below in exact rational arithmetic; proofs in docs/soundness.md.
//
// Theorem 8 (reduction). Let |x| <= 746, n the integer computed here, L1 + L2 ~ ln 2 as below. Then x - n L1 is
// computed exactly, and the reduced r = x - n ln 2 satisfies |r| <= 0.3466, |r - (high + low)| <= 2^-81 (= 0 for n =
// 0), |low| <= u/4. Theorem 9 (exp). e^r lies within exp_absolute of head + tail, and e^x = 2^n e^r. Theorem 10
// (expm1). For n = 0 the computed p satisfies |p - (e^x - 1 - x)| <= expm1_relative (e^x - 1 - x). Theorem 11 (log).
// For 0.707 < m < 1.4143 and s = m - 1 the computed c satisfies |c - (s - log m)| <= log_tail_relative (s - log m), and
// s >= log m. Theorem 12 (composition). tanh and sigmoid are increasing functions of one of the above; every end goes
// through directed operations only.
#include "gonogo/numeric/elementary.hpp"

#include <bit>
#include <cstdint>
#include <stdexcept>

namespace gonogo::numeric {

namespace {

constexpr double ln2_high = 0x1.62e42fefa2p-1;        // ln 2 cut to a multiple of 2^-40: n * ln2_high is exact
constexpr double ln2_low = 0x1.9ef35793c7673p-41;     // RN(ln 2 - ln2_high)
constexpr double inverse_ln2 = 0x1.71547652b82fep+0;  // RN(1 / ln 2)
constexpr double exp_absolute = 0x1.08p-55;           // 0.2578 u, derived: 0.2525 u
constexpr double expm1_relative = 0x1.9ap-52;         // 3.203 u, derived: 3.161 u
constexpr double log_tail_relative = 0x1.28p-51;      // 4.625 u, derived: 4.595 u
constexpr double log_low_absolute = 0x1p-80;          // rounding of rest + n ln2_low, error of n ln2_low

// In the negative control an error bound counts as nothing.
constexpr double outward(double bound) {
    return rigorous ? bound : 0.0;
}

constexpr double power_of_two(std::int64_t n) {  // -1022 <= n <= 1023
    return std::bit_cast<double>(static_cast<std::uint64_t>(n + 1023) << 52);
}

// p ~ e^r - 1 - r for |r| <= 0.3466: r^2/2 + r^3 (1/3! + r/4! + ... + r^11/14!). The square apart, because halving is
// exact.
double exponential_rest(double r) {
    constexpr double reciprocal_factorial[] = {
        1.0 / 6.0,      1.0 / 24.0,      1.0 / 120.0,      1.0 / 720.0,       1.0 / 5040.0,       1.0 / 40320.0,
        1.0 / 362880.0, 1.0 / 3628800.0, 1.0 / 39916800.0, 1.0 / 479001600.0, 1.0 / 6227020800.0, 1.0 / 87178291200.0};
    double q = reciprocal_factorial[11];
    for (int i = 10; i >= 0; --i) {
        q = q * r + reciprocal_factorial[i];
    }
    const double square = r * r;
    return 0.5 * square + (square * r) * q;
}

// 2^n (head + tail +- exp_absolute) encloses e^x; head is in [0.7, 1.42] up to rounding.
struct Exponential {
    std::int64_t n;
    double head;
    double tail;
};

Exponential exponential(double x) {
    // Adding 1.5 * 2^52 rounds to an integer; the result is an integer near x / ln 2 whatever the last bits are.
    constexpr double shifter = 0x1.8p52;
    const double n = (x * inverse_ln2 + shifter) - shifter;
    const auto [high, low] = detail::two_sum(x - n * ln2_high, -(n * ln2_low));
    const auto [head, rest] = detail::two_sum(1.0, high);
    return {static_cast<std::int64_t>(n), head, exponential_rest(high) + (rest + low * head)};
}

// v * 2^n rounded outward, v in [0.5, 2], |n| <= 1080: one exact scaling, or one and a directed one.
double scaled_down(double v, std::int64_t n) {
    if (n >= -1020 && n <= 1022) {
        return v * power_of_two(n);
    }
    return n > 0 ? mul_down(v * power_of_two(n - 64), 0x1p64) : mul_down(v * power_of_two(n + 64), 0x1p-64);
}

double scaled_up(double v, std::int64_t n) {
    if (n >= -1020 && n <= 1022) {
        return v * power_of_two(n);
    }
    return n > 0 ? mul_up(v * power_of_two(n - 64), 0x1p64) : mul_up(v * power_of_two(n + 64), 0x1p-64);
}

Interval clamp(const Interval& a, double lo, double hi) {
    return {a.lo > lo ? a.lo : lo, a.hi < hi ? a.hi : hi};
}

}  // namespace

Interval exp_at(double x) {
    if (x == 0.0) {
        return {1.0, 1.0};
    }
    if (!(x <= 710.0)) {  // e^710 > 2^1024
        return x != x ? Interval{0.0, infinity} : Interval{largest, infinity};
    }
    if (x < -746.0) {  // e^-746 < 2^-1074
        return {0.0, x == -infinity ? 0.0 : next_up(0.0)};
    }
    const Exponential e = exponential(x);
    constexpr double delta = outward(exp_absolute);
    return {scaled_down(add_down(e.head, sub_down(e.tail, delta)), e.n),
            scaled_up(add_up(e.head, add_up(e.tail, delta)), e.n)};
}

Interval expm1_at(double x) {
    if (x == 0.0) {
        return {x, x};
    }
    const double size = x < 0.0 ? -x : x;
    if (size < 0x1p-100) {  // x < e^x - 1 < x + x^2, and x^2 is less than the step above x
        return {x, next_up(x)};
    }
    if (size < 0.34) {  // n = 0: e^x - 1 = x + p
        const double p = exponential_rest(x);
        constexpr double delta = outward(expm1_relative);
        return {add_down(x, mul_down(p, sub_down(1.0, delta))), add_up(x, mul_up(p, add_up(1.0, delta)))};
    }
    if (!(size <= 40.0)) {
        const Interval e = exp_at(x);
        return {sub_down(e.lo, 1.0), sub_up(e.hi, 1.0)};
    }
    // 2^n (head - 2^-n) + 2^n (tail +- delta): head - 2^-n loses little or nothing, so small results keep their digits.
    const Exponential e = exponential(x);
    const double power = power_of_two(e.n);
    const double head = e.head * power;
    constexpr double delta = outward(exp_absolute);
    return clamp({add_down(sub_down(head, 1.0), sub_down(e.tail, delta) * power),
                  add_up(sub_up(head, 1.0), add_up(e.tail, delta) * power)},
                 -1.0, infinity);
}

Interval log_at(double x) {
    if (!(x > 0.0)) {
        return x == 0.0 ? Interval{-infinity, -largest} : Interval::entire();
    }
    if (!(x < infinity)) {
        return {largest, infinity};
    }
    // x = 2^n m, exactly
    const bool subnormal = x < 0x1p-1022;
    const auto bits = std::bit_cast<std::uint64_t>(subnormal ? x * 0x1p54 : x);
    std::int64_t n = static_cast<std::int64_t>(bits >> 52) - 1023 - (subnormal ? 54 : 0);
    double m = std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFULL) | 0x3FF0000000000000ULL);
    if (m > 0x1.6a09e667f3bcdp0) {
        m *= 0.5;
        ++n;
    }
    // log m = 2 atanh f = 2 f + f t = s - f (s - t), with f = s / (2 + s) and t = 2 f^2/3 + 2 f^4/5 + ... + 2 f^20/21
    const double s = m - 1.0;
    const double f = s / (2.0 + s);
    const double z = f * f;
    constexpr double coefficient[] = {2.0 / 3.0,  2.0 / 5.0,  2.0 / 7.0,  2.0 / 9.0,  2.0 / 11.0,
                                      2.0 / 13.0, 2.0 / 15.0, 2.0 / 17.0, 2.0 / 19.0, 2.0 / 21.0};
    double q = coefficient[9];
    for (int i = 8; i >= 0; --i) {
        q = q * z + coefficient[i];
    }
    const double c = f * (s - z * q);
    constexpr double relative = outward(log_tail_relative);
    const double c_up = mul_up(c, add_up(1.0, relative));
    const double c_down = mul_down(c, sub_down(1.0, relative));
    if (n == 0) {
        return {sub_down(s, c_up), sub_up(s, c_down)};
    }
    const auto k = static_cast<double>(n);
    const auto [head, rest] = detail::two_sum(k * ln2_high, s);
    const double low = rest + k * ln2_low;
    constexpr double delta = outward(log_low_absolute);
    return {add_down(head, sub_down(sub_down(low, c_up), delta)), add_up(head, add_up(sub_up(low, c_down), delta))};
}

// tanh |x| = t(E) with E = e^(2|x|) - 1 and t(E) = E / (E + 2) = 1 - 2 / (E + 2), increasing; the second form keeps
// more digits for large E. 0 <= tanh |x| <= min(1, |x|).
Interval tanh_at(double x) {
    const double size = x < 0.0 ? -x : x;
    Interval t{0.0, 0.0};
    if (size > 22.0) {  // 1 - tanh 22 = 2 / (e^44 + 1) < 2^-61
        t = {next_down(1.0), 1.0};
    } else if (size > 0.0) {
        const Interval e = expm1_at(2.0 * size);
        if (e.hi <= 2.0) {
            t = {div_down(e.lo, add_up(e.lo, 2.0)), div_up(e.hi, add_down(e.hi, 2.0))};
        } else {
            t = {sub_down(1.0, div_up(2.0, add_down(e.lo, 2.0))), sub_up(1.0, div_down(2.0, add_up(e.hi, 2.0)))};
        }
        t = clamp(t, 0.0, size < 1.0 ? size : 1.0);
    }
    return x < 0.0 ? -t : t;
}

// sigmoid(x) = 1 / (1 + e^-x) for x >= 0 and e^x / (1 + e^x) for x < 0: the exponential never exceeds 1.
Interval sigmoid_at(double x) {
    if (x >= 0.0) {
        const Interval e = exp_at(-x);
        return clamp({div_down(1.0, add_up(1.0, e.hi)), div_up(1.0, add_down(1.0, e.lo))}, 0.5, 1.0);
    }
    const Interval e = exp_at(x);
    return clamp({div_down(e.lo, add_up(1.0, e.lo)), div_up(e.hi, add_down(1.0, e.hi))}, 0.0, 0.5);
}

namespace {

template <Interval (*at)(double)>
Interval increasing(const Interval& a) {
    const Interval low = at(a.lo);
    return a.is_point() ? low : Interval{low.lo, at(a.hi).hi};
}

}  // namespace

Interval exp(const Interval& a) {
    return increasing<exp_at>(a);
}
Interval expm1(const Interval& a) {
    return increasing<expm1_at>(a);
}
Interval tanh(const Interval& a) {
    return increasing<tanh_at>(a);
}
Interval sigmoid(const Interval& a) {
    return increasing<sigmoid_at>(a);
}

Interval log(const Interval& a) {
    if (a.hi < 0.0) {
        throw std::domain_error("logarithm of an interval below zero");
    }
    return {a.lo <= 0.0 ? -infinity : log_at(a.lo).lo, log_at(a.hi).hi};
}

ElementaryConstants elementary_constants() {
    return {ln2_high, ln2_low, inverse_ln2, exp_absolute, expm1_relative, log_tail_relative, log_low_absolute};
}

}  // namespace gonogo::numeric
