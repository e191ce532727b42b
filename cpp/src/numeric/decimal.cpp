// Theorem 14. Decimal text is the rational N 10^E with N, E integers; it is rounded down and up by exact integer
// division, and a binary64 number m 2^e is scaled to an integer quotient the same way. Both directions are therefore
// the best possible.
#include "gonogo/numeric/decimal.hpp"

#include <stdexcept>

#include "natural.hpp"
#include "scaled_integer.hpp"

namespace gonogo::numeric {

namespace {

using detail::Natural;
using detail::ScaledInteger;

constexpr std::size_t longest_text = 4096;
constexpr std::int64_t greatest_exponent = 100000;  // beyond it only the sign matters

[[noreturn]] void reject(std::string_view text) {
    const std::string shown(text.substr(0, 40));
    throw std::invalid_argument("'" + shown + (text.size() > 40 ? "...'" : "'") +
                                " isn't a decimal number; write digits, at most one point, and an optional exponent");
}

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

struct DecimalText {
    bool negative = false;
    Natural digits;                  // all digits without the point
    std::int64_t exponent = 0;       // value = digits * 10^exponent
    std::int64_t leading_power = 0;  // value < 10^leading_power, and >= 10^(leading_power - 1) unless zero
};

DecimalText read(std::string_view text) {
    DecimalText result;
    if (text.size() > longest_text) {
        reject(text);
    }
    std::size_t at = 0;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
        result.negative = text[at++] == '-';
    }
    bool point = false, any = false;
    std::int64_t significant = 0;
    for (; at < text.size() && (is_digit(text[at]) || (text[at] == '.' && !point)); ++at) {
        if (text[at] == '.') {
            point = true;
            continue;
        }
        any = true;
        result.digits.multiply_add(10, static_cast<std::uint32_t>(text[at] - '0'));
        significant += result.digits.is_zero() ? 0 : 1;
        result.exponent -= point ? 1 : 0;
    }
    if (!any) {
        reject(text);
    }
    if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
        ++at;
        bool negative = false;
        if (at < text.size() && (text[at] == '+' || text[at] == '-')) {
            negative = text[at++] == '-';
        }
        if (at == text.size()) {
            reject(text);
        }
        std::int64_t exponent = 0;
        for (; at < text.size() && is_digit(text[at]); ++at) {
            exponent = exponent < greatest_exponent ? exponent * 10 + (text[at] - '0') : exponent;
        }
        result.exponent += negative ? -exponent : exponent;
    }
    if (at != text.size()) {
        reject(text);
    }
    result.leading_power = result.exponent + significant;
    return result;
}

Interval magnitude(const DecimalText& text) {
    if (text.digits.is_zero()) {
        return {0.0, 0.0};
    }
    if (text.leading_power > 310) {  // >= 10^310 > 2^1024
        return {largest, infinity};
    }
    if (text.leading_power < -330) {  // < 10^-330 < 2^-1074
        return {0.0, next_up(0.0)};
    }
    // 2^shift digits 10^exponent, with shift chosen so that the quotient has 63 or 64 bits
    Natural top = text.digits;
    Natural bottom(1);
    (text.exponent >= 0 ? top : bottom).multiply_power_of_ten(text.exponent >= 0 ? text.exponent : -text.exponent);
    const std::int64_t shift = 63 - (top.bit_length() - bottom.bit_length());
    (shift >= 0 ? top : bottom).shift_left(shift >= 0 ? shift : -shift);
    const detail::QuotientBits q = detail::divide(top, bottom);
    const ScaledInteger value{q.quotient, -shift, !q.exact};
    return {detail::magnitude_down(value), detail::magnitude_up(value)};
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
    const DecimalText t = read(text);
    const Interval m = magnitude(t);
    return t.negative ? -m : m;
}

std::string decimal_down(double x, int digits) {
    return print(x, digits, false);
}
std::string decimal_up(double x, int digits) {
    return print(x, digits, true);
}

}  // namespace gonogo::numeric
