// Exact rounding of m * 2^e to binary64: the slow path of the directed operations and of the decimal reader.
#pragma once

#include <bit>
#include <cstdint>

#include "gonogo/numeric/rounding.hpp"

namespace gonogo::numeric::detail {

// The non-negative real (mantissa + t) * 2^exponent with t = 0 if !sticky, else some 0 < t < 1.
struct ScaledInteger {
    std::uint64_t mantissa = 0;
    std::int64_t exponent = 0;
    bool sticky = false;
};

// Signed, whatever type the standard library's bit_width returns.
inline int bit_length(std::uint64_t x) {
    return static_cast<int>(std::bit_width(x));
}

// |x| of a finite x, exactly.
inline ScaledInteger decompose(double x) {
    const auto bits = std::bit_cast<std::uint64_t>(x);
    const std::uint64_t fraction = bits & 0xFFFFFFFFFFFFFULL;
    const auto biased = static_cast<std::int64_t>((bits >> 52) & 0x7FF);
    return biased == 0 ? ScaledInteger{fraction, -1074, false}
                       : ScaledInteger{fraction | (1ULL << 52), biased - 1075, false};
}

// The least double >= value, or the greatest <= value. (In the negative control: something near.)
double magnitude_up(const ScaledInteger& value);
double magnitude_down(const ScaledInteger& value);

}  // namespace gonogo::numeric::detail
