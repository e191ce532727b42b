#include "joint/pair_rules.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "joint/deployment.hpp"
#include "ops/elementwise.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

namespace {

// Bounds on phi(x + d) - psi(x) over all x in r.
double clamp_below(Interval r, double d, RealClamp phi, RealClamp psi) {
    return numeric::sub_down(clamped(numeric::add_down(r.lo, d), phi), clamped(r.hi, psi));
}
double clamp_above(Interval r, double d, RealClamp phi, RealClamp psi) {
    return numeric::sub_up(clamped(numeric::add_up(r.hi, d), phi), clamped(r.lo, psi));
}

}  // namespace

// For fixed d, h(r) = phi(r + d) - psi(r) is piecewise linear with breakpoints phi.lo - d, phi.hi - d, psi.lo, psi.hi,
// so its extremes over [r.lo, r.hi] are at the ends or at a breakpoint inside. h is non-decreasing in d, so the minimum
// has d = d.lo and the maximum d = d.hi. A breakpoint phi.lo - d that isn't a binary64 number is replaced by an
// interval around it, over which h is enclosed. Where neither clamp acts, h = d.
Interval clamp_pair(Interval r, Interval d, RealClamp phi, RealClamp psi) {
    if (identity(phi) && identity(psi)) return d;
    if (!r.is_bounded() || !d.is_bounded()) return Interval::entire();
    const auto inside = [](RealClamp c, Interval x) { return c.lo <= x.lo && x.hi <= c.hi; };
    const Interval sum = r + d;
    if (inside(phi, sum) && inside(psi, r)) return d;
    const auto each = [&](double shift, auto&& take) {
        take(Interval::point(r.lo), shift);
        take(Interval::point(r.hi), shift);
        const auto at_breakpoint = [&](Interval at) {
            const Interval part = meet(at, r);
            if (part.lo <= part.hi) take(part, shift);
        };
        if (std::isfinite(phi.lo)) at_breakpoint(Interval::point(phi.lo) - Interval::point(shift));
        if (std::isfinite(phi.hi)) at_breakpoint(Interval::point(phi.hi) - Interval::point(shift));
        if (std::isfinite(psi.lo)) at_breakpoint(Interval::point(psi.lo));
        if (std::isfinite(psi.hi)) at_breakpoint(Interval::point(psi.hi));
    };
    Interval out{infinity, -infinity};
    each(d.lo, [&](Interval x, double shift) { out.lo = std::min(out.lo, clamp_below(x, shift, phi, psi)); });
    each(d.hi, [&](Interval x, double shift) { out.hi = std::max(out.hi, clamp_above(x, shift, phi, psi)); });
    return out;
}

// Mean value: f(r + d) - f(r) = k d with k between the smallest and the largest slope.
Interval leaky_relu_pair(Interval r, Interval d, double alpha) {
    const Interval v = r + d;
    if (r.lo >= 0.0 && v.lo >= 0.0) return d;
    if (r.hi <= 0.0 && v.hi <= 0.0) return Interval::point(alpha) * d;
    return Interval::hull(alpha, 1.0) * d;
}

namespace {

// Slope range of sigmoid over x: s (1 - s) falls with |x|.
Interval sigmoid_slope(Interval x) {
    const double near = x.lo > 0.0 ? x.lo : (x.hi < 0.0 ? x.hi : 0.0);
    const double far = std::max(std::fabs(x.lo), std::fabs(x.hi));
    const Interval one = Interval::point(1.0);
    const Interval a = numeric::sigmoid(Interval::point(near));
    const Interval b = numeric::sigmoid(Interval::point(far));
    return {std::max(0.0, (b * (one - b)).lo), std::min(0.25, (a * (one - a)).hi)};
}

// Slope range of tanh: 1 - tanh^2 falls with |x|.
Interval tanh_slope(Interval x) {
    const double near = x.lo > 0.0 ? x.lo : (x.hi < 0.0 ? x.hi : 0.0);
    const double far = std::max(std::fabs(x.lo), std::fabs(x.hi));
    const Interval one = Interval::point(1.0);
    return {std::max(0.0, (one - numeric::sqr(numeric::tanh(Interval::point(far)))).lo),
            std::min(1.0, (one - numeric::sqr(numeric::tanh(Interval::point(near)))).hi)};
}

template <class Function, class Slope>
Interval smooth_pair(Interval r, Interval d, Function f, Slope slope) {
    const Interval v = r + d;
    const Interval apart = f(v) - f(r);
    if (!r.is_bounded() || !d.is_bounded()) return apart;
    return meet(apart, slope(hull(r, v)) * d);
}

}  // namespace

