#include "number_text.hpp"

#include "scaled_integer.hpp"

namespace gonogo::numeric::detail {

namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// -1 unless c is a digit
int digit_value(char c, int base) {
    if (is_digit(c)) {
        return c - '0';
    }
    const char small = lower(c);
    return base == 16 && small >= 'a' && small <= 'f' ? small - 'a' + 10 : -1;
}

}  // namespace

std::string quoted(std::string_view text) {
    std::string shown = "'";
    for (const char c : text.substr(0, 40)) {
        shown.push_back(c >= ' ' && c <= '~' ? c : '?');
    }
    return shown += text.size() > 40 ? "...'" : "'";
}

// A quotient of 63 or 64 bits, with the remainder as sticky bit, rounds correctly in both directions (Theorem 4).
Interval quotient(Natural top, Natural bottom) {
    if (top.is_zero()) {
        return {0.0, 0.0};
    }
    const std::int64_t shift = 63 - (top.bit_length() - bottom.bit_length());
    (shift >= 0 ? top : bottom).shift_left(shift >= 0 ? shift : -shift);
    const QuotientBits q = divide(std::move(top), bottom);
    const ScaledInteger value{q.quotient, -shift, !q.exact};
    return {magnitude_down(value), magnitude_up(value)};
}

Interval scaled(const Natural& digits, int base, std::int64_t exponent) {
    if (digits.is_zero()) {
        return {0.0, 0.0};
    }
    // 2^(bits - 1) <= digits < 2^bits, and base^exponent lies between 2^(low / 1000) and 2^(high / 1000) as 3.321 <
    // log2 10 < 3.322.
    const std::int64_t bits = digits.bit_length();
    const std::int64_t low = base == 2 ? 1000 * exponent : (exponent >= 0 ? 3321 : 3322) * exponent;
    const std::int64_t high = base == 2 ? 1000 * exponent : (exponent >= 0 ? 3322 : 3321) * exponent;
    if (1000 * (bits - 1) + low >= 1024 * 1000) {
        return {largest, infinity};
    }
    if (1000 * bits + high <= -1074 * 1000) {
        return {0.0, next_up(0.0)};
    }
    Natural top = digits;
    Natural bottom(1);
    const std::int64_t size = exponent >= 0 ? exponent : -exponent;
    Natural& longer = exponent >= 0 ? top : bottom;
    base == 2 ? longer.shift_left(size) : longer.multiply_power_of_ten(size);
    return quotient(std::move(top), std::move(bottom));
}

bool Cursor::skip(char c) {
    if (at_end() || lower(peek()) != c) {
        return false;
    }
    ++at_;
    return true;
}

bool Cursor::skip(std::string_view word) {
    const std::size_t end = at_ + word.size();
    if (end > text_.size()) {
        return false;
    }
    for (std::size_t i = 0; i < word.size(); ++i) {
        if (lower(text_[at_ + i]) != word[i]) {
            return false;
        }
    }
    if (end < text_.size() && lower(text_[end]) >= 'a' && lower(text_[end]) <= 'z') {
        return false;
    }
    at_ = end;
    return true;
}

void Cursor::skip_spaces() {
    while (peek() == ' ' || (peek() >= '\t' && peek() <= '\r')) {
        ++at_;
    }
}

bool Cursor::sign() {
    const bool negative = peek() == '-';
    if (negative || peek() == '+') {
        ++at_;
    }
    return negative;
}

bool Cursor::natural(Natural& value) {
    const std::size_t begin = at_;
    value = Natural();
    for (; is_digit(peek()); ++at_) {
        value.multiply_add(10, static_cast<std::uint32_t>(peek() - '0'));
    }
    return at_ > begin;
}

bool Cursor::exponent(std::int64_t& value) {
    const bool negative = sign();
    const std::size_t begin = at_;
    std::int64_t size = 0;
    for (; is_digit(peek()); ++at_) {
        size = size < greatest_exponent ? size * 10 + (peek() - '0') : size;
    }
    value = negative ? -size : size;
    return at_ > begin;
}

bool Cursor::digits_with_point(int base, Natural& value, std::int64_t& behind) {
    value = Natural();
    behind = 0;
    bool any = false, point = false;
    for (;; ++at_) {
        const int digit = digit_value(peek(), base);
        if (digit >= 0) {
            any = true;
            value.multiply_add(static_cast<std::uint32_t>(base), static_cast<std::uint32_t>(digit));
            behind += point ? 1 : 0;
        } else if (peek() == '.' && !point) {
            point = true;
        } else {
            return any;
        }
    }
}

}  // namespace gonogo::numeric::detail
