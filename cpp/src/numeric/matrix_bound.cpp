#include "numeric/matrix_bound.hpp"

#include <bit>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "gonogo/numeric/affine.hpp"

namespace gonogo::numeric {

namespace {

// The least T >= x, for 0 <= x <= 4.
template <class T>
T at_least(double x) {
    if constexpr (std::is_same_v<T, double>) {
        return x;
    } else {
        const auto nearest = static_cast<float>(x);
        return static_cast<double>(nearest) >= x ? nearest
                                                 : std::bit_cast<float>(std::bit_cast<std::int32_t>(nearest) + 1);
    }
}

}  // namespace

template <class T>
ProductBound<T>::ProductBound(std::int64_t terms, const Roundings& roundings, double rho) {
    constexpr bool is_float = std::is_same_v<T, float>;
    constexpr double u = is_float ? 0x1p-24 : 0x1p-53;
    constexpr std::int64_t most = std::int64_t{1} << 40;
    constexpr std::int64_t most_in_type = is_float ? 4096 : most;
    if (terms < 0 || terms > most) {
        throw std::invalid_argument("product bound: the number of terms must be from 0 to 2^40");
    }
    if (!(rho >= 0.0 && rho <= 1.0)) {
        throw std::invalid_argument("product bound: the relative uncertainty of the weights must be from 0 to 1");
    }
    if (roundings.mid > most_in_type || roundings.rad > most_in_type || roundings.binary64 > most) {
        throw std::invalid_argument("product bound: too many roundings");
    }
    // At most 2^53: counts are exact, and so are their products with powers of two.
    const double late = static_cast<double>(roundings.binary64) * 0x1p-53;
    const double g = mul_up(add_up(static_cast<double>(roundings.mid) * u, late), 1.0 + 0x1p-10);
    const double h = mul_up(add_up(static_cast<double>(roundings.rad) * u, late), 1.0 + 0x1p-10);
    // Theorem 26: the roundings of `inflate`.
    inflation_.radius_factor = at_least<T>(mul_up(add_up(1.0, rho), 1.0 + 8.0 * u));
    inflation_.midpoint_factor = at_least<T>(mul_up(add_up(rho, g), 1.0 + 8.0 * u));
    // Theorem 27: those of `finish`.
    sum_factor_ = mul_up(add_up(1.0, h), 1.0 + 0x1p-50);
    sum_underflow_ = static_cast<double>(terms + 1) * (is_float ? 0x1p-146 : 0x1p-1070);
    bias_factor_ = mul_up(late, 1.0 + 0x1p-10);
}

template <class T>
void ProductBound<T>::start(const Interval& bias, double& M, double& R) const {
    if (!(bias.lo <= bias.hi)) {  // NaN, empty: no bound
        M = 0.0;
        R = infinity;
        return;
    }
    M = midpoint(bias.lo, bias.hi);
    R = radius_up(M, bias.lo, bias.hi);
    if constexpr (rigorous) {
        R = add_up(R, mul_up(M < 0.0 ? -M : M, bias_factor_));
    }
}

template class ProductBound<float>;
template class ProductBound<double>;

}  // namespace gonogo::numeric
