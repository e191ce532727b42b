// Tight interval arithmetic on arrays: Theorems 3-5 lane by lane (above arithmetic.inl).
#pragma once

#include <cstdint>

namespace gonogo::numeric {

// One block of intervals; inputs and outputs don't overlap.
struct ArithmeticBlock {
    const double* a_lo;
    const double* a_hi;
    const double* b_lo;
    const double* b_hi;
    double* lo;
    double* hi;
};

struct ArithmeticKernels {
    // Each computes block_size elements and returns true when every one of them is right; else the caller computes the
    // block again, one by one.
    using Operation = bool (*)(const ArithmeticBlock& block);
    Operation add;
    Operation sub;
    Operation mul;
    Operation div;
    Operation sqr;  // of a; b isn't read
};

inline constexpr std::int64_t arithmetic_block = 32;

extern const ArithmeticKernels arithmetic_baseline;
extern const ArithmeticKernels arithmetic_avx2;
extern const ArithmeticKernels arithmetic_avx512;

}  // namespace gonogo::numeric
