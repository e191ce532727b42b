// The deployed network's rounding errors: how far a dot product, a sum or a conversion that a device computes in
// binary32, binary16 or bfloat16 can be from the exact one, whatever order its loops, lanes and threads add in.
//
// This is one of two budgets that are never mixed: what the verifier itself loses is the kernels' and the
// directed operations' business. Results here are upper bounds on the device's error, computed by directed operations;
// +inf when an overflow on the device can't be excluded. Valid under EnvironmentGuard.
#pragma once

#include <cstdint>
#include <optional>

#include "gonogo/numeric/strict.hpp"

namespace gonogo::numeric {

// An IEEE 754 binary format with subnormals: precision p bits, normal numbers from 2^least_exponent, greatest
// (2 - 2^(1-p)) 2^greatest_exponent.
struct FloatFormat {
    int precision;
    int least_exponent;
    int greatest_exponent;
    friend bool operator==(const FloatFormat&, const FloatFormat&) = default;
};

inline constexpr FloatFormat binary16{11, -14, 15};
inline constexpr FloatFormat bfloat16{8, -126, 127};
inline constexpr FloatFormat binary32{24, -126, 127};
inline constexpr FloatFormat binary64{53, -1022, 1023};

double unit_roundoff(const FloatFormat& format);      // 2^-p
double smallest_normal(const FloatFormat& format);    // 2^least_exponent
double smallest_positive(const FloatFormat& format);  // 2^(least_exponent - p + 1), the smallest subnormal
double largest_finite(const FloatFormat& format);

// What is known of the device's arithmetic. It rounds to nearest (any rule for ties); everything else may vary.
struct DeployedArithmetic {
    FloatFormat format = binary32;
    // FTZ, DAZ or both may be on: results, or operands, below the smallest normal number may count as zero.
    bool may_flush = true;
    // Products are exact in the format (binary16 x binary16 or bfloat16 x bfloat16 summed in binary32), or there are
    // none (a plain sum).
    bool exact_products = false;
    // The format that operands are stored in, when it isn't `format`: with flushing, its subnormal numbers may count as
    // zero. Must be given with exact products that may be flushed.
    std::optional<FloatFormat> operands = std::nullopt;
};

// One dot product: the number of products, a bias included, and upper bounds on sums over its operands.
struct DotProduct {
    std::int64_t terms = 0;  // 0 to 2^40
    double sum_abs = 0.0;    // sum |w_k x_k| + |bias|
    // sum (|w_k| + |x_k|), or 0 when no operand is below the smallest normal number of its format; read only with
    // may_flush.
    double sum_operands = infinity;
};

// Theorem 36 (docs/soundness.md): an upper bound on |computed - exact| for every order of summation, every choice of
// fused multiply-adds, every number of partial sums. std::invalid_argument for terms outside 0 to 2^40 and for sums
// that are negative or NaN.
double dot_error_up(const DeployedArithmetic& arithmetic, const DotProduct& dot);

// Theorem 37: an upper bound on |fl(z) - z| for |z| <= magnitude: one operation, or a conversion into the format.
double rounding_error_up(const DeployedArithmetic& arithmetic, double magnitude);

// Theorem 37: the same for a function of the device's library that is right to so many ulp of the exact result z, ulps
// >= 0.5, |z| <= magnitude.
double function_error_up(const DeployedArithmetic& arithmetic, double magnitude, double ulps);

}  // namespace gonogo::numeric
