// Kernels of tapes, one object per instruction set.
#pragma once

#include "gonogo/numeric/tape.hpp"

namespace gonogo::numeric {

struct TapeKernels {
    void (*points)(const TapeStep* steps, std::int64_t count, double* registers);
    void (*boxes)(const TapeStep* steps, std::int64_t count, double* registers);
};

extern const TapeKernels tape_baseline, tape_avx2, tape_avx512;

}  // namespace gonogo::numeric
