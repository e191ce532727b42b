// Theorem 13. u = 2^-53. For one output let K >= 1 count its products and its bias, K <= 2^40, and let no operation
// overflow. Given |x_k - m_k| <= r_k, |w'_k - w_k| <= rho |w_k| and r'_k >= (1 + rho) r_k + (rho + g) |m_k| with g = K
// u (1 + 2^-12), let M and R be the computed sums of w_k m_k and |w_k| r'_k, in any order, with or without fma. Then
//     |sum w'_k x_k - M| <= R (1 + g) + K 2^-1072.
//
// Proof. (1) Every addition is fl(a + b) = (a + b)(1 + d), every product fl(ab) = ab (1 + d) + e, every fma
// (ab + c)(1 + d) + e, with |d| <= u, |e| <= 2^-1075 (an addition never underflows inexactly). A summation tree has
// at most K - 1 additions, so each term meets at most K factors (1 + d) and each e at most K - 1:
//     |M - sum w_k m_k| <= ((1+u)^K - 1) sum |w_k m_k| + K 2^-1075 (1+u)^(K-1) <= g sum |w_k||m_k| + K 2^-1074,
// by (1+u)^K - 1 <= K u / (1 - K u) and K u <= 2^-13.
// (2) |sum w'_k x_k - sum w_k m_k| <= sum |w_k| (|x_k - m_k| + rho |x_k|) <= sum |w_k| ((1 + rho) r_k + rho |m_k|).
// (3) By (1), (2) and the choice of r'_k the distance is at most S + K 2^-1074 with S = sum |w_k| r'_k. As in (1),
// R >= (1-u)^K S - K 2^-1074 (all terms >= 0), and 1 / (1-u)^K <= 1 / (1 - K u) <= 1 + g. Hence
// S <= (R + K 2^-1074)(1 + g), and S + K 2^-1074 <= R (1 + g) + K 2^-1072. QED
//
// A bias m_0 +- r_0 that starts the sums is such a term with weight 1 and no product. An overflow leaves an infinity or
// a NaN in M or R, and no later addition removes it: finish() then answers "entire".
#include "gonogo/numeric/affine.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace gonogo::numeric {

AffineBound::AffineBound(std::int64_t terms, double weight_relative_uncertainty) {
    if (terms < 0 || terms > (std::int64_t{1} << 40)) {
        throw std::invalid_argument("affine bound: the number of terms must be from 0 to 2^40");
    }
    const double rho = weight_relative_uncertainty;
    if (!(rho >= 0.0 && rho <= 1.0)) {
        throw std::invalid_argument("affine bound: the relative uncertainty of the weights must be from 0 to 1");
    }
    const auto k = static_cast<double>(terms);
    const double g = mul_up(k, 0x1p-53 * (1.0 + 0x1p-12));
    // inflate() rounds three times: a product or a sum, then two sums, each >= (1 - u) times the exact value less
    // 2^-1075 for the products. (1 - u)^3 (1 + 8u) >= 1, and adding 2^-1073 or more (here 2^-900) before the last
    // rounding covers the rest.
    const double slack = 1.0 + 0x1p-50;
    radius_factor_ = mul_up(add_up(1.0, rho), slack);
    midpoint_factor_ = mul_up(add_up(rho, g), slack);
    sum_factor_ = add_up(1.0, g);
    sum_underflow_ = k * 0x1p-1072;  // exact: 4k grid steps
}

Interval AffineBound::finish(double M, double R) const {
    if (!detail::is_finite(M) || !detail::is_finite(R)) {
        return Interval::entire();
    }
    if constexpr (!rigorous) {
        return {M - R, M + R};
    }
    const double radius = add_up(mul_up(R, sum_factor_), sum_underflow_);
    return {sub_down(M, radius), add_up(M, radius)};
}

namespace {

// Sums of one chunk stay in the first-level cache (8 KiB); four terms share each load and store of them. Written so
// that the compiler vectorises over outputs: no reduction, no aliasing.
constexpr std::int64_t chunk = 512;

void four_terms(const double* __restrict w0, std::int64_t stride, std::int64_t count, const double* __restrict mid,
                const double* __restrict rad, double* __restrict M, double* __restrict R) {
    const double *w1 = w0 + stride, *w2 = w1 + stride, *w3 = w2 + stride;
    const double m0 = mid[0], m1 = mid[1], m2 = mid[2], m3 = mid[3];
    const double r0 = rad[0], r1 = rad[1], r2 = rad[2], r3 = rad[3];
    for (std::int64_t o = 0; o < count; ++o) {
        M[o] = M[o] + w0[o] * m0 + w1[o] * m1 + w2[o] * m2 + w3[o] * m3;
        R[o] = R[o] + std::fabs(w0[o]) * r0 + std::fabs(w1[o]) * r1 + std::fabs(w2[o]) * r2 + std::fabs(w3[o]) * r3;
    }
}

void one_term(const double* __restrict w, std::int64_t count, double m, double r, double* __restrict M,
              double* __restrict R) {
    for (std::int64_t o = 0; o < count; ++o) {
        M[o] += w[o] * m;
        R[o] += std::fabs(w[o]) * r;
    }
}

}  // namespace

void affine_accumulate(const double* w, std::int64_t terms, std::int64_t outputs, const double* mid, const double* rad,
                       double* M, double* R) {
    for (std::int64_t first = 0; first < outputs; first += chunk) {
        const std::int64_t count = std::min(chunk, outputs - first);
        const double* row = w + first;
        std::int64_t k = 0;
        for (; k + 4 <= terms; k += 4, row += 4 * outputs) {
            four_terms(row, outputs, count, mid + k, rad + k, M + first, R + first);
        }
        for (; k < terms; ++k, row += outputs) {
            one_term(row, count, mid[k], rad[k], M + first, R + first);
        }
    }
}

void depthwise_accumulate(const double* __restrict w, std::int64_t channels, const double* __restrict mid,
                          const double* __restrict rad, double* __restrict M, double* __restrict R) {
    for (std::int64_t c = 0; c < channels; ++c) {
        M[c] += w[c] * mid[c];
        R[c] += std::fabs(w[c]) * rad[c];
    }
}

}  // namespace gonogo::numeric
