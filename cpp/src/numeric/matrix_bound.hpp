// The constants of Theorem 25 for interval dot products by the kernels of kernels/affine.hpp. Valid under
// EnvironmentGuard.
#pragma once

#include <algorithm>
#include <cstdint>

#include "gonogo/numeric/interval.hpp"

#include "numeric/kernels/affine.hpp"

namespace gonogo::numeric {

// How often rounding may hit one product on its way into the sums.
struct Roundings {
    std::int64_t mid;       // in T, its own included, into M: at most 4096 for float
    std::int64_t rad;       // the same into R
    std::int64_t binary64;  // additions in binary64 after that; all three together at most 2^40
};

// None of them more than the number of terms.
template <class T>
Roundings tile_roundings(const ProductKernels<T>& kernels, std::int64_t terms) {
    const std::int64_t block = kernels.depth * kernels.calls;
    return {std::min(kernels.mid_roundings, terms), std::min(kernels.rad_roundings, terms),
            (terms + block - 1) / block};
}

template <class T>
Roundings dot_roundings(const ProductKernels<T>& kernels, std::int64_t terms) {
    const std::int64_t in_type = std::min(kernels.dot_roundings, terms);
    return {in_type, in_type, terms / kernels.dot_chain + 1 + kernels.dot_end_roundings};
}

// For one output that sums up at most `terms` products, 0 <= terms <= 2^40; the true weight w' satisfies
// |w' - w| <= rho |w|, 0 <= rho <= 1. Else std::invalid_argument.
template <class T>
class ProductBound {
  public:
    ProductBound(std::int64_t terms, const Roundings& roundings, double rho);

    // for `inflate`
    Inflation<T> inflation() const { return inflation_; }
    // for `finish`
    double sum_factor() const { return sum_factor_; }
    double sum_underflow() const { return sum_underflow_; }

    // First values of the sums of an output with this bias; the calls of `multiply` then add to them (not `fresh`).
    void start(const Interval& bias, double& M, double& R) const;

  private:
    Inflation<T> inflation_;
    double sum_factor_;
    double sum_underflow_;
    double bias_factor_;
};

extern template class ProductBound<float>;
extern template class ProductBound<double>;

}  // namespace gonogo::numeric
