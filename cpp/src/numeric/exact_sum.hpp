// A sum of floats and of products of two floats, without any rounding: a fixed-point number of 4288 bits, from 2^-2176
// up, in digits to the base 2^32 that are kept in 64 bits, so that carries may wait.
#pragma once

#include <array>
#include <cstdint>

#include "scaled_integer.hpp"

namespace gonogo::numeric::detail {

class ExactSum {
  public:
    // Finite numbers only.
    void add(double x);
    void add_product(double a, double b);

    // -1, 0, 1
    int sign() const;
    double round_up() const;
    double round_down() const;
    double round_to_nearest() const;

  private:
    static constexpr int digits = 134;
    static constexpr std::int64_t lowest_exponent = -2176;
    // Each addition changes a digit by less than 2^33, so 2^29 of them stay below 2^62.
    static constexpr std::int64_t most_additions = std::int64_t{1} << 29;

    void add_bits(bool negative, std::uint64_t bits, std::int64_t exponent);
    void carry();
    struct Magnitude {
        bool negative;
        ScaledInteger value;
    };
    Magnitude magnitude() const;

    std::array<std::int64_t, digits> digit_{};
    std::int64_t additions_ = 0;
};

}  // namespace gonogo::numeric::detail
