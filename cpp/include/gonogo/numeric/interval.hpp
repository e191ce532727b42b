// Closed intervals with binary64 ends and the empty set: the bare intervals of IEEE 1788's set-based flavour. Valid
// under EnvironmentGuard.
//
// Invariant: lo <= hi, lo < +inf, hi > -inf, never NaN, where an infinite end means "unbounded on that side"; or empty,
// which is {+inf, -inf}. Every operation keeps it and encloses: x in a and y in b imply (x op y) in (a op b) wherever x
// op y is defined (Theorem 7 of docs/soundness.md). So operands that enclose numbers for which the operation is defined
// never give the empty set. More operations: interval_functions.hpp, interval_sets.hpp, interval_numbers.hpp.
#pragma once

#include "gonogo/numeric/rounding.hpp"

namespace gonogo::numeric {

struct Interval {
    double lo = 0.0;
    double hi = 0.0;

    // [x, x]; for what isn't a real number the smallest interval of the invariant that covers it.
    static Interval point(double x) { return hull(x, x); }
    // The smallest interval with both numbers, in any order.
    static Interval hull(double a, double b);
    static constexpr Interval entire() { return {-infinity, infinity}; }
    static constexpr Interval empty() { return {infinity, -infinity}; }

    bool is_empty() const { return lo > hi; }
    bool contains(double x) const { return lo <= x && x <= hi; }
    bool contains(const Interval& other) const { return lo <= other.lo && other.hi <= hi; }
    // A bound on both sides; false for the empty set, which bounds nothing that exists.
    bool is_bounded() const { return lo > -infinity && hi < infinity && lo <= hi; }
    bool is_point() const { return lo == hi; }
    // Upper bound on hi - lo; +inf for the empty set.
    double width_up() const { return is_empty() ? infinity : sub_up(hi, lo); }
    // Greatest absolute value; +inf for the empty set, so that it never passes for a small bound.
    double magnitude() const { return is_empty() ? infinity : (-lo > hi ? -lo : hi); }

    friend bool operator==(const Interval&, const Interval&) = default;
};

inline Interval Interval::hull(double a, double b) {
    if (a != a || b != b) {
        return entire();
    }
    const double lo = a < b ? a : b;
    const double hi = a < b ? b : a;
    return {lo < infinity ? lo : largest, hi > -infinity ? hi : -largest};
}

inline Interval operator-(const Interval& a) {
    return {-a.hi, -a.lo};
}

inline Interval operator+(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return Interval::empty();
    }
    return {add_down(a.lo, b.lo), add_up(a.hi, b.hi)};
}

inline Interval operator-(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return Interval::empty();
    }
    return {sub_down(a.lo, b.hi), sub_up(a.hi, b.lo)};
}

Interval operator*(const Interval& a, const Interval& b);

// The smallest interval with {x / y : x in a, y in b, y != 0}; empty when b is [0, 0].
Interval operator/(const Interval& a, const Interval& b);

inline Interval& operator+=(Interval& a, const Interval& b) {
    return a = a + b;
}
inline Interval& operator-=(Interval& a, const Interval& b) {
    return a = a - b;
}
inline Interval& operator*=(Interval& a, const Interval& b) {
    return a = a * b;
}

// factor * a. A factor that isn't finite gives entire.
inline Interval scale(const Interval& a, double factor) {
    if (a.is_empty()) {
        return a;
    }
    if (!detail::is_finite(factor)) {
        return Interval::entire();
    }
    return factor >= 0.0 ? Interval{mul_down(a.lo, factor), mul_up(a.hi, factor)}
                         : Interval{mul_down(a.hi, factor), mul_up(a.lo, factor)};
}

inline Interval abs(const Interval& a) {
    if (a.lo >= 0.0) {
        return a;
    }
    return a.hi <= 0.0 ? -a : Interval{0.0, a.magnitude()};
}

inline Interval sqr(const Interval& a) {
    const Interval m = abs(a);
    if (m.is_empty()) {
        return m;
    }
    return {mul_down(m.lo, m.lo), mul_up(m.hi, m.hi)};
}

// {sqrt(x) : x in a, x >= 0}
Interval sqrt(const Interval& a);

inline Interval min(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return Interval::empty();
    }
    return {a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
}

inline Interval max(const Interval& a, const Interval& b) {
    if (a.is_empty() || b.is_empty()) {
        return Interval::empty();
    }
    return {a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

// The smallest interval with both; the empty set adds nothing.
inline Interval hull(const Interval& a, const Interval& b) {
    return {a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

// The common part of two enclosures of one value. Disjoint enclosures prove a defect: std::logic_error. (The operation
// on sets is `intersection`.)
Interval intersect(const Interval& a, const Interval& b);

}  // namespace gonogo::numeric
