// Theorem 32. A finite float is an integer below 2^53 times 2^e with -1074 <= e <= 971, a product of two one below
// 2^106 times 2^e with -2148 <= e <= 1942: both are integer multiples of 2^-2176 below 2^2048, so 2^63 of them stay
// below 2^2111 and fit the 4288 bits with their sign. Adding digits is exact as long as none leaves 64 bits; `carry`
// runs before one could.
#include "exact_sum.hpp"

namespace gonogo::numeric::detail {

namespace {

constexpr std::int64_t base = std::int64_t{1} << 32;

struct Product {
    std::uint64_t high, low;  // high 2^64 + low
};

// 53 x 53 bits
Product multiply(std::uint64_t x, std::uint64_t y) {
    const std::uint64_t x0 = x & 0xFFFFFFFFULL, x1 = x >> 32;
    const std::uint64_t y0 = y & 0xFFFFFFFFULL, y1 = y >> 32;
    const std::uint64_t middle = x1 * y0 + x0 * y1 + ((x0 * y0) >> 32);  // below 2^54 + 2^54 + 2^32
    return {x1 * y1 + (middle >> 32), (middle << 32) | ((x0 * y0) & 0xFFFFFFFFULL)};
}

bool sign_of(double x) {
    return (std::bit_cast<std::uint64_t>(x) >> 63) != 0;
}

// The float nearest to the value, ties to even: the greatest float t below it, or the next, by comparing with the
// middle between them, (2 m + 1) 2^(e - 1) for t = m 2^e. mantissa < 2^63.
double magnitude_nearest(const ScaledInteger& v) {
    const double below = magnitude_down(v);
    const ScaledInteger t = decompose(below);
    const std::int64_t shift = t.exponent - 1 - v.exponent;
    if (shift < 0) {  // v has no bits below t's last place: exact, unless v is beyond the largest float
        return v.exponent + bit_length(v.mantissa) > 1024 ? infinity : below;
    }
    if (shift > 62) {  // t = 0 and v < 2^63 2^(-1075 - 63), less than half a grid step
        return below;
    }
    const std::uint64_t middle = (2 * t.mantissa + 1) << shift;
    const bool above = v.mantissa > middle || (v.mantissa == middle && (v.sticky || (t.mantissa & 1) != 0));
    return above ? successor(below) : below;
}

}  // namespace

void ExactSum::add_bits(bool negative, std::uint64_t bits, std::int64_t exponent) {
    const std::int64_t place = exponent - lowest_exponent;
    auto at = static_cast<std::size_t>(place / 32);
    const auto shift = static_cast<int>(place % 32);
    const std::uint64_t parts[3] = {(bits << shift) & 0xFFFFFFFFULL, (bits >> (32 - shift)) & 0xFFFFFFFFULL,
                                    shift == 0 ? 0 : bits >> (64 - shift)};
    for (const std::uint64_t part : parts) {
        const auto digit = static_cast<std::int64_t>(part);
        digit_[at++] += negative ? -digit : digit;
    }
}

void ExactSum::add(double x) {
    const ScaledInteger v = decompose(x);
    add_bits(sign_of(x), v.mantissa, v.exponent);
    if (++additions_ == most_additions) {
        carry();
    }
}

void ExactSum::add_product(double a, double b) {
    const ScaledInteger x = decompose(a);
    const ScaledInteger y = decompose(b);
    const Product p = multiply(x.mantissa, y.mantissa);
    const bool negative = sign_of(a) != sign_of(b);
    add_bits(negative, p.low, x.exponent + y.exponent);
    add_bits(negative, p.high, x.exponent + y.exponent + 64);
    if (++additions_ == most_additions) {
        carry();
    }
}

// Every digit but the last into [0, 2^32); the last keeps the sign.
void ExactSum::carry() {
    additions_ = 0;
    for (std::size_t i = 0; i + 1 < digits; ++i) {
        std::int64_t rest = digit_[i] % base;
        rest += rest < 0 ? base : 0;
        digit_[i + 1] += (digit_[i] - rest) / base;
        digit_[i] = rest;
    }
}

int ExactSum::sign() const {
    const Magnitude m = magnitude();
    return m.value.mantissa == 0 ? 0 : (m.negative ? -1 : 1);
}

ExactSum::Magnitude ExactSum::magnitude() const {
    ExactSum sum = *this;
    sum.carry();
    const bool negative = sum.digit_[digits - 1] < 0;
    if (negative) {
        for (std::int64_t& digit : sum.digit_) {
            digit = -digit;
        }
        sum.carry();
    }
    std::size_t top = digits;
    while (top > 0 && sum.digit_[top - 1] == 0) {
        --top;
    }
    if (top == 0) {
        return {false, {}};
    }
    // The leading 63 bits, from three digits (the last may hold more than 32 bits only beyond any possible sum).
    const auto digit = [&](std::size_t back) {
        return top >= back ? static_cast<std::uint64_t>(sum.digit_[top - back]) : std::uint64_t{0};
    };
    const int length = bit_length(digit(1));
    const int missing = 63 - length;  // 31 to 62
    std::uint64_t mantissa = digit(1) << missing;
    bool sticky = false;
    mantissa |= missing >= 32 ? digit(2) << (missing - 32) : digit(2) >> (32 - missing);
    if (missing < 32) {
        sticky = (digit(2) & ((1ULL << (32 - missing)) - 1)) != 0 || digit(3) != 0;
    } else {
        mantissa |= digit(3) >> (64 - missing);
        sticky = (digit(3) & ((1ULL << (64 - missing)) - 1)) != 0;
    }
    for (std::size_t i = 0; i + 3 < top; ++i) {
        sticky = sticky || sum.digit_[i] != 0;
    }
    const std::int64_t exponent = 32 * (static_cast<std::int64_t>(top) - 1) + lowest_exponent - missing;
    return {negative, {mantissa, exponent, sticky}};
}

double ExactSum::round_up() const {
    const Magnitude m = magnitude();
    return m.negative ? -magnitude_down(m.value) : magnitude_up(m.value);
}

double ExactSum::round_down() const {
    const Magnitude m = magnitude();
    return m.negative ? -magnitude_up(m.value) : magnitude_down(m.value);
}

double ExactSum::round_to_nearest() const {
    const Magnitude m = magnitude();
    const double size = magnitude_nearest(m.value);
    return m.negative ? -size : size;
}

}  // namespace gonogo::numeric::detail
