#include "oracle.hpp"

#include <bit>
#include <cmath>
#include <limits>

namespace deep {

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

// The neighbour of y above; y finite or -inf.
double above(double y) {
    if (y == -inf) {
        return -std::numeric_limits<double>::max();
    }
    const auto b = std::bit_cast<std::int64_t>(y + 0.0);
    return std::bit_cast<double>(b + (b >= 0 ? 1 : -1));
}

// Of the number y (rounded down to its precision; exact when !inexact) to binary64.
Tightest round_both(mpfr_srcptr y, bool inexact) {
    const double down = mpfr_get_d(y, MPFR_RNDD);
    const bool exact = !inexact && mpfr_cmp_d(y, down) == 0;
    return {down, exact ? down : above(down), mpfr_get_ld(y, MPFR_RNDN)};
}

int direct(Name f, mpfr_ptr y, mpfr_srcptr x) {
    switch (f) {
        case Name::exp:
            return mpfr_exp(y, x, MPFR_RNDD);
        case Name::expm1:
            return mpfr_expm1(y, x, MPFR_RNDD);
        case Name::exp2:
            return mpfr_exp2(y, x, MPFR_RNDD);
        case Name::log:
            return mpfr_log(y, x, MPFR_RNDD);
        case Name::log1p:
            return mpfr_log1p(y, x, MPFR_RNDD);
        case Name::log2:
            return mpfr_log2(y, x, MPFR_RNDD);
        case Name::sin:
            return mpfr_sin(y, x, MPFR_RNDD);
        case Name::cos:
            return mpfr_cos(y, x, MPFR_RNDD);
        case Name::tanh:
            return mpfr_tanh(y, x, MPFR_RNDD);
        default:
            return mpfr_erf(y, x, MPFR_RNDD);
    }
}

}  // namespace

Oracle::Oracle() {
    for (auto& y : y_) {
        mpfr_init2(y, bits);
    }
    for (auto& s : s_) {
        mpfr_init2(s, bits);
    }
    for (auto* x : {&c_, &t_, &u_, &v_, &low_, &high_}) {
        mpfr_init2(*x, bits);
    }
}

Oracle::~Oracle() {
    for (auto& y : y_) {
        mpfr_clear(y);
    }
    for (auto& s : s_) {
        mpfr_clear(s);
    }
    for (auto* x : {&c_, &t_, &u_, &v_, &low_, &high_}) {
        mpfr_clear(*x);
    }
    mpfr_free_cache();
}

Tightest Oracle::tightest(Name f, double x) {
    if (f == Name::sigmoid || f == Name::softplus) {
        return bracket(f, x);
    }
    // Rounded down to 66 bits, then to 53: rounding down twice is rounding down once.
    mpfr_set_prec(t_, 66);
    mpfr_set_prec(u_, 53);
    mpfr_set_d(u_, x, MPFR_RNDN);
    return round_both(t_, direct(f, t_, u_) != 0);
}

// low_ <= f(x) <= high_ by directed steps; f(x) itself is no binary64 number but for sigmoid(0) (e^-x is transcendental
// for x != 0), so enough precision separates the two.
Tightest Oracle::bracket(Name f, double x) {
    if (f == Name::sigmoid && x == 0.0) {
        return {0.5, 0.5, 0.5L};
    }
    for (mpfr_prec_t precision = 128;; precision *= 2) {
        for (auto* n : {&t_, &u_, &low_, &high_}) {
            mpfr_set_prec(*n, precision);
        }
        // sigmoid: 1 / (1 + e^-x). softplus: max(x, 0) + log1p(e^-|x|). Both are monotone in the exponential.
        mpfr_set_d(t_, f == Name::sigmoid ? -x : -std::fabs(x), MPFR_RNDN);
        for (const bool up : {false, true}) {
            const mpfr_rnd_t with = up ? MPFR_RNDU : MPFR_RNDD, against = up ? MPFR_RNDD : MPFR_RNDU;
            mpfr_ptr y = up ? high_ : low_;
            if (f == Name::sigmoid) {
                mpfr_exp(u_, t_, against);
                mpfr_add_ui(u_, u_, 1, against);
                mpfr_ui_div(y, 1, u_, with);
            } else {
                mpfr_exp(u_, t_, with);
                mpfr_log1p(y, u_, with);
                if (x > 0.0) {
                    mpfr_add_d(y, y, x, with);
                }
            }
        }
        const Tightest a = round_both(low_, true);
        // For the upper end: the greatest number below it, so that both name the same gap.
        const double top = mpfr_get_d(high_, MPFR_RNDU);
        if (a.up == top) {
            return a;
        }
        if (precision > 20000) {  // can't happen; a wrong oracle must not look like a success
            return {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::quiet_NaN(), 0.0L};
        }
    }
}

double Oracle::multiple_of_ln2(long k, bool half) {
    mpfr_set_prec(t_, 256);
    mpfr_const_log2(t_, MPFR_RNDN);
    mpfr_mul_si(t_, t_, 2 * k + (half ? 1 : 0), MPFR_RNDN);
    mpfr_div_2ui(t_, t_, 1, MPFR_RNDN);
    return mpfr_get_d(t_, MPFR_RNDN);
}

double Oracle::multiple_of_half_pi(long k, bool half) {
    mpfr_set_prec(t_, 256);
    mpfr_const_pi(t_, MPFR_RNDN);
    mpfr_mul_si(t_, t_, 2 * k + (half ? 1 : 0), MPFR_RNDN);
    mpfr_div_2ui(t_, t_, 2, MPFR_RNDN);
    return mpfr_get_d(t_, MPFR_RNDN);
}

std::array<std::uint64_t, 2> Oracle::turns_of_power(long e) {
    mpfr_set_prec(t_, 128 + (e > 0 ? e : 0) + 128);
    mpfr_set_prec(u_, 128 + (e > 0 ? e : 0) + 128);
    mpfr_const_pi(t_, MPFR_RNDN);
    mpfr_mul_2ui(t_, t_, 1, MPFR_RNDN);
    mpfr_ui_div(t_, 1, t_, MPFR_RNDN);
    mpfr_mul_2si(t_, t_, e, MPFR_RNDN);
    mpfr_frac(t_, t_, MPFR_RNDN);
    static_assert(sizeof(unsigned long) == 8, "words come from mpfr_get_ui");
    std::array<std::uint64_t, 2> words{};
    for (auto& word : words) {
        mpfr_mul_2ui(t_, t_, 64, MPFR_RNDN);
        mpfr_floor(u_, t_);
        mpfr_sub(t_, t_, u_, MPFR_RNDN);
        word = mpfr_get_ui(u_, MPFR_RNDN);
    }
    return words;
}

}  // namespace deep
