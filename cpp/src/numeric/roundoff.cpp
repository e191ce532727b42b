// u = 2^-p; h the smallest normal number, g = h 2^(1-p) the smallest positive one; n = terms.
//
// Lemma (sums in any order). Take any binary tree whose leaves are real numbers l_1 .. l_n. A node of two computed
// values gives fl(a + b); a node of a computed value a and a leaf l that isn't a number of the format (an exact product
// inside a fused multiply-add) gives fl(a + l). Then |result - sum l_k| <= (n - 1) u sum |l_k|, barring overflow.
// Proof. By induction. Let the two sides have n1, n2 leaves, exact sums s1, s2, sums of absolute values S1, S2,
// computed values t1, t2, so that |t_i| <= S_i + (n_i - 1) u S_i, and let e be the error of this node's rounding. The
// claim follows from e <= n2 u S1 + n1 u S2, because n - 1 = (n1 - 1) + n2 = (n2 - 1) + n1. Rounding to nearest gives
// e <= u |t1 + t2| always, and e <= |t2| where t1 is a number of the format (t1 itself is a candidate).
//   S2 <= u S1, t1 of the format: e <= |t2| <= u S1 + (n2 - 1) u u S1 <= n2 u S1.
//   S1 <= u S2, t2 of the format: likewise.
//   S1 <= u S2, t2 a bare leaf (n2 = 1): e <= u (S1 + (n1 - 1) u S1 + S2) <= u S1 + u S2 + (n1 - 1) u^3 S2, which is at
//     most n2 u S1 + n1 u S2.
//   else S1 u < S2 and S2 u < S1: e <= u (S1 + S2) + u (n1 - 1) u S1 + u (n2 - 1) u S2 <= n2 u S1 + n1 u S2. QED
// (The bound is that of Jeannerod and Rump, SIAM J. Matrix Anal. Appl. 34 (2013); the case of a bare leaf is added.)
//
// Theorem 36. Let S >= sum |w_k x_k| + |bias|, v = u, or 0 for exact products, and P = n g / 2, or with flushing
// P = 2 n h + h' sum (|w_k| + |x_k|), h' the greater one of h and the operands' smallest normal number. If (1 + (n-1)
// u) ((1 + v) S + P) <= the largest number, nothing overflows and
//     |computed - exact| <= ((n - 1) u (1 + v) + v) S + (1 + (n - 1) u) P.
// Proof. Without flushing: a rounded product is w x (1 + d) + e with |d| <= v, |e| <= g/2; a fused multiply-add whose
// result is subnormal is the exact node for the leaf w x + e, |e| <= g/2; a subnormal sum is exact. So the lemma holds
// for leaves l_k with sum |l_k - w_k x_k| <= v S + n g/2.
// With flushing each of the at most 2n - 1 intermediate results (n products, n - 1 sums) may lose less than h once,
// when it is written or when it is read; an input that counts as zero loses |w x| <= h' (|w| + |x|), a bias h. Each
// loss is one more leaf, added without a rounding: it counts in sum |l_k| but not in n. There are at most 2n - 1 of
// size h, one for the bias, and those of the products. So |computed - sum l_k| <= (n - 1) u ((1 + v) S + P) and |sum
// l_k - exact| <= v S + P. Every intermediate result before its rounding is at most (1 + (n - 1) u) sum |l_k|: no
// overflow, since rounding never exceeds the largest number when its argument doesn't. QED
//
// Theorem 37. One rounding to nearest of |z| <= m errs by at most u m + g/2, with flushing by at most u m + h. A
// function right to c ulp errs by at most 2 c u m + c g (an ulp of a normal z is at most 2 u |z|, of a subnormal one
// g), with flushing of its result h more. An argument that counts as zero is an error h of the argument, and the
// caller's.
#include "gonogo/numeric/roundoff.hpp"

#include <algorithm>
#include <bit>
#include <stdexcept>
#include <string>

#include "gonogo/numeric/rounding.hpp"

