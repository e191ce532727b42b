#include "ops/tflm/fixed_point.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "ops/tflm/requantize.hpp"

namespace gonogo::tflm {

namespace {

constexpr std::int32_t largest = std::numeric_limits<std::int32_t>::max();
constexpr std::int32_t smallest = std::numeric_limits<std::int32_t>::min();

std::int32_t narrow(std::int64_t x) {
    return static_cast<std::int32_t>(x);
}

std::int32_t product(std::int32_t a, std::int32_t b) {
    return narrow(high_product(a, b));
}

// x * 2^n; saturates as the device does, from |x| > 2^(31 - n) - 1 on.
std::int32_t shift_up(std::int32_t x, int n) {
    const std::int32_t threshold = (std::int32_t{1} << (31 - n)) - 1;
    if (x > threshold) return largest;
    if (x < -threshold) return smallest;
    return narrow(std::int64_t{x} << n);
}

// (a + 1) / 2 with the constant 1 taken as 2^31 - 1; ties away from zero. a >= 0.
std::int32_t half_sum_with_one(std::int32_t a) {
    return narrow((std::int64_t{a} + largest + 1) / 2);
}

// exp(a) for a in [-1/4, 0), 0 integer bits: Taylor polynomial of degree 4 around -1/8.
std::int32_t exp_on_last_quarter(std::int32_t a) {
    constexpr std::int32_t exp_of_minus_eighth = 1895147668;
    constexpr std::int32_t third = 715827883;
    const std::int32_t x = a + (1 << 28);
    const std::int32_t x2 = product(x, x);
    const std::int32_t x3 = product(x2, x);
    const std::int32_t x4 = product(x2, x2);
    const std::int32_t quarter_x4 = narrow(rounded_shift(x4, 2));
    const std::int32_t tail = narrow(rounded_shift(product(quarter_x4 + x3, third) + x2, 1));
    return exp_of_minus_eighth + product(exp_of_minus_eighth, x + tail);
}

// Three Newton steps x <- x + x (1 - d x) from 48/17 - 32/17 d, for d = (1 + a) / 2; two integer bits.
std::int32_t newton_reciprocal(std::int32_t d) {
    constexpr std::int32_t one = 1 << 29;
    std::int32_t x = 1515870810 + product(d, -1010580540);
    for (int i = 0; i < 3; ++i) x += shift_up(product(x, one - product(d, x)), 2);
    return x;
}

}  // namespace

std::int32_t exp_of_negative(std::int32_t a, int integer_bits) {
    // exp(-2^n) for n = -2 ... 4, 0 integer bits
    constexpr std::array<std::int32_t, 7> factors = {1672461947, 1302514674, 790015084, 290630308,
                                                     39332535,   720401,     242};
    if (a == 0) return largest;
    const int fraction_bits = 31 - integer_bits;
    const std::int32_t quarter = std::int32_t{1} << (fraction_bits - 2);
    const std::int32_t last = (a & (quarter - 1)) - quarter;  // in [-1/4, 0), a multiple of 1/4 above a
    std::int32_t result = exp_on_last_quarter(shift_up(last, integer_bits));
    const std::int64_t remainder = std::int64_t{last} - a;
    for (int n = -2; n < integer_bits; ++n) {
        if (((remainder >> (fraction_bits + n)) & 1) != 0) {
            result = product(result, factors[static_cast<std::size_t>(n + 2)]);
        }
    }
    return result;
}

std::int32_t reciprocal_of_one_plus(std::int32_t a) {
    return shift_up(newton_reciprocal(half_sum_with_one(a)), 1);
}

std::int32_t one_minus_over_one_plus(std::int32_t a) {
    return shift_up(newton_reciprocal(half_sum_with_one(a)) - (1 << 29), 2);
}

std::int32_t logistic(std::int32_t a) {
    if (a == 0) return 1 << 30;
    const std::int32_t positive = reciprocal_of_one_plus(exp_of_negative(a > 0 ? -a : a, 4));
    return a > 0 ? positive : largest - positive;
}

std::int32_t hyperbolic_tangent(std::int32_t a) {
    if (a == 0) return 0;
    // exp(-2 |a|): the same raw number read with one more integer bit
    const std::int32_t t = one_minus_over_one_plus(exp_of_negative(a > 0 ? -a : a, 5));
    return a > 0 ? t : -t;
}

}  // namespace gonogo::tflm
