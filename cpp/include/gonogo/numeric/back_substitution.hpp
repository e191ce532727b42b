// The kernels of backward bound propagation: rows of coefficients times a matrix of numbers, and rows through
// element-wise linear relations. All compute in round-to-nearest, in any order of summation, with or without fma, and
// bound nothing themselves: each also gives the mass of what it summed up, from which the caller bounds the error
// (Theorem 39 of docs/soundness.md). Valid under EnvironmentGuard.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "gonogo/numeric/strict.hpp"

namespace gonogo::numeric {

struct BackSubstitutionKernels;

// A k x n matrix of finite numbers, packed for the instruction set in use, to be multiplied from the left many times,
// by several threads at once if need be. Copies share the packed numbers, which don't change.
class RightFactor {
  public:
    RightFactor() = default;
    // Element (i, j) is b[i * row_step + j * column_step].
    RightFactor(std::int64_t k, std::int64_t n, const double* b, std::int64_t row_step, std::int64_t column_step);

    std::int64_t rows() const { return k_; }
    std::int64_t columns() const { return n_; }

    // The factor of those rows alone, ascending: for left factors whose other columns are zero.
    RightFactor keep(std::span<const std::int64_t> rows) const;

    // c = a b, or c += a b. a: m x k, row i at a + i * a_step; c: m x n, row i at c + i * c_step. Serial. An infinity
    // or a NaN in a row of `a`, or in b, isn't lost, and stays in its row and column.
    void multiply(std::int64_t m, const double* a, std::int64_t a_step, double* c, std::int64_t c_step,
                  bool accumulate) const;

  private:
    std::int64_t k_ = 0, n_ = 0;
    std::shared_ptr<const double> packed_;
    const BackSubstitutionKernels* kernels_ = nullptr;  // that `packed_` is for
};

// Two sums over a row: of the terms asked for, and of their magnitudes' bounds.
struct RowSums {
    double value = 0.0;
    double mass = 0.0;
};

// value: sum a[i] * (a[i] >= 0 ? below[i] : above[i]). mass: sum |a[i]| * weight[i].
RowSums select_dot(std::int64_t n, const double* a, const double* below, const double* above, const double* weight);

// The same for each of `rows` rows of a, a_step apart, to sums[0] and on.
void select_dots(std::int64_t rows, std::int64_t n, const double* a, std::int64_t a_step, const double* below,
                 const double* above, const double* weight, RowSums* sums);

// Coefficients through y[i] >= slope_below[i] x[i] + ... and y[i] <= slope_above[i] x[i] + ...: out[i] = a[i] *
// (a[i] >= 0 ? slope_below[i] : slope_above[i]), or out[i] += that. `out` may be `a`.
void select_scale(std::int64_t n, const double* a, const double* slope_below, const double* slope_above, double* out,
                  bool accumulate);

}  // namespace gonogo::numeric
