// Natural numbers of any size: just what exact conversion of text and integer powers need. Little-endian base 2^32, no
// leading zero limbs.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

namespace gonogo::numeric::detail {

class Natural {
  public:
    Natural() = default;
    explicit Natural(std::uint64_t value);

    bool is_zero() const { return limbs_.empty(); }
    std::int64_t bit_length() const;

    Natural& multiply_add(std::uint32_t factor, std::uint32_t addend);  // *this = *this * factor + addend
    Natural& shift_left(std::int64_t bits);
    Natural& shift_right(std::int64_t bits, bool& lost);  // floor; `lost` becomes true if a set bit went
    Natural& add(const Natural& other);
    Natural& subtract(const Natural& other);  // other <= *this
    Natural& multiply_power_of_ten(std::int64_t exponent);
    std::uint32_t divide_small(std::uint32_t divisor);  // *this /= divisor, returns the remainder

    // The lowest 64 bits
    std::uint64_t low_bits() const;

    friend Natural operator*(const Natural& a, const Natural& b);
    friend std::strong_ordering operator<=>(const Natural& a, const Natural& b);

  private:
    void trim();
    std::vector<std::uint32_t> limbs_;
};

struct QuotientBits {
    std::uint64_t quotient;
    bool exact;
};

// floor(a / b) for a quotient below 2^64; b > 0.
QuotientBits divide(Natural a, const Natural& b);

}  // namespace gonogo::numeric::detail
