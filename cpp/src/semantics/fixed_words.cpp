// Numbers into words. All of it is exact: binary64 numbers are scaled by powers of two, floors are integers.
#include <cmath>

#include "semantics/fixed_program.hpp"

namespace gonogo {

double FixedGrid::value(std::int64_t n) const {
    return std::ldexp(static_cast<double>(n), -fraction);
}

FixedGrid grid_of(const FixedWord& word) {
    const std::int64_t one = 1;
    if (word.is_signed) return {word.fraction_bits, -(one << (word.bits - 1)), (one << (word.bits - 1)) - 1};
    return {word.fraction_bits, 0, (one << word.bits) - 1};
}

template <class Integer>
Integer rounded_quotient(Integer n, Integer d, FixedRounding rounding) {
    Integer q = n / d;
    Integer r = n % d;
    if (r < 0) q -= 1, r += d;
    if (rounding == FixedRounding::floor || r < d - r) return q;
    if (r > d - r) return q + 1;
    switch (rounding) {
        case FixedRounding::half_away:
            return n < 0 ? q : q + 1;
        case FixedRounding::half_even:
            return q % 2 == 0 ? q : q + 1;
        default:
            return q + 1;
    }
}

template std::int64_t rounded_quotient(std::int64_t, std::int64_t, FixedRounding);
template Int128 rounded_quotient(Int128, Int128, FixedRounding);

// y = x 2^fraction is exact, being far from binary64's ends wherever it isn't cut anyway. The sign of a difference of
// two binary64 numbers is that of the computed one, so y is compared with q + 1/2 rather than y - q with 1/2. `rest`
// decides only where y is an integer or half of one: elsewhere it is smaller than the distance, a multiple of ulp(y).
std::int64_t rounded_real(double x, double rest, const FixedGrid& grid, FixedRounding rounding) {
    const double y = std::ldexp(x, grid.fraction);
    const double least = static_cast<double>(grid.lo);
    const double most = static_cast<double>(grid.hi);
    if (!(y > least - 2.0)) return grid.lo;
    if (!(y < most + 2.0)) return grid.hi;
    const double q = std::floor(y);
    const auto cut = [&](double n) { return static_cast<std::int64_t>(n < least ? least : (n > most ? most : n)); };
    if (rounding == FixedRounding::floor) return cut(q == y && rest < 0.0 ? q - 1.0 : q);
    if (q == y) return cut(q);
    const double past = y - (q + 0.5);
    if (past != 0.0 || rest != 0.0) return cut(past > 0.0 || (past == 0.0 && rest > 0.0) ? q + 1.0 : q);
    switch (rounding) {
        case FixedRounding::half_away:
            return cut(y < 0.0 ? q : q + 1.0);
        case FixedRounding::half_even:
            return cut(std::fmod(q, 2.0) == 0.0 ? q : q + 1.0);
        default:
            return cut(q + 1.0);
    }
}

}  // namespace gonogo
