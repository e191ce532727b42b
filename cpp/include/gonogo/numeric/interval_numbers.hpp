// Numbers that describe an interval, after IEEE 1788. NaN for the empty set, except inf and sup. Valid under
// EnvironmentGuard. Theorem 31 of docs/soundness.md.
#pragma once

#include "gonogo/numeric/interval.hpp"

namespace gonogo::numeric {

// The ends; +inf and -inf for the empty set. As the standard asks, a zero has the sign that points outward.
inline double inf(const Interval& a) {
    return a.lo == 0.0 ? -0.0 : a.lo;
}
inline double sup(const Interval& a) {
    return a.hi == 0.0 ? 0.0 : a.hi;
}

// The float nearest to the midpoint, ties to even; 0 for entire, MAX or -MAX when one side is unbounded.
double mid(const Interval& a);
// The least float r with a inside [mid(a) - r, mid(a) + r]
double rad(const Interval& a);
// The least float >= the width
double wid(const Interval& a);
// The greatest and the least absolute value
double mag(const Interval& a);
double mig(const Interval& a);

struct MidRad {
    double mid;
    double rad;
};
MidRad mid_rad(const Interval& a);

// The smallest interval with [mid - rad, mid + rad], rad >= 0; entire when rad is +inf. Anything else that isn't
// finite, or a negative rad: std::invalid_argument.
Interval from_mid_rad(double mid, double rad);

}  // namespace gonogo::numeric
