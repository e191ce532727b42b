// Affine maps of boxes: f64 midpoint/radius kernels in round-to-nearest with an a-priori error bound that holds for
// every summation order, with and without fma (Theorem 13 of docs/soundness.md). Valid under EnvironmentGuard.
//
// Use, for one output o of y = sum_k w[k] x[k] + bias with x[k] in [lo[k], hi[k]]:
//     AffineBound bound(terms);                       // terms >= number of products + 1 for the bias
//     mid[k] = midpoint(lo[k], hi[k]);                // once per input
//     rad[k] = bound.inflate(mid[k], radius_up(mid[k], lo[k], hi[k]));
//     bound.start(bias, M[o], R[o]);                  // or M = R = 0 without a bias
//     affine_accumulate(w, ..., mid, rad, M, R);      // in pieces, in any order
//     y[o] = bound.finish(M[o], R[o]);
#pragma once

#include <cstdint>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// Some finite number near the middle of [lo, hi]; x itself for [x, x]; 0 when an end isn't finite.
inline double midpoint(double lo, double hi) {
    const double m = 0.5 * lo + 0.5 * hi;
    if (!detail::is_finite(m)) {
        return 0.0;
    }
    return lo == hi ? lo : m;
}

// Upper bound on the distance from mid to the points of [lo, hi]; +inf when there is none.
inline double radius_up(double mid, double lo, double hi) {
    const double above = sub_up(hi, mid);
    const double below = sub_up(mid, lo);
    return above > below ? above : below;
}

class AffineBound {
  public:
    // The most products and bias terms that one output sums up, 0 <= terms <= 2^40, and the relative uncertainty rho of
    // the weights, 0 <= rho <= 1: the true weight w' satisfies |w' - w| <= rho * |w|. Else std::invalid_argument.
    explicit AffineBound(std::int64_t terms, double weight_relative_uncertainty = 0.0);

    // The radius to accumulate for an input in [mid - rad, mid + rad].
    double inflate(double mid, double rad) const {
        if constexpr (!rigorous) {
            return rad;
        }
        const double mid_abs = mid < 0.0 ? -mid : mid;
        return (rad * radius_factor_ + mid_abs * midpoint_factor_) + inflate_underflow;
    }

    // First values of the sums for an output with this bias. The bias must come in here (or with weight 1 as an input):
    // a bias added to M alone leaves its share of the rounding error out of R.
    void start(const Interval& bias, double& M, double& R) const {
        M = midpoint(bias.lo, bias.hi);
        R = inflate(M, radius_up(M, bias.lo, bias.hi));
    }

    // Encloses sum_k w'[k] x[k] + bias for all inputs of the boxes and all weights within rho; entire when a sum
    // overflowed.
    Interval finish(double M, double R) const;

  private:
    // The proof needs 2^-1073. A normal number instead: zeros are common, and products of weights with a subnormal
    // radius cost an order of magnitude more time.
    static constexpr double inflate_underflow = 0x1p-900;
    double radius_factor_;
    double midpoint_factor_;
    double sum_factor_;
    double sum_underflow_;
};

// M[o] += sum_k w[k * outputs + o] * mid[k],  R[o] += sum_k |w[k * outputs + o]| * rad[k].
// w is terms x outputs, row-major; the arrays don't overlap.
void affine_accumulate(const double* w, std::int64_t terms, std::int64_t outputs, const double* mid, const double* rad,
                       double* M, double* R);

// One tap of a depthwise convolution: M[c] += w[c] * mid[c],  R[c] += |w[c]| * rad[c].
void depthwise_accumulate(const double* w, std::int64_t channels, const double* mid, const double* rad, double* M,
                          double* R);

}  // namespace gonogo::numeric
