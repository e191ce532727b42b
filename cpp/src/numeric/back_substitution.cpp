#include "gonogo/numeric/back_substitution.hpp"

#include <algorithm>
#include <cstddef>
#include <new>
#include <stdexcept>

#include "numeric/kernels/back_substitution.hpp"
#include "numeric/kernels/select.hpp"

namespace gonogo::numeric {

namespace {

constexpr std::int64_t ceil_divide(std::int64_t a, std::int64_t b) {
    return (a + b - 1) / b;
}

// Zeros from a multiple of 64 bytes on.
std::shared_ptr<double> aligned_zeros(std::int64_t count) {
    constexpr std::align_val_t line{64};
    if (count > PTRDIFF_MAX / static_cast<std::int64_t>(sizeof(double))) {
        throw std::bad_alloc();
    }
    auto* const p = static_cast<double*>(::operator new(static_cast<std::size_t>(count) * sizeof(double), line));
    std::fill(p, p + count, 0.0);
    return {p, [](double* q) { ::operator delete(q, line); }};
}

}  // namespace

RightFactor::RightFactor(std::int64_t k, std::int64_t n, const double* b, std::int64_t row_step,
                         std::int64_t column_step)
    : k_(k), n_(n), kernels_(&GONOGO_TABLE(back_substitution)) {
    if (k < 0 || n < 0) {
        throw std::invalid_argument("RightFactor: sizes must not be negative");
    }
    const std::int64_t lanes = kernels_->lanes;
    const std::int64_t padded = ceil_divide(n, lanes) * lanes;
    if (padded > 0 && k > PTRDIFF_MAX / padded) {
        throw std::bad_alloc();
    }
    const std::shared_ptr<double> packed = aligned_zeros(k * padded);
    double* panel = packed.get();
    const std::int64_t length = k > 0 ? ceil_divide(k, ceil_divide(k, kernels_->depth)) : 1;
    for (std::int64_t first = 0; first < k; first += length) {
        const std::int64_t terms = std::min(length, k - first);
        for (std::int64_t column = 0; column < n; column += kernels_->columns) {
            const std::int64_t width = std::min(kernels_->columns, padded - column);
            const std::int64_t count = std::min(width, n - column);
            const double* const from = b + first * row_step + column * column_step;
            for (std::int64_t i = 0; i < terms; ++i) {
                for (std::int64_t j = 0; j < count; ++j) panel[i * width + j] = from[i * row_step + j * column_step];
            }
            panel += terms * width;
        }
    }
    packed_ = packed;
}

RightFactor RightFactor::keep(std::span<const std::int64_t> rows) const {
    const auto block_length = [&](std::int64_t k) {
        return k > 0 ? ceil_divide(k, ceil_divide(k, kernels_->depth)) : 1;
    };
    RightFactor kept;
    kept.k_ = static_cast<std::int64_t>(rows.size());
    kept.n_ = n_;
    kept.kernels_ = kernels_;
    const std::int64_t padded = ceil_divide(n_, kernels_->lanes) * kernels_->lanes;
    const std::shared_ptr<double> packed = aligned_zeros(kept.k_ * padded);
    const std::int64_t from_length = block_length(k_);
    const std::int64_t length = block_length(kept.k_);
    double* panel = packed.get();
    for (std::int64_t first = 0; first < kept.k_; first += length) {
        const std::int64_t terms = std::min(length, kept.k_ - first);
        for (std::int64_t column = 0; column < padded; column += kernels_->columns) {
            const std::int64_t width = std::min(kernels_->columns, padded - column);
            for (std::int64_t i = 0; i < terms; ++i) {
                const std::int64_t row = rows[static_cast<std::size_t>(first + i)];
                const std::int64_t block = row / from_length * from_length;
                const double* const from =
                    packed_.get() + block * padded + column * std::min(from_length, k_ - block) + (row - block) * width;
                std::copy(from, from + width, panel + i * width);
            }
            panel += terms * width;
        }
    }
    kept.packed_ = packed;
    return kept;
}

void RightFactor::multiply(std::int64_t m, const double* a, std::int64_t a_step, double* c, std::int64_t c_step,
                           bool accumulate) const {
    if (m <= 0 || n_ == 0) {
        return;
    }
    if (k_ > 0) {
        kernels_->multiply(m, k_, n_, a, a_step, packed_.get(), c, c_step, accumulate);
    } else if (!accumulate) {
        for (std::int64_t i = 0; i < m; ++i) std::fill(c + i * c_step, c + i * c_step + n_, 0.0);
    }
}

RowSums select_dot(std::int64_t n, const double* a, const double* below, const double* above, const double* weight) {
    RowSums sums;
    select_dots(1, n, a, 0, below, above, weight, &sums);
    return sums;
}

void select_dots(std::int64_t rows, std::int64_t n, const double* a, std::int64_t a_step, const double* below,
                 const double* above, const double* weight, RowSums* sums) {
    static_assert(sizeof(RowSums) == 2 * sizeof(double));
    GONOGO_TABLE(back_substitution).select_dots(rows, n, a, a_step, below, above, weight, &sums->value);
}

void select_scale(std::int64_t n, const double* a, const double* slope_below, const double* slope_above, double* out,
                  bool accumulate) {
    GONOGO_TABLE(back_substitution).select_scale(n, a, slope_below, slope_above, out, accumulate);
}

}  // namespace gonogo::numeric
