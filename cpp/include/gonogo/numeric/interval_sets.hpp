// Intervals as sets: operations and relations of IEEE 1788. Comparisons of ends only, so every answer is exact. The
// empty set is {+inf, -inf}; where that alone gives the standard's answer for empty operands nothing else is asked.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

inline Interval intersection(const Interval& a, const Interval& b) {
    const Interval common{a.lo > b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
    return common.is_empty() ? Interval::empty() : common;
}
// The convex hull is `hull` of interval.hpp.

inline bool is_entire(const Interval& a) {
    return a.lo == -infinity && a.hi == infinity;
}
// Bounded and not empty
inline bool is_common(const Interval& a) {
    return a.is_bounded();
}
inline bool is_member(double x, const Interval& a) {
    return detail::is_finite(x) && a.contains(x);
}
inline bool equal(const Interval& a, const Interval& b) {
    return a == b;
}
// Every x of a is in b.
inline bool subset(const Interval& a, const Interval& b) {
    return b.contains(a);
}
// For every x of a there is y >= x in b, and for every y of b an x <= y in a.
inline bool less(const Interval& a, const Interval& b) {
    return a.lo <= b.lo && a.hi <= b.hi;
}
// Every x of a is <= every y of b.
inline bool precedes(const Interval& a, const Interval& b) {
    return a.hi <= b.lo;
}
// Every x of a is < every y of b.
inline bool strict_precedes(const Interval& a, const Interval& b) {
    return a.is_empty() || b.is_empty() || a.hi < b.lo;
}
// `less` with < and >; unbounded sides of both count as such.
inline bool strict_less(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return a.is_empty() && b.is_empty();
    }
    return (a.lo < b.lo || (a.lo == -infinity && b.lo == -infinity)) &&
           (a.hi < b.hi || (a.hi == infinity && b.hi == infinity));
}
// a lies in the topological interior of b.
inline bool interior(const Interval& a, const Interval& b) {
    return a.is_empty() || ((b.lo < a.lo || b.lo == -infinity) && (a.hi < b.hi || b.hi == infinity));
}
inline bool disjoint(const Interval& a, const Interval& b) {
    return a.is_empty() || b.is_empty() || a.hi < b.lo || b.hi < a.lo;
}

// How two intervals lie to each other: exactly one of sixteen states.
enum class Overlap : std::uint8_t {
    both_empty,
    first_empty,
    second_empty,
    before,
    meets,
    overlaps,
    starts,
    contained_by,
    finishes,
    equals,
    finished_by,
    contains,
    started_by,
    overlapped_by,
    met_by,
    after
};

// The standard's names, in the order above.
inline constexpr std::array<std::string_view, 16> overlap_names = {
    "bothEmpty", "firstEmpty", "secondEmpty", "before",   "meets",     "overlaps",     "starts", "containedBy",
    "finishes",  "equals",     "finishedBy",  "contains", "startedBy", "overlappedBy", "metBy",  "after"};

inline Overlap overlap(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return !b.is_empty() ? Overlap::first_empty : (a.is_empty() ? Overlap::both_empty : Overlap::second_empty);
    }
    if (a.hi < b.lo) return Overlap::before;
    if (b.hi < a.lo) return Overlap::after;
    if (a.lo == b.lo && a.hi == b.hi) return Overlap::equals;
    // A common end joins two proper intervals; a single point there starts or finishes the other.
    if (a.hi == b.lo && a.lo < a.hi && b.lo < b.hi) return Overlap::meets;
    if (b.hi == a.lo && b.lo < b.hi && a.lo < a.hi) return Overlap::met_by;
    if (a.lo == b.lo) return a.hi < b.hi ? Overlap::starts : Overlap::started_by;
    if (a.hi == b.hi) return b.lo < a.lo ? Overlap::finishes : Overlap::finished_by;
    if (a.lo < b.lo) return a.hi < b.hi ? Overlap::overlaps : Overlap::contains;
    return a.hi < b.hi ? Overlap::contained_by : Overlap::overlapped_by;
}

}  // namespace gonogo::numeric
