// Theorem 14, continued. Every number of a literal is a rational with a numerator and a denominator that are formed as
// integers: digits times a power of two or ten, a quotient of two integers, or (2 m +- 2 r) / 2 units of a last place.
// It is rounded down and up by one exact division.
#include "gonogo/numeric/interval_text.hpp"

#include <stdexcept>

#include "gonogo/numeric/decimal.hpp"

#include "number_text.hpp"

namespace gonogo::numeric {

namespace {

using detail::Cursor;
using detail::Natural;

[[noreturn]] void reject(std::string_view text, const std::string& why) {
    throw std::invalid_argument(detail::quoted(text) + " isn't an interval: " + why);
}

Interval with_sign(bool negative, const Interval& magnitude) {
    return negative ? -magnitude : magnitude;
}

// One end: a number between two neighbouring floats (or one), or an infinity.
struct End {
    Interval value;
    bool infinite = false;
};

End read_infinity(bool negative) {
    return {with_sign(negative, {largest, infinity}), true};
}

// decimal, hexadecimal, rational or infinity
End read_number(Cursor& at, std::string_view text) {
    const bool negative = at.sign();
    if (at.skip("inf") || at.skip("infinity")) {
        return read_infinity(negative);
    }
    Natural digits;
    std::int64_t behind = 0, exponent = 0;
    Cursor ahead = at;
    if (ahead.skip('0') && ahead.skip('x')) {
        at = ahead;
        if (!at.digits_with_point(16, digits, behind)) {
            reject(text, "0x needs hexadecimal digits");
        }
        if (!at.skip('p') || !at.exponent(exponent)) {
            reject(text, "a hexadecimal number needs an exponent, such as p0");
        }
        return {with_sign(negative, detail::scaled(digits, 2, exponent - 4 * behind))};
    }
    ahead = at;
    if (ahead.natural(digits) && ahead.skip('/')) {
        Natural bottom;
        if (!ahead.natural(bottom) || bottom.is_zero()) {
            reject(text, "a denominator must be a positive integer");
        }
        at = ahead;
        return {with_sign(negative, detail::quotient(digits, bottom))};
    }
    if (!at.digits_with_point(10, digits, behind)) {
        reject(text, "expected a number");
    }
    if (at.skip('e') && !at.exponent(exponent)) {
        reject(text, "an exponent needs digits");
    }
    return {with_sign(negative, detail::scaled(digits, 10, exponent - behind))};
}

// Between the brackets: nothing, empty, entire, one number, or two with a comma, either of which may be missing.
Interval read_bracket(Cursor& at, std::string_view text) {
    at.skip_spaces();
    if (at.peek() == ']' || at.skip("empty")) {
        return Interval::empty();
    }
    if (at.skip("entire")) {
        return Interval::entire();
    }
    End low = read_infinity(true);
    End high = read_infinity(false);
    const bool lower_given = at.peek() != ',';
    if (lower_given) {
        low = read_number(at, text);
        at.skip_spaces();
    }
    if (at.skip(',')) {
        at.skip_spaces();
        if (at.peek() != ']') {
            high = read_number(at, text);
        }
    } else {
        high = low;
    }
    if ((low.infinite && low.value.lo > 0.0) || (high.infinite && high.value.hi < 0.0)) {
        reject(text, "an infinity bounds its own side only");
    }
    // Bounds on two numbers l <= u are in the same order. (Not the other way round: see the header.)
    if (low.value.lo > high.value.lo || low.value.hi > high.value.hi) {
        reject(text, "the lower end is above the upper end");
    }
    return {low.value.lo, high.value.hi};
}

// (2 m + step) / 2 * 10^exponent for a signed m
Interval moved(bool negative, const Natural& twice_m, bool step_up, const Natural& twice_step, std::int64_t exponent) {
    Natural size = twice_m;
    if (negative != step_up) {
        size.add(twice_step);
    } else if (size >= twice_step) {
        size.subtract(twice_step);
    } else {
        size = twice_step;
        size.subtract(twice_m);
        negative = !negative;
    }
    // / 2 = * 5 / 10
    size.multiply_add(5, 0);
    return with_sign(negative, detail::scaled(size, 10, exponent - 1));
}

// m?r and its variants; false when there is no '?'.
bool read_uncertain(Cursor& at, std::string_view text, Interval& result) {
    const bool negative = at.sign();
    Natural m, radius;
    std::int64_t behind = 0, exponent = 0;
    if (!at.digits_with_point(10, m, behind) || !at.skip('?')) {
        return false;
    }
    const bool unbounded = at.skip('?');
    Natural twice_radius(1);
    if (!unbounded && at.natural(radius)) {
        twice_radius = radius;
        twice_radius.multiply_add(2, 0);
    }
    const bool up_only = at.skip('u');
    const bool down_only = !up_only && at.skip('d');
    if (at.skip('e') && !at.exponent(exponent)) {
        reject(text, "an exponent needs digits");
    }
    exponent -= behind;
    m.multiply_add(2, 0);
    const Natural nothing;
    result.lo =
        unbounded && !up_only ? -infinity : moved(negative, m, false, up_only ? nothing : twice_radius, exponent).lo;
    result.hi =
        unbounded && !down_only ? infinity : moved(negative, m, true, down_only ? nothing : twice_radius, exponent).hi;
    return true;
}

}  // namespace

Interval parse_interval(std::string_view text) {
    if (text.size() > detail::longest_text) {
        reject(text, "longer than " + std::to_string(detail::longest_text) + " characters");
    }
    Cursor at(text);
    Interval result;
    if (at.skip('[')) {
        result = read_bracket(at, text);
        at.skip_spaces();
        if (!at.skip(']') || !at.at_end()) {
            reject(text, "expected ] at the end");
        }
        return result;
    }
    Cursor whole = at;
    if (!read_uncertain(at, text, result)) {
        at = whole;
        const End number = read_number(at, text);
        if (number.infinite) {
            reject(text, "infinity isn't a number");
        }
        result = number.value;
    }
    if (!at.at_end()) {
        reject(text, "unexpected characters behind the number");
    }
    return result;
}

std::string interval_text(const Interval& a, int digits) {
    if (a.is_empty()) {
        return "[empty]";
    }
    if (a == Interval::entire()) {
        return "[entire]";
    }
    const std::string low = decimal_down(a.lo, digits), high = decimal_up(a.hi, digits);
    return low == high ? "[" + low + "]" : "[" + low + ", " + high + "]";
}

}  // namespace gonogo::numeric
