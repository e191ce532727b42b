// Decimal text in and out is arithmetic too: both directions round outward, by exact integer arithmetic, whatever the
// locale. Theorem 14 of docs/soundness.md.
#pragma once

#include <string>
#include <string_view>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// The smallest interval that contains the number written: [sign] digits [. digits] [(e|E) [sign] digits].
// Throws std::invalid_argument for anything else ("inf", "nan", spaces, more than 4096 characters).
Interval parse_decimal(std::string_view text);

// The greatest decimal of `digits` significant digits that is <= x, the least that is >= x; "-inf" and "inf" for
// infinities. digits from 1 to 1100; x not NaN; else std::invalid_argument.
std::string decimal_down(double x, int digits);
std::string decimal_up(double x, int digits);

}  // namespace gonogo::numeric
