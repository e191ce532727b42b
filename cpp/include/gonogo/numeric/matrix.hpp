// Products of a matrix of numbers with a matrix or vector of intervals, by midpoint and radius in round-to-nearest
// (Theorems 25-27 of docs/soundness.md). Valid under EnvironmentGuard. Uses the pool of parallel.hpp; results depend on
// the instruction set in use, never on the number of threads.
#pragma once

#include <cstdint>

namespace gonogo::numeric {

// For a (m x k) and X = [lo, hi] (k x n), all row-major: [c_lo, c_hi] (m x n) encloses {a' x : |a' - a| <= rho |a|, x
// in X} element by element, 0 <= rho <= 1 (else, and for a negative size, std::invalid_argument). An element of X that
// is empty, unbounded or NaN makes its column entire; a number of a that is infinite or NaN makes its row entire; a sum
// that overflows makes its element entire.
//
// float: products are summed up in binary32 in blocks of up to 192 terms, blocks in binary64; that adds 32 units of
// 2^-24 of sum |a||x| to the radius. double: binary64 throughout.
void matmul(const float* a, const float* lo, const float* hi, std::int64_t m, std::int64_t k, std::int64_t n,
            float* c_lo, float* c_hi, double rho = 0.0);
void matmul(const double* a, const double* lo, const double* hi, std::int64_t m, std::int64_t k, std::int64_t n,
            double* c_lo, double* c_hi, double rho = 0.0);

}  // namespace gonogo::numeric