Interval sigmoid_pair(Interval r, Interval d) {
    return smooth_pair(r, d, [](Interval x) { return numeric::sigmoid(x); }, sigmoid_slope);
}

Interval tanh_pair(Interval r, Interval d) {
    return smooth_pair(r, d, [](Interval x) { return numeric::tanh(x); }, tanh_slope);
}

// v_a v_b - r_a r_b = v_a d_b + d_a r_b = r_a d_b + d_a v_b: three enclosures of one set.
Interval product_pair(Interval ra, Interval da, Interval rb, Interval db) {
    const Interval va = ra + da;
    const Interval vb = rb + db;
    return meet(meet(va * db + da * rb, ra * db + da * vb), va * vb - ra * rb);
}

namespace {

// p e^delta / (1 - p + p e^delta) - p = p (1 - p) t / (1 + p t), t = e^delta - 1: what a logit shift of delta does to a
// probability p.
Interval shifted(double p, double delta) {
    const Interval one = Interval::point(1.0);
    const Interval x = Interval::point(p);
    const Interval t = numeric::exp(Interval::point(delta)) - one;
    return x * (one - x) * t / (one + x * t);
}

// Largest value over p in [lo, hi] for a shift delta >= 0: the function of p is concave with its peak at
// 1 / (1 + e^(delta / 2)), where it is tanh(delta / 4).
double largest_shift(double lo, double hi, double delta) {
    const Interval one = Interval::point(1.0);
    const Interval peak = one / (one + numeric::exp(Interval::point(0.5 * delta)));
    if (hi < peak.lo) return shifted(hi, delta).hi;
    if (lo > peak.hi) return shifted(lo, delta).hi;
    return numeric::tanh(Interval::point(numeric::mul_up(0.25, delta))).hi;
}

// sup over p of the change for a shift of exactly `delta`, and inf by symmetry: p -> 1 - p, delta -> -delta.
double upper_change(double lo, double hi, double delta) {
    const double trivial = numeric::sub_up(1.0, lo);
    if (!(std::fabs(delta) <= 500.0)) return delta > 0.0 ? trivial : 0.0;
    const double v =
        delta >= 0.0 ? largest_shift(lo, hi, delta) : std::max(shifted(lo, delta).hi, shifted(hi, delta).hi);
    return std::min(v, trivial);
}

}  // namespace

// softmax_i(r + d) = sigmoid-like in its own logit: with p = softmax_i(r), the odds against i are
// sum_j!=i e^(beta (r_j - r_i)) e^(-beta (d_i - d_j)), so they lie between the odds shifted by the smallest and by the
// largest beta (d_i - d_j). The change of p is monotone in that shift.
Interval softmax_pair(Interval p, Interval shift) {
    const double lo = std::max(0.0, p.lo);
    const double hi = std::min(1.0, p.hi);
    return {std::isnan(shift.lo)
                ? -1.0
                : -upper_change(numeric::sub_down(1.0, hi), std::min(1.0, numeric::sub_up(1.0, lo)), -shift.lo),
            std::isnan(shift.hi) ? 1.0 : upper_change(lo, hi, shift.hi)};
}

}  // namespace gonogo::joint