namespace gonogo::numeric {

namespace {

double power_of_two(int exponent) {  // -1022 to 1023; below that by halving, exactly
    return exponent >= -1022 ? std::bit_cast<double>(static_cast<std::uint64_t>(exponent + 1023) << 52)
                             : 0x1p-1022 * power_of_two(exponent + 1022);
}

void check(double bound, const char* what) {
    if (!(bound >= 0.0)) {
        throw std::invalid_argument(std::string("roundoff: ") + what + " must be a bound >= 0");
    }
}

void check(const FloatFormat& f) {
    if (f.precision < 2 || f.precision > 53 || f.least_exponent < -1022 || f.greatest_exponent > 1023 ||
        f.least_exponent - f.precision + 1 < -1074 || f.least_exponent >= f.greatest_exponent) {
        throw std::invalid_argument("roundoff: the format isn't contained in binary64");
    }
}

}  // namespace

double unit_roundoff(const FloatFormat& format) {
    return power_of_two(-format.precision);
}

double smallest_normal(const FloatFormat& format) {
    return power_of_two(format.least_exponent);
}

double smallest_positive(const FloatFormat& format) {
    return power_of_two(format.least_exponent - format.precision + 1);
}

double largest_finite(const FloatFormat& format) {
    return (2.0 - power_of_two(1 - format.precision)) * power_of_two(format.greatest_exponent);
}

double dot_error_up(const DeployedArithmetic& arithmetic, const DotProduct& dot) {
    check(arithmetic.format);
    check(dot.sum_abs, "sum_abs");
    check(dot.sum_operands, "sum_operands");
    if (dot.terms < 0 || dot.terms > (std::int64_t{1} << 40)) {
        throw std::invalid_argument("roundoff: the number of terms must be from 0 to 2^40");
    }
    if (arithmetic.operands) {
        check(*arithmetic.operands);
    } else if (arithmetic.exact_products && arithmetic.may_flush) {
        throw std::invalid_argument("roundoff: exact products that may be flushed need the operands' format");
    }
    if (dot.terms == 0) {
        return 0.0;
    }
    const double u = unit_roundoff(arithmetic.format);
    const auto n = static_cast<double>(dot.terms);
    const double sums = (n - 1.0) * u;  // exact: an integer below 2^53 times a power of two
    const double products = arithmetic.exact_products ? 0.0 : u;
    double lost = 0.0;
    if (arithmetic.may_flush) {
        const double h = smallest_normal(arithmetic.format);
        const double least = std::max(h, smallest_normal(arithmetic.operands.value_or(arithmetic.format)));
        lost = add_up(mul_up(h, 2.0 * n), mul_up(least, dot.sum_operands));
    } else {
        lost = mul_up(0.5 * n, smallest_positive(arithmetic.format));
    }
    const double growth = add_up(1.0, sums);
    const double leaves = add_up(mul_up(add_up(1.0, products), dot.sum_abs), lost);
    if (!(mul_up(growth, leaves) <= largest_finite(arithmetic.format))) {
        return infinity;
    }
    if constexpr (!rigorous) {
        return 0.0;
    }
    const double relative = add_up(mul_up(sums, add_up(1.0, products)), products);
    return add_up(mul_up(relative, dot.sum_abs), mul_up(growth, lost));
}

double function_error_up(const DeployedArithmetic& arithmetic, double magnitude, double ulps) {
    check(arithmetic.format);
    check(magnitude, "magnitude");
    if (!(ulps >= 0.5 && ulps <= 0x1p40)) {
        throw std::invalid_argument("roundoff: the accuracy must be from 0.5 to 2^40 ulp");
    }
    const double relative = mul_up(mul_up(2.0 * ulps, unit_roundoff(arithmetic.format)), magnitude);
    const double absolute = mul_up(ulps, smallest_positive(arithmetic.format));
    const double flushed = arithmetic.may_flush ? smallest_normal(arithmetic.format) : 0.0;
    const double error = add_up(relative, add_up(absolute, flushed));
    if (!(add_up(magnitude, error) <= largest_finite(arithmetic.format))) {
        return infinity;
    }
    return rigorous ? error : 0.0;
}

double rounding_error_up(const DeployedArithmetic& arithmetic, double magnitude) {
    check(arithmetic.format);
    check(magnitude, "magnitude");
    if (!(magnitude <= largest_finite(arithmetic.format))) {
        return infinity;
    }
    if constexpr (!rigorous) {
        return 0.0;
    }
    const double absolute =
        arithmetic.may_flush ? smallest_normal(arithmetic.format) : mul_up(0.5, smallest_positive(arithmetic.format));
    return add_up(mul_up(unit_roundoff(arithmetic.format), magnitude), absolute);
}

}  // namespace gonogo::numeric
