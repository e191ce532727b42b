// The Taylor coefficients and the error of the oracle.
//
// Let f be analytic near c, f_k = f^(k)(c) / k!, H = reach, u = 2^-53, and A = |f_2| H^2 + ... + |f_6| H^6. (For the
// logarithms of huge and tiny numbers, in units of a power of two near c: g -> f(c + g 2^e).)
//
// (1) Remainder. |sum_{k>=7} f_k h^k| <= T H^7 for |h| <= H, with the T that tail() gives, by Cauchy's estimate |f_k|
// <=
//     max_{|z-c|=1} |f(z)| or by the coefficients themselves; greatest_reach() keeps H <= 2^-10 (log family: H <= 2^-11
//     of the distance to the pole, so that the ratio of the tail's terms is below 2^-10):
//       exp expm1 exp2  f_k <= f_1 / k!                                T = f_1 / 2520
//       sin cos         |f_k| <= 1 / k!                                T = 1 / 2520
//       log log1p log2  |f_k| <= 1.4427 g^k / k, g = 1 / |c| or 1 / (1 + c)     T = g^7 / 2
//       tanh            f' = 1 - tanh^2; on the disc |tanh|^2 <= max(1, tan^2 1) < 2.43, hence |f_k| <= 3.43 / k: T = 1
//       erf             f' = 2/sqrt(pi) e^(-z^2), |e^(-z^2)| <= e on the disc, hence |f_k| <= 3.07 / k:      T = 1
//       sigmoid         on the disc |Im z| <= 1, so Re e^-z > 0 and |1 + e^-z| >= 1, |f| <= min(1, e^(c+1)), and e^c <=
//                       2 f_0 for c <= 0, f_0 >= 1/2 for c > 0:                                        T = 6 f_0
//       softplus        f' = sigmoid, f_k = sigmoid_(k-1) / k:                                         T = sigmoid(c)
// (2) Coefficients. Computed with 192 bits by at most 30 operations that lose at most 64 bits to cancellation (1 -
// tanh^2
//     and 1 - sigmoid near 1, where f_0 ~ 1 is the scale): below 2^-110 (|f_0| + |f_1| H + A). high + low holds f_0
//     within u^2 |f_0|, slope_high (32 bits, cut) + slope_low holds f_1 within 2^-31 u |f_1|.
// (3) Evaluation (evaluate() in check.cpp). h is exact. h = hh + hl with hh of at most 21 bits and |hl| <= 2^-20 H,
// both
//     exact; slope_high hh is exact, high + slope_high hh = value + r exactly (TwoSum). What remains is
//         rest = r + ((slope_high hl + slope_low h) + (h^2 (f_2 + ... ) + low)).
//     Rounding: slope_high hl: u 2^-20 |f_1| H; slope_low h: u 2^-31 |f_1| H; Horner with coefficients rounded to
//     binary64, h^2 and the product: 16 u A; the sums: each of the four has a relative error u on at most u |f_0| +
//     2^-19 |f_1| H + 1.1 A + u |value|. Altogether below 21 u A + 2^-17 u |f_1| H + 10 u^2 (|f_0| + |f_1| H). The same
//     with or without fused multiply-add (the file that evaluates is compiled without).
// (4) Comparison. An end L is accepted when RN(L - value) < RN(rest - error): if L - value >= b for a binary64 number
// b,
//     then RN(L - value) >= b. The rounding of rest - error is another u (|rest| + error), counted in the constants
//     below.
// (5) Underflow: |f_0| and |f_1 H| are kept above 2^-900 or the series is refused; what underflows is below 2^-1020,
// far
//     below u^2 |f_0|.
#include <cmath>
#include <limits>

#include "oracle.hpp"

