// Theorem 14. Decimal text is the rational N 10^E with N, E integers; it is rounded down and up by exact integer
// division, and a binary64 number m 2^e is scaled to an integer quotient the same way. Both directions are therefore
// the best possible.
#include "gonogo/numeric/decimal.hpp"

#include <stdexcept>

#include "natural.hpp"
#include "number_text.hpp"
#include "scaled_integer.hpp"

namespace gonogo::numeric {

namespace {

using detail::Natural;
using detail::ScaledInteger;

[[noreturn]] void reject(std::string_view text) {
    throw std::invalid_argument(detail::quoted(text) +
                                " isn't a decimal number; write digits, at most one point, and an optional exponent");
}

// The `digits` leading decimal digits of |x|, cut or raised, and the place of the first: digits[0].digits[1]... *
// 10^power.
struct DecimalDigits {
    std::string digits;
    std::int64_t power;
};

// floor(m 2^e / 10^k), or the next integer unless exact.
std::string scaled_digits(const ScaledInteger& x, std::int64_t k, bool up) {
    Natural top(x.mantissa);
    Natural bottom(1);
    (k >= 0 ? bottom : top).multiply_power_of_ten(k >= 0 ? k : -k);
    (x.exponent >= 0 ? top : bottom).shift_left(x.exponent >= 0 ? x.exponent : -x.exponent);
    const std::int64_t excess = top.bit_length() - bottom.bit_length();
    std::string digits;
    if (excess < 62) {
        const detail::QuotientBits q = detail::divide(std::move(top), bottom);
        return std::to_string(q.quotient + (up && !q.exact ? 1 : 0));
    }
    // Many digits: split the quotient by long division over bits, collecting it in a Natural.
    Natural quotient;
    for (std::int64_t shift = excess; shift >= 0; --shift) {
        Natural part = bottom;
        part.shift_left(shift);
        const bool bit = top >= part;
        if (bit) {
            top.subtract(part);
        }
        quotient.is_zero() ? quotient = Natural(bit ? 1 : 0) : quotient.multiply_add(2, bit ? 1 : 0);
    }
    if (up && !top.is_zero()) {
        quotient.multiply_add(1, 1);
    }
    while (!quotient.is_zero()) {
        digits.push_back(static_cast<char>('0' + quotient.divide_small(10)));
    }
    return {digits.rbegin(), digits.rend()};
}

DecimalDigits magnitude_digits(double x, std::int64_t digits, bool up) {
    const ScaledInteger value = detail::decompose(x);
    // 0.30102 < log10 2 < 0.30103: the estimate of floor(log10 x) is right or one too small.
    const std::int64_t log2_floor = detail::bit_length(value.mantissa) - 1 + value.exponent;
    std::int64_t power = (log2_floor * (log2_floor >= 0 ? 30102 : 30103)) / 100000 - (log2_floor < 0 ? 1 : 0);
    std::string text = scaled_digits(value, power - digits + 1, up);
    while (static_cast<std::int64_t>(text.size()) > digits) {  // the estimate was small, or 99.9 became 100
        ++power;
        text = scaled_digits(value, power - digits + 1, up);
    }
    return {text, power};
}

std::string print(double x, int digits, bool up) {
    if (x != x || digits < 1 || digits > 1100) {
        throw std::invalid_argument("decimal text: the number must not be NaN and digits must be from 1 to 1100");
    }
    if (x == 0.0) {
        return "0";
    }
    std::string text = x < 0.0 ? "-" : "";
    if (!detail::is_finite(x)) {
        return text += "inf";
    }
    DecimalDigits d = magnitude_digits(x, digits, rigorous && up == (x > 0.0));
    while (d.digits.size() > 1 && d.digits.back() == '0') {
        d.digits.pop_back();
    }
    const bool plain = d.power >= -5 && d.power <= 15;
    const std::int64_t whole = plain ? d.power + 1 : 1;  // digits in front of the point
    if (whole <= 0) {
        text += "0.";
        text.append(static_cast<std::size_t>(-whole), '0');
    }
    std::int64_t written = 0;
    for (const char digit : d.digits) {
        if (written == whole && whole > 0) {
            text.push_back('.');
        }
        text.push_back(digit);
        ++written;
    }
    if (written < whole) {
        text.append(static_cast<std::size_t>(whole - written), '0');
    }
    if (!plain) {
        text += 'e';
        text += std::to_string(d.power);
    }
    return text;
}

}  // namespace

Interval parse_decimal(std::string_view text) {
    detail::Cursor at(text);
    const bool negative = at.sign();
    Natural digits;
    std::int64_t behind = 0, exponent = 0;
    if (text.size() > detail::longest_text || !at.digits_with_point(10, digits, behind) ||
        (at.skip('e') && !at.exponent(exponent)) || !at.at_end()) {
        reject(text);
    }
    const Interval size = detail::scaled(digits, 10, exponent - behind);
    return negative ? -size : size;
}

std::string decimal_down(double x, int digits) {
    return print(x, digits, false);
}
std::string decimal_up(double x, int digits) {
    return print(x, digits, true);
}

}  // namespace gonogo::numeric
