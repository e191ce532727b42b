// Numbers written in text, as exact rationals rounded outward.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "gonogo/numeric/interval.hpp"

#include "natural.hpp"

namespace gonogo::numeric::detail {

inline constexpr std::size_t longest_text = 4096;
inline constexpr std::int64_t greatest_exponent = 100000;  // beyond it only the sign matters

inline bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

// The text as an error message shows it: not longer than 40 characters, plain ones only.
std::string quoted(std::string_view text);

// The best bounds on top / bottom; bottom > 0.
Interval quotient(Natural top, Natural bottom);
// The best bounds on digits * base^exponent, base 2 or 10.
Interval scaled(const Natural& digits, int base, std::int64_t exponent);

// Reads from the front of a text. The readers return false, or an empty view, when what they look for isn't there.
class Cursor {
  public:
    explicit Cursor(std::string_view text) : text_(text) {}

    bool at_end() const { return at_ == text_.size(); }
    char peek() const { return at_end() ? '\0' : text_[at_]; }
    // Skips one character, upper or lower case; `c` in lower case.
    bool skip(char c);
    // Skips a word of lower-case letters that isn't followed by another letter.
    bool skip(std::string_view word);
    void skip_spaces();
    // True for '-'; skips either sign.
    bool sign();
    // A run of decimal digits as a number
    bool natural(Natural& value);
    // [sign] digits, cut at +-greatest_exponent
    bool exponent(std::int64_t& value);
    // digits [. digits] in base 10 or 16, at least one digit: the digits as a number, and how many stand behind the
    // point
    bool digits_with_point(int base, Natural& value, std::int64_t& behind);

  private:
    std::string_view text_;
    std::size_t at_ = 0;
};

}  // namespace gonogo::numeric::detail