namespace deep {

namespace {

constexpr double u = 0x1p-53;

double magnitude(mpfr_srcptr x) {
    return std::fabs(mpfr_get_d(x, MPFR_RNDA));
}

}  // namespace

double Oracle::greatest_reach(Name f, double c) {
    const double size = std::fabs(c);
    switch (f) {
        case Name::log:
        case Name::log2:
            return std::fmin(size * 0x1p-11, std::fabs(c - 1.0) * 0x1p-10);
        case Name::log1p:
            return std::fmin((1.0 + c) * 0x1p-11, size * 0x1p-10);
        default:
            return 0x1p-10;
    }
}

// y_[k] = f_k 2^(k exponent), k = 0..6; s_ and t_ .. v_ are scratch.
void Oracle::coefficients(Name f, double c, int exponent) {
    for (auto* x : {&c_, &t_, &u_, &v_}) {
        mpfr_set_prec(*x, bits);
    }
    mpfr_set_d(c_, c, MPFR_RNDN);
    // y_[k] = y_[k-1] * factor / k
    const auto geometric = [&](bool logarithm) {
        for (unsigned k = 2; k < 7; ++k) {
            mpfr_mul(y_[k], y_[k - 1], t_, MPFR_RNDN);
            if (logarithm) {
                mpfr_mul_ui(y_[k], y_[k], k - 1, MPFR_RNDN);
                mpfr_neg(y_[k], y_[k], MPFR_RNDN);
            }
            mpfr_div_ui(y_[k], y_[k], k, MPFR_RNDN);
        }
    };
    // s_ = the series of sigmoid: s' = s - s^2
    const auto sigmoid = [&] {
        mpfr_neg(t_, c_, MPFR_RNDN);
        mpfr_exp(t_, t_, MPFR_RNDN);
        mpfr_add_ui(u_, t_, 1, MPFR_RNDN);
        mpfr_ui_div(s_[0], 1, u_, MPFR_RNDN);
        mpfr_div(v_, t_, u_, MPFR_RNDN);  // 1 - s
        mpfr_mul(s_[1], s_[0], v_, MPFR_RNDN);
        for (unsigned k = 1; k < 6; ++k) {
            mpfr_set(t_, s_[k], MPFR_RNDN);
            for (unsigned i = 0; i <= k; ++i) {
                mpfr_mul(u_, s_[i], s_[k - i], MPFR_RNDN);
                mpfr_sub(t_, t_, u_, MPFR_RNDN);
            }
            mpfr_div_ui(s_[k + 1], t_, k + 1, MPFR_RNDN);
        }
    };
    switch (f) {
        case Name::exp:
        case Name::expm1:
            mpfr_exp(y_[1], c_, MPFR_RNDN);
            f == Name::exp ? mpfr_set(y_[0], y_[1], MPFR_RNDN) : mpfr_expm1(y_[0], c_, MPFR_RNDN);
            mpfr_set_ui(t_, 1, MPFR_RNDN);
            geometric(false);
            break;
        case Name::exp2:
            mpfr_exp2(y_[0], c_, MPFR_RNDN);
            mpfr_const_log2(t_, MPFR_RNDN);
            mpfr_mul(y_[1], y_[0], t_, MPFR_RNDN);
            geometric(false);
            break;
        case Name::log:
        case Name::log2:
            f == Name::log ? mpfr_log(y_[0], c_, MPFR_RNDN) : mpfr_log2(y_[0], c_, MPFR_RNDN);
            mpfr_ui_div(t_, 1, c_, MPFR_RNDN);
            mpfr_set(y_[1], t_, MPFR_RNDN);
            if (f == Name::log2) {
                mpfr_const_log2(u_, MPFR_RNDN);
                mpfr_div(y_[1], y_[1], u_, MPFR_RNDN);
            }
            geometric(true);
            break;
        case Name::log1p:
            mpfr_log1p(y_[0], c_, MPFR_RNDN);
            mpfr_add_ui(t_, c_, 1, MPFR_RNDN);
            mpfr_ui_div(t_, 1, t_, MPFR_RNDN);
            mpfr_set(y_[1], t_, MPFR_RNDN);
            geometric(true);
            break;
        case Name::sin:
        case Name::cos:
            f == Name::sin ? mpfr_sin_cos(y_[0], y_[1], c_, MPFR_RNDN) : mpfr_sin_cos(y_[1], y_[0], c_, MPFR_RNDN);
            if (f == Name::cos) {
                mpfr_neg(y_[1], y_[1], MPFR_RNDN);
            }
            for (unsigned k = 2; k < 7; ++k) {
                mpfr_div_ui(y_[k], y_[k - 2], k * (k - 1), MPFR_RNDN);
                mpfr_neg(y_[k], y_[k], MPFR_RNDN);
            }
            break;
        case Name::tanh:  // y' = 1 - y^2
            mpfr_tanh(y_[0], c_, MPFR_RNDN);
            for (unsigned k = 0; k < 6; ++k) {
                mpfr_set_ui(t_, k == 0 ? 1 : 0, MPFR_RNDN);
                for (unsigned i = 0; i <= k; ++i) {
                    mpfr_mul(u_, y_[i], y_[k - i], MPFR_RNDN);
                    mpfr_sub(t_, t_, u_, MPFR_RNDN);
                }
                mpfr_div_ui(y_[k + 1], t_, k + 1, MPFR_RNDN);
            }
            break;
        case Name::erf:  // w = 2/sqrt(pi) e^(-x^2): w_(k+1) = -2 (c w_k + w_(k-1)) / (k + 1)
            mpfr_erf(y_[0], c_, MPFR_RNDN);
            mpfr_sqr(t_, c_, MPFR_RNDN);
            mpfr_neg(t_, t_, MPFR_RNDN);
            mpfr_exp(s_[0], t_, MPFR_RNDN);
            mpfr_const_pi(t_, MPFR_RNDN);
            mpfr_rec_sqrt(t_, t_, MPFR_RNDN);
            mpfr_mul(s_[0], s_[0], t_, MPFR_RNDN);
            mpfr_mul_ui(s_[0], s_[0], 2, MPFR_RNDN);
            for (unsigned k = 0; k < 6; ++k) {
                mpfr_div_ui(y_[k + 1], s_[k], k + 1, MPFR_RNDN);
                mpfr_mul(t_, c_, s_[k], MPFR_RNDN);
                if (k > 0) {
                    mpfr_add(t_, t_, s_[k - 1], MPFR_RNDN);
                }
                mpfr_mul_si(t_, t_, -2, MPFR_RNDN);
                mpfr_div_ui(s_[k + 1], t_, k + 1, MPFR_RNDN);
            }
            break;
        case Name::sigmoid:
            sigmoid();
            for (unsigned k = 0; k < 7; ++k) {
                mpfr_set(y_[k], s_[k], MPFR_RNDN);
            }
            break;
        case Name::softplus:
            sigmoid();
            mpfr_set_d(t_, -std::fabs(c), MPFR_RNDN);
            mpfr_exp(t_, t_, MPFR_RNDN);
            mpfr_log1p(y_[0], t_, MPFR_RNDN);
            if (c > 0.0) {
                mpfr_add_d(y_[0], y_[0], c, MPFR_RNDN);
            }
            for (unsigned k = 1; k < 7; ++k) {
                mpfr_div_ui(y_[k], s_[k - 1], k, MPFR_RNDN);
            }
            break;
    }
    for (int k = 1; k < 7; ++k) {
        mpfr_mul_2si(y_[k], y_[k], static_cast<long>(k) * exponent, MPFR_RNDN);
    }
}

Series Oracle::series(Name f, double c, double distance) {
    const bool logarithm = f == Name::log || f == Name::log2 || f == Name::log1p;
    const int exponent =
        logarithm && !(c > 0x1p-100 && c < 0x1p100) && !(f == Name::log1p && c < 1.0) ? std::ilogb(c) : 0;
    Series s{};
    s.error = std::numeric_limits<double>::infinity();
    if (!(distance <= greatest_reach(f, c)) || exponent < -1000) {
        return s;
    }
    coefficients(f, c, exponent);
    s.unit = std::ldexp(1.0, -exponent);
    const double reach = s.reach = distance * s.unit;
    const double f0 = magnitude(y_[0]), f1 = magnitude(y_[1]);
    if (!(f0 > 0x1p-900 && f0 < 0x1p900 && f1 * reach > 0x1p-900 && f1 < 0x1p900)) {
        return s;
    }
    s.high = mpfr_get_d(y_[0], MPFR_RNDN);
    mpfr_sub_d(t_, y_[0], s.high, MPFR_RNDN);
    s.low = mpfr_get_d(t_, MPFR_RNDN);
    mpfr_set_prec(u_, 32);
    mpfr_set(u_, y_[1], MPFR_RNDZ);
    s.slope_high = mpfr_get_d(u_, MPFR_RNDN);
    mpfr_sub(t_, y_[1], u_, MPFR_RNDN);
    s.slope_low = mpfr_get_d(t_, MPFR_RNDN);
    double spread = 0.0;  // A
    for (int k = 2; k < 7; ++k) {
        s.f[k] = mpfr_get_d(y_[k], MPFR_RNDN);
        double power = 1.0;
        for (int i = 0; i < k; ++i) {
            power *= reach;
        }
        spread += magnitude(y_[k]) * power;
    }
    double tail = 1.0;
    switch (f) {
        case Name::exp:
        case Name::expm1:
        case Name::exp2:
            tail = f1 / 2520.0;
            break;
        case Name::sin:
        case Name::cos:
            tail = 1.0 / 2520.0;
            break;
        case Name::log:
        case Name::log2:
        case Name::log1p: {
            const double g = distance / (f == Name::log1p ? 1.0 + c : c);
            tail = 0.5 * g * g * g * g * g * g * g;
            break;
        }
        case Name::sigmoid:
            tail = 6.0 * f0;
            break;
        case Name::softplus:
            tail = f1;
            break;
        default:
            break;
    }
    if (!logarithm) {
        tail *= reach * reach * reach * reach * reach * reach * reach;
    }
    // Larger than derived above, which covers the roundings of this sum as well.
    s.error = 1.01 * tail + 26.0 * u * spread + 0x1p-16 * u * f1 * reach + 16.0 * u * u * (f0 + f1 * reach);
    return s;
}

Series Oracle::sine_table_entry(int i) {
    Series s{};
    mpfr_set_prec(t_, 256);
    mpfr_set_prec(u_, 256);
    mpfr_set_prec(v_, 256);
    mpfr_set_prec(c_, 256);
    mpfr_const_pi(c_, MPFR_RNDN);
    mpfr_mul_2ui(c_, c_, 1, MPFR_RNDN);
    mpfr_mul_ui(t_, c_, static_cast<unsigned>(i % 1024), MPFR_RNDN);  // the first quadrant: no zero but the exact one
    mpfr_div_2ui(t_, t_, 12, MPFR_RNDN);
    mpfr_sin_cos(u_, v_, t_, MPFR_RNDN);
    for (int quadrant = i / 1024; quadrant > 0; --quadrant) {  // (sin, cos) -> (cos, -sin)
        mpfr_swap(u_, v_);
        mpfr_neg(v_, v_, MPFR_RNDN);
    }
    s.high = mpfr_get_d(u_, MPFR_RNDN);
    mpfr_sub_d(t_, u_, s.high, MPFR_RNDN);
    s.low = mpfr_get_d(t_, MPFR_RNDN);
    mpfr_mul(v_, v_, c_, MPFR_RNDN);
    mpfr_set_prec(t_, 32);
    mpfr_set(t_, v_, MPFR_RNDZ);
    s.slope_high = mpfr_get_d(t_, MPFR_RNDN);
    mpfr_sub(v_, v_, t_, MPFR_RNDN);
    s.slope_low = mpfr_get_d(v_, MPFR_RNDN);
    return s;
}

}  // namespace deep
