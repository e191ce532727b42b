// Theorem 57 (forms). `least`: a sum of n products, each rounded, in any order, is within (n + 20) 2^-52 of its mass
// and n 2^-1074 of the exact one (Theorem 39, as in Theorem 40 (2)); `cut` uses directed operations throughout.
#include "linear/forms.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/back_substitution.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

void FlatBox::add(std::span<const double> lower, std::span<const double> upper) {
    for (std::size_t i = 0; i < lower.size(); ++i) {
        lo.push_back(lower[i]);
        hi.push_back(upper[i]);
        magnitude.push_back(std::max(std::fabs(lower[i]), std::fabs(upper[i])));
        sum = numeric::add_up(sum, magnitude.back());
    }
}

double least(std::span<const double> form, const FlatBox& box) {
    const std::size_t n = form.size() - 1;
    if (!(form[n] > -infinity)) return -infinity;
    double value = 0.0;
    double mass = 0.0;
    for (std::size_t j = 0; j < n; ++j) {
        value += form[j] * (form[j] >= 0.0 ? box.lo[j] : box.hi[j]);
        mass += std::fabs(form[j]) * box.magnitude[j];
    }
    const double count = static_cast<double>(n);
    const double error =
        numeric::rigorous ? mass * ((count + 20.0) * 0x1p-52) + (2.0 * count + 4.0) * (box.sum + 1.0) * 0x1p-1021 : 0.0;
    const double bound = numeric::add_down(form[n], numeric::sub_down(value, error));
    return std::fabs(value) < infinity && mass < infinity && bound > -infinity ? bound : -infinity;
}

bool cut(std::span<const double> form, double limit, std::span<double> lo, std::span<double> hi) {
    const std::size_t n = form.size() - 1;
    // Coefficients that overflowed say nothing either.
    if (!std::all_of(form.begin(), form.end(), [](double a) { return std::fabs(a) < infinity; })) return true;
    const auto low = [&](std::size_t j) { return numeric::mul_down(form[j], form[j] >= 0.0 ? lo[j] : hi[j]); };
    for (std::size_t j = 0; j < n; ++j) {
        double rest = form[n];
        for (std::size_t k = 0; k < n; ++k) {
            if (k != j) rest = numeric::add_down(rest, low(k));
        }
        // form < limit needs a_j x_j < limit - rest.
        const double room = numeric::sub_up(limit, rest);
        if (!(std::fabs(room) < infinity)) continue;
        if (form[j] == 0.0) {
            if (room <= 0.0) return false;
        } else if (form[j] > 0.0) {
            hi[j] = std::min(hi[j], numeric::div_up(room, form[j]));
        } else if (form[j] < 0.0) {
            lo[j] = std::max(lo[j], numeric::div_down(room, form[j]));
        }
        if (!(lo[j] <= hi[j])) return false;
    }
    return true;
}

}  // namespace gonogo::linear
