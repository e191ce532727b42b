#include "gonogo/numeric/back_substitution.hpp"

#include <cmath>

namespace gonogo::numeric {

RightFactor::RightFactor(std::int64_t k, std::int64_t n, const double* b, std::int64_t row_step,
                         std::int64_t column_step)
    : k_(k), n_(n), packed_(static_cast<std::size_t>(k * n)) {
    for (std::int64_t i = 0; i < k; ++i) {
        for (std::int64_t j = 0; j < n; ++j)
            packed_[static_cast<std::size_t>(i * n + j)] = b[i * row_step + j * column_step];
    }
}

void RightFactor::multiply(std::int64_t m, const double* a, std::int64_t a_step, double* c, std::int64_t c_step,
                           bool accumulate) const {
    for (std::int64_t i = 0; i < m; ++i) {
        double* const row = c + i * c_step;
        for (std::int64_t j = 0; !accumulate && j < n_; ++j) row[j] = 0.0;
        for (std::int64_t k = 0; k < k_; ++k) {
            const double factor = a[i * a_step + k];
            if (factor == 0.0) continue;
            const double* const b = packed_.data() + k * n_;
            for (std::int64_t j = 0; j < n_; ++j) row[j] += factor * b[j];
        }
    }
}

RowSums select_dot(std::int64_t n, const double* a, const double* below, const double* above, const double* weight) {
    RowSums s;
    for (std::int64_t i = 0; i < n; ++i) {
        s.value += a[i] * (a[i] >= 0.0 ? below[i] : above[i]);
        s.mass += std::fabs(a[i]) * weight[i];
    }
    return s;
}

void select_scale(std::int64_t n, const double* a, const double* slope_below, const double* slope_above, double* out,
                  bool accumulate) {
    for (std::int64_t i = 0; i < n; ++i) {
        const double x = a[i] * (a[i] >= 0.0 ? slope_below[i] : slope_above[i]);
        out[i] = accumulate ? out[i] + x : x;
    }
}

}  // namespace gonogo::numeric
