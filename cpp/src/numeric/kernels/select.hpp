// Picks a family's table for the instruction set in use.
#pragma once

#include "gonogo/numeric/dispatch.hpp"

namespace gonogo::numeric {

// A family of kernels declares `struct T` (function pointers only) and, in its own header, `extern const T x_baseline,
// x_avx2, x_avx512;` - the last two on x86-64 only (GONOGO_HAS_X86_KERNELS).
#if defined(__x86_64__) && defined(__GNUC__)
#define GONOGO_HAS_X86_KERNELS 1
#endif

template <class Table>
const Table& select_table(const Table& baseline, [[maybe_unused]] const Table& avx2,
                          [[maybe_unused]] const Table& avx512) {
    switch (instruction_set()) {
        case InstructionSet::avx512:
            return avx512;
        case InstructionSet::avx2:
            return avx2;
        case InstructionSet::baseline:
            break;
    }
    return baseline;
}

}  // namespace gonogo::numeric

// The table of a family in use, by the family's name.
#ifdef GONOGO_HAS_X86_KERNELS
#define GONOGO_TABLE(family) select_table(family##_baseline, family##_avx2, family##_avx512)
#else
#define GONOGO_TABLE(family) (family##_baseline)
#endif
