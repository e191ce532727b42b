// What the deep runs hold the elementary functions against: MPFR, and Taylor polynomials with MPFR coefficients. Shares
// no formula and no constant with the library, and calls no libm.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <mpfr.h>

namespace deep {

enum class Name : std::uint8_t { exp, expm1, exp2, log, log1p, log2, sin, cos, tanh, erf, sigmoid, softplus };

inline constexpr std::array<std::string_view, 12> name_texts = {"exp", "expm1", "exp2", "log", "log1p",   "log2",
                                                                "sin", "cos",   "tanh", "erf", "sigmoid", "softplus"};

inline std::string_view text_of(Name f) {
    return name_texts[static_cast<std::size_t>(f)];
}

// f has a real value at the finite number x.
inline bool in_domain(Name f, double x) {
    switch (f) {
        case Name::log:
        case Name::log2:
            return x > 0.0;
        case Name::log1p:
            return x > -1.0;
        default:
            return true;
    }
}

inline bool is_monotone(Name f) {
    return f != Name::sin && f != Name::cos;
}

// down <= f(x) <= up, the closest binary64 numbers (infinities included); value is f(x) to at least 60 bits.
struct Tightest {
    double down;
    double up;
    long double value;
    friend bool operator==(const Tightest& a, const Tightest& b) { return a.down == b.down && a.up == b.up; }
};

// f(c + d) = high + low + sum_k f[k] h^k + remainder with h = d * unit, |h| <= reach, where f[1] = slope_high +
// slope_low.
struct Series {
    double unit;  // a power of two: coefficients of huge or tiny c stay within range
    double reach;
    double high, low;
    double slope_high, slope_low;  // slope_high has at most 32 bits
    double f[7];                   // f[2] to f[6] are used
    double error;                  // absolute, of all that evaluate() does; +inf: this series is of no use
};

// Scratch numbers of MPFR; one per thread.
class Oracle {
  public:
    Oracle();
    ~Oracle();
    Oracle(const Oracle&) = delete;
    Oracle& operator=(const Oracle&) = delete;

    // x finite and in the domain. Never a wrong answer: sigmoid and softplus, which MPFR does not have, raise their
    // precision until the answer is certain.
    Tightest tightest(Name f, double x);

    // The series of f at c, for |d| <= reach.
    Series series(Name f, double c, double reach);

    // floor(2^128 frac(2^e / (2 pi))) as high and low half, -1100 < e < 1100.
    std::array<std::uint64_t, 2> turns_of_power(long e);

    // sin and 2 pi cos of 2 pi i / 4096, as Series{high, low, slope_high, slope_low} of t -> sin(2 pi (i/4096 + t)).
    Series sine_table_entry(int i);

    // Breakpoints: the closest binary64 numbers to (k + half/2) ln 2 and (k + half/2) pi/2.
    double multiple_of_ln2(long k, bool half);
    double multiple_of_half_pi(long k, bool half);

    // The greatest half-width of a block around c for which series() can be good.
    static double greatest_reach(Name f, double c);

  private:
    Tightest bracket(Name f, double x);
    void coefficients(Name f, double c, int exponent);
    static constexpr int bits = 192;
    mpfr_t y_[7], s_[7], c_, t_, u_, v_, low_, high_;
};

}  // namespace deep
