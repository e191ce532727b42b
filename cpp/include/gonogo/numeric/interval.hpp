// Closed intervals with binary64 ends. Valid under EnvironmentGuard.
//
// Invariant: lo <= hi, lo < +inf, hi > -inf, never NaN; an infinite end means "unbounded on that side". Every operation
// keeps it and encloses: x in a and y in b imply (x op y) in (a op b) (Theorem 7 of docs/soundness.md).
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

    bool contains(double x) const { return lo <= x && x <= hi; }
    bool contains(const Interval& other) const { return lo <= other.lo && other.hi <= hi; }
    bool is_bounded() const { return lo > -infinity && hi < infinity; }
    bool is_point() const { return lo == hi; }
    // Upper bound on hi - lo.
    double width_up() const { return sub_up(hi, lo); }
    // Greatest absolute value.
    double magnitude() const { return -lo > hi ? -lo : hi; }

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
    return {add_down(a.lo, b.lo), add_up(a.hi, b.hi)};
}

inline Interval operator-(const Interval& a, const Interval& b) {
    return {sub_down(a.lo, b.hi), sub_up(a.hi, b.lo)};
}

Interval operator*(const Interval& a, const Interval& b);

// {x / y : x in a, y in b, y != 0}; entire when zero is inside b or b is [0, 0].
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
    return {mul_down(m.lo, m.lo), mul_up(m.hi, m.hi)};
}

// {sqrt(x) : x in a, x >= 0}. Throws std::domain_error when a has no such x.
Interval sqrt(const Interval& a);

inline Interval min(const Interval& a, const Interval& b) {
    return {a.lo < b.lo ? a.lo : b.lo, a.hi < b.hi ? a.hi : b.hi};
}

inline Interval max(const Interval& a, const Interval& b) {
    return {a.lo > b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

inline Interval hull(const Interval& a, const Interval& b) {
    return {a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi};
}

// The common part of two enclosures of one value. Disjoint enclosures prove a defect: std::logic_error.
Interval intersect(const Interval& a, const Interval& b);

}  // namespace gonogo::numeric
