// Further functions of intervals, after IEEE 1788: each gives the smallest interval with all values, and nothing
// (empty) where there is none. Valid under EnvironmentGuard. Theorem 30 of docs/soundness.md.
#pragma once

#include <cstdint>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// 1 / x for x != 0
Interval recip(const Interval& a);
// x * y + z
Interval fma(const Interval& a, const Interval& b, const Interval& c);
// x^n; x != 0 when n < 0; x^0 = 1 for every x
Interval pown(const Interval& a, std::int64_t n);
// -1, 0 or 1
Interval sign(const Interval& a);
Interval ceil(const Interval& a);
Interval floor(const Interval& a);
// towards zero
Interval trunc(const Interval& a);
Interval round_ties_to_even(const Interval& a);
Interval round_ties_to_away(const Interval& a);

// The interval z with y + z = x if there is one, else the smallest with y + z containing x; entire when there is none
// (y is wider than x) or when an operand is unbounded.
Interval cancel_minus(const Interval& x, const Interval& y);
// cancel_minus(x, -y)
Interval cancel_plus(const Interval& x, const Interval& y);

}  // namespace gonogo::numeric
