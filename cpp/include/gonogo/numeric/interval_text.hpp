// Intervals as text: all literals of IEEE 1788 (9.7), read and written outward by exact integer arithmetic. Theorem 14
// of docs/soundness.md, extended to rationals, hexadecimal and uncertain forms.
#pragma once

#include <string>
#include <string_view>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// The smallest interval with the set written, upper and lower case alike:
//     [l, u]  [x]  [l,]  [,u]  [,]  [entire]  [empty]  []     spaces beside brackets and comma
//     m?  m?r  m??  with u or d behind for one-sided, then an exponent e+5: m plus or minus r units of m's last place
//                   (without r half a unit, with ?? unbounded): 3.56?1  -10?u  2.5??d  10?3e2
// where numbers are 1.5e-3, 0x1.8p-3, 2/3, inf, infinity with a sign. A number alone means [x].
//
// std::invalid_argument says what is wrong with any other text, with l > u, an infinite [x], l = +inf or u = -inf, a
// zero denominator, and more than 4096 characters. Ends in the wrong order that lie strictly between the same two
// neighbouring floats, or both beyond the largest, are read as the interval between those: it contains both.
Interval parse_interval(std::string_view text);

// "[0.1, 0.25]" with the greatest decimal of `digits` significant digits <= lo and the least >= hi; "[empty]",
// "[entire]", "[-inf, 3]". Reads back to an interval that contains `a`. digits from 1 to 1100.
std::string interval_text(const Interval& a, int digits = 17);

}  // namespace gonogo::numeric
