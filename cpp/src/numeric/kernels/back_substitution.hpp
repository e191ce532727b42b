// Kernels of backward bound propagation in plain round-to-nearest: see gonogo/numeric/back_substitution.hpp, and above
// back_substitution.inl what bounds their errors.
#pragma once

#include <cstdint>

namespace gonogo::numeric {

// A right factor of k x n numbers is packed as blocks of rows, all of the same length but the last, which may be
// shorter: k cut into the fewest blocks of at most `depth` rows, ceil(k / blocks) each. A block is a sequence of panels
// of `columns` columns; the last one has as many vectors of `lanes` as the columns left over need, and what sticks out
// is filled up with zeros. A panel holds its block's rows one after the other. The first one starts at a multiple of 64
// bytes.
struct BackSubstitutionKernels {
    std::int64_t lanes;
    std::int64_t columns;
    std::int64_t depth;  // the most rows of a block

    // k, n >= 1; a, c: m rows a_step and c_step apart.
    void (*multiply)(std::int64_t m, std::int64_t k, std::int64_t n, const double* a, std::int64_t a_step,
                     const double* packed, double* c, std::int64_t c_step, bool accumulate);
    // Rows a_step apart. Of row r, to sums[2 r] the value, to sums[2 r + 1] the mass.
    void (*select_dots)(std::int64_t rows, std::int64_t n, const double* a, std::int64_t a_step, const double* below,
                        const double* above, const double* weight, double* sums);
    void (*select_scale)(std::int64_t n, const double* a, const double* below, const double* above, double* out,
                         bool accumulate);
};

extern const BackSubstitutionKernels back_substitution_baseline, back_substitution_avx2, back_substitution_avx512;

}  // namespace gonogo::numeric
