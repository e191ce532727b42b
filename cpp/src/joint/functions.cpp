// Element-wise functions and products. Each linear bound states, where it is made, why it holds; all of them are
// gathered in docs/soundness.md, "Linear relaxations".
#include "joint/functions.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/interval.hpp"

#include "joint/pair_rules.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

namespace {

using linear::Lines;
using linear::Ranges;
using numeric::Interval;

struct Line {
    double slope = 0.0;
    double intercept = 0.0;
};

// ---- smooth functions, convex for x <= 0 and concave for x >= 0, increasing

struct Smooth {
    Interval (*value)(const Interval&);
    Interval (*pair)(Interval r, Interval d);
    bool sigmoid;

    Interval at(double x) const { return value(Interval::point(x)); }
    // f'(x): s (1 - s) and 1 - t^2.
    Interval slope(double x) const {
        const Interval y = at(x);
        const Interval one = Interval::point(1.0);
        return numeric::max(sigmoid ? y * (one - y) : one - numeric::sqr(y), Interval::point(0.0));
    }
    // f' falls with |x|, so over an interval it lies between the values at the point nearest to zero and farthest.
    Interval slopes(Interval x) const {
        const double near = x.lo > 0.0 ? x.lo : (x.hi < 0.0 ? x.hi : 0.0);
        return {slope(x.magnitude()).lo, slope(near).hi};
    }
    // A negative x with f'(x) about s.
    double where(double s) const {
        if (sigmoid) {
            const double y = 0.5 - std::sqrt(std::max(0.0, 0.25 - s));
            return y > 0.0 ? std::log(y / (1.0 - y)) : -700.0;  // libm: any point serves
        }
        return std::atanh(-std::sqrt(std::clamp(1.0 - s, 0.0, 1.0 - 0x1p-52)));  // libm: any point serves
    }

    // The largest c such that the proof below shows f(x) >= s x + c on [l, u]. Let g = f - s x. On x >= 0 g is concave:
    // its least value is at an end. On x <= 0 g is convex: with any t there, g(x) >= g(t) + g'(t) (x - t).
    double intercept(double s, double l, double u) const {
        const auto g = [&](double x) { return at(x) - Interval::point(s) * Interval::point(x); };
        double least = g(u).lo;
        if (u > 0.0) least = std::min(least, g(std::max(l, 0.0)).lo);
        if (l < 0.0) {
            const double end = std::min(u, 0.0);
            const double t = std::clamp(where(s), l, end);
            const Interval rise = slope(t) - Interval::point(s);
            const Interval part = rise * (Interval{l, end} - Interval::point(t));
            least = std::min(least, (g(t) + part).lo);
        }
        return least;
    }

    Line below(double l, double u, double point) const {
        const auto f = [&](double x) { return at(x).hi; };
        const double chord = u > l ? (f(u) - f(l)) / (u - l) : 0.0;
        double s = chord;
        const auto tangent = [&](double x) { return slope(x).lo; };
        if (u <= 0.0) {
            s = tangent(point);
        } else if (l < 0.0) {
            // The tangent at t <= 0 that meets the curve again at u: by bisection on g(t) = f(t) + f'(t)(u - t) - f(u).
            double low = l;
            double high = 0.0;
            const auto beyond = [&](double t) { return f(t) + tangent(t) * (u - t) - f(u); };
            if (beyond(l) < 0.0) {  // else the chord lies below the curve
                for (int i = 0; i < 30; ++i) {
                    const double t = 0.5 * (low + high);
                    (beyond(t) < 0.0 ? low : high) = t;
                }
                s = tangent(std::min(point, low));
            }
        }
        if (!std::isfinite(s) || s < 0.0) s = 0.0;
        return {s, intercept(s, l, u)};
    }
    // f(x) = m - f(-x), m = 1 or 0: an upper line is the mirror of a lower one.
    Line above(double l, double u, double point) const {
        const Line mirror = below(-u, -l, -point);
        return {mirror.slope, sigmoid ? numeric::sub_up(1.0, mirror.intercept) : -mirror.intercept};
    }
};

class SmoothFunction final : public linear::Relation {
  public:
    explicit SmoothFunction(Smooth f) : Relation(1, 0), f_(f) {}

    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval y = f_.value({x.lo[0][i], x.hi[0][i]});
            lo[i] = std::max(lo[i], y.lo);
            hi[i] = std::min(hi[i], y.hi);
        }
    }
    bool loose(const Ranges& x, std::int64_t i, int) const override { return x.lo[0][i] < x.hi[0][i]; }
    double bend(const Ranges& x, std::int64_t i, int) const override { return linear::halfway(x.lo[0][i], x.hi[0][i]); }
    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const* points,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const double l = x.lo[0][i];
            const double u = x.hi[0][i];
            Line below{0.0, f_.at(l).lo};
            Line above{0.0, f_.at(u).hi};
            if (std::isfinite(l) && std::isfinite(u)) {
                const double point = points != nullptr ? std::clamp(points[0][i], l, u) : 0.5 * l + 0.5 * u;
                below = f_.below(l, u, point);
                above = f_.above(l, u, point);
            }
            out.slope_below[0][i] = below.slope;
            out.below[i] = below.intercept;
            out.slope_above[0][i] = above.slope;
            out.above[i] = above.intercept;
        }
    }

  private:
    Smooth f_;
};

// ---- differences f(r + d) - f(r)

// k d for some k in `slopes` and d in [l, u]: a convex or concave function of d bounds it, whose chord or pieces do.
struct Wedge {
    Interval k;
    double l, u;

    Interval corner(double slope, double x) const { return Interval::point(slope) * Interval::point(x); }
    // min(k.lo d, k.hi d), concave: above its chord. Its least value over s d is at an end.
    Line below() const {
        const double left = l < 0.0 ? k.hi : k.lo;
        const double right = u < 0.0 ? k.hi : k.lo;
        double s = left == right ? left : (right * u - left * l) / (u - l);
        if (!std::isfinite(s)) s = 0.0;
        const double a = (corner(left, l) - corner(s, l)).lo;
        const double b = (corner(right, u) - corner(s, u)).lo;
        return {s, std::min(a, b)};
    }
    Line above() const {
        const Line mirror = Wedge{-k, l, u}.below();
        return {-mirror.slope, -mirror.intercept};
    }
};

// Two ways to bound y = f(r + d) - f(r): the wedge of the mean value, or one line below f over the range of v and one
// above f over that of r (and the other way round). The higher one in the middle serves.
class FunctionPair : public linear::Relation {
  public:
    FunctionPair() : Relation(2, 1) {}

    double bend(const Ranges& x, std::int64_t i, int k) const override {
        return k == 1 ? std::numeric_limits<double>::quiet_NaN() : linear::halfway(x.lo[k][i], x.hi[k][i]);
    }
    bool loose(const Ranges& x, std::int64_t i, int k) const override { return x.lo[k][i] < x.hi[k][i]; }

    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval r{x.lo[0][i], x.hi[0][i]};
            const Interval d{x.lo[1][i], x.hi[1][i]};
            const Interval v{x.lo[2][i], x.hi[2][i]};
            const Interval y = meet(difference(r, d), value(v) - value(r));
            lo[i] = std::max(lo[i], y.lo);
            hi[i] = std::min(hi[i], y.hi);
        }
    }

    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const* points,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval r{x.lo[0][i], x.hi[0][i]};
            const Interval d{x.lo[1][i], x.hi[1][i]};
            const Interval v{x.lo[2][i], x.hi[2][i]};
            const auto set = [&](Line below_v, Line above_r, Line above_v, Line below_r) {
                out.slope_below[0][i] = below_v.slope - above_r.slope;
                out.slope_below[1][i] = below_v.slope;
                out.below[i] = numeric::sub_down(below_v.intercept, above_r.intercept);
                out.slope_above[0][i] = above_v.slope - below_r.slope;
                out.slope_above[1][i] = above_v.slope;
                out.above[i] = numeric::sub_up(above_v.intercept, below_r.intercept);
            };
            const Interval rv = value(v);
            const Interval rr = value(r);
            if (!r.is_bounded() || !d.is_bounded() || !v.is_bounded()) {
                set({0.0, rv.lo}, {0.0, rr.hi}, {0.0, rv.hi}, {0.0, rr.lo});
                continue;
            }
            const double pr = points != nullptr ? std::clamp(points[0][i], r.lo, r.hi) : 0.5 * r.lo + 0.5 * r.hi;
            const double pd = points != nullptr ? std::clamp(points[1][i], d.lo, d.hi) : 0.5 * d.lo + 0.5 * d.hi;
            const double pv = std::clamp(pr + pd, v.lo, v.hi);
            // slopes of v and r are subtracted in one rounding that stays within the mass: |s_v - s_r| u |r| is charged
            // by the back substitution only for its own products, so it is folded into the intercept here.
            set(below(v, pv), above(r, pr), above(v, pv), below(r, pr));
            const double steepest = std::max({1.0, std::fabs(out.slope_below[0][i]), std::fabs(out.slope_above[0][i])});
            const double slack = numeric::mul_up(numeric::mul_up(0x1p-52, steepest), r.magnitude());
            out.below[i] = numeric::sub_down(out.below[i], numeric::rigorous ? slack : 0.0);
            out.above[i] = numeric::add_up(out.above[i], numeric::rigorous ? slack : 0.0);
            const Wedge wedge{slopes(hull(r, v)), d.lo, d.hi};
            const Line low = wedge.below();
            const Line high = wedge.above();
            if (low.slope * pd + low.intercept >
                out.slope_below[0][i] * pr + out.slope_below[1][i] * pd + out.below[i]) {
                out.slope_below[0][i] = 0.0;
                out.slope_below[1][i] = low.slope;
                out.below[i] = low.intercept;
            }
            if (high.slope * pd + high.intercept <
                out.slope_above[0][i] * pr + out.slope_above[1][i] * pd + out.above[i]) {
                out.slope_above[0][i] = 0.0;
                out.slope_above[1][i] = high.slope;
                out.above[i] = high.intercept;
            }
        }
    }

  protected:
    virtual Interval value(Interval x) const = 0;
    virtual Interval difference(Interval r, Interval d) const = 0;
    virtual Interval slopes(Interval x) const = 0;
    virtual Line below(Interval x, double point) const = 0;
    virtual Line above(Interval x, double point) const = 0;
};

class SmoothPair final : public FunctionPair {
  public:
    explicit SmoothPair(Smooth f) : f_(f) {}

  protected:
    Interval value(Interval x) const override { return f_.value(x); }
    Interval difference(Interval r, Interval d) const override { return f_.pair(r, d); }
    Interval slopes(Interval x) const override { return f_.slopes(x); }
    Line below(Interval x, double point) const override { return f_.below(x.lo, x.hi, point); }
    Line above(Interval x, double point) const override { return f_.above(x.lo, x.hi, point); }

  private:
    Smooth f_;
};

// ---- leaky_relu: alpha x for x < 0, x else. Lines: the chord, and the steeper or flatter piece.

struct Leaky {
    double alpha;

    Interval at(double x) const { return x >= 0.0 ? Interval::point(x) : Interval::point(alpha) * Interval::point(x); }
    Interval value(Interval x) const {
        Interval y = hull(at(x.lo), at(x.hi));
        return x.lo < 0.0 && x.hi > 0.0 ? hull(y, Interval::point(0.0)) : y;
    }
    Interval slopes(Interval x) const {
        if (x.lo >= 0.0) return Interval::point(1.0);
        return x.hi <= 0.0 ? Interval::point(alpha) : Interval::hull(alpha, 1.0);
    }
    // Piecewise linear: the least value of f - s x is at an end or at zero.
    double intercept(double s, Interval x) const {
        const auto g = [&](double t) { return (at(t) - Interval::point(s) * Interval::point(t)).lo; };
        double least = std::min(g(x.lo), g(x.hi));
        if (x.lo < 0.0 && x.hi > 0.0) least = std::min(least, 0.0);
        return least;
    }
    Line below(Interval x, double point) const {
        if (x.lo >= 0.0) return {1.0, 0.0};
        if (x.hi <= 0.0) return {alpha, 0.0};
        const double chord = (x.hi - alpha * x.lo) / (x.hi - x.lo);
        Line best{0.0, -infinity};
        for (const double s : {alpha, 1.0, chord}) {
            const double c = intercept(s, x);
            if (std::isfinite(s) && (s * point + c > best.slope * point + best.intercept)) best = {s, c};
        }
        return best;
    }
    Line above(Interval x, double point) const {
        if (x.lo >= 0.0) return {1.0, 0.0};
        if (x.hi <= 0.0) return {alpha, 0.0};
        const double chord = (x.hi - alpha * x.lo) / (x.hi - x.lo);
        Line best{0.0, infinity};
        const auto most = [&](double s) {
            const auto g = [&](double t) { return (at(t) - Interval::point(s) * Interval::point(t)).hi; };
            return std::max({g(x.lo), g(x.hi), 0.0});
        };
        for (const double s : {alpha, 1.0, chord}) {
            if (!std::isfinite(s)) continue;
            const double c = most(s);
            if (s * point + c < best.slope * point + best.intercept) best = {s, c};
        }
        return best;
    }
};

class LeakyFunction final : public linear::Relation {
  public:
    explicit LeakyFunction(Leaky f) : Relation(1, 0), f_(f) {}
    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval y = f_.value({x.lo[0][i], x.hi[0][i]});
            lo[i] = std::max(lo[i], y.lo);
            hi[i] = std::min(hi[i], y.hi);
        }
    }
    bool loose(const Ranges& x, std::int64_t i, int) const override { return x.lo[0][i] < 0.0 && x.hi[0][i] > 0.0; }
    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const* points,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval r{x.lo[0][i], x.hi[0][i]};
            Line below{0.0, f_.value(r).lo};
            Line above{0.0, f_.value(r).hi};
            if (r.is_bounded()) {
                const double point = points != nullptr ? std::clamp(points[0][i], r.lo, r.hi) : 0.5 * r.lo + 0.5 * r.hi;
                below = f_.below(r, point);
                above = f_.above(r, point);
            }
            out.slope_below[0][i] = below.slope;
            out.below[i] = below.intercept;
            out.slope_above[0][i] = above.slope;
            out.above[i] = above.intercept;
        }
    }

  private:
    Leaky f_;
};

class LeakyPair final : public FunctionPair {
  public:
    explicit LeakyPair(Leaky f) : f_(f) {}

  protected:
    Interval value(Interval x) const override { return f_.value(x); }
    Interval difference(Interval r, Interval d) const override { return leaky_relu_pair(r, d, f_.alpha); }
    Interval slopes(Interval x) const override { return f_.slopes(x); }
    Line below(Interval x, double point) const override { return f_.below(x, point); }
    Line above(Interval x, double point) const override { return f_.above(x, point); }

  private:
    Leaky f_;
};

// ---- products (McCormick)

// a b over [al, au] x [bl, bu]: (a - al)(b - bl) >= 0 and (a - al)(b - bu) <= 0. Linear in a and b.
struct Planes {
    double below_a, below_b, below;
    double above_a, above_b, above;
};
Planes mccormick(Interval a, Interval b) {
    const auto product = [](double x, double y) { return Interval::point(x) * Interval::point(y); };
    return {b.lo, a.lo, (-product(a.lo, b.lo)).lo, b.hi, a.lo, (-product(a.lo, b.hi)).hi};
}

class Product final : public linear::Relation {
  public:
    Product() : Relation(2, 0) {}
    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval y = Interval{x.lo[0][i], x.hi[0][i]} * Interval{x.lo[1][i], x.hi[1][i]};
            lo[i] = std::max(lo[i], y.lo);
            hi[i] = std::min(hi[i], y.hi);
        }
    }
    bool loose(const Ranges& x, std::int64_t i, int k) const override { return x.lo[k][i] < x.hi[k][i]; }
    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const*,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval a{x.lo[0][i], x.hi[0][i]};
            const Interval b{x.lo[1][i], x.hi[1][i]};
            Planes p{0.0, 0.0, (a * b).lo, 0.0, 0.0, (a * b).hi};
            if (a.is_bounded() && b.is_bounded()) p = mccormick(a, b);
            out.slope_below[0][i] = p.below_a;
            out.slope_below[1][i] = p.below_b;
            out.below[i] = p.below;
            out.slope_above[0][i] = p.above_a;
            out.slope_above[1][i] = p.above_b;
            out.above[i] = p.above;
        }
    }
};

// (ra + da)(rb + db) - ra rb = ra db + da rb + da db: three products, each by its planes. Sums of slopes are rounded;
// what that moves is taken off the intercepts.
class ProductPair final : public linear::Relation {
  public:
    ProductPair() : Relation(4, 0) {}
    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Interval y = product_pair({x.lo[0][i], x.hi[0][i]}, {x.lo[1][i], x.hi[1][i]},
                                            {x.lo[2][i], x.hi[2][i]}, {x.lo[3][i], x.hi[3][i]});
            lo[i] = std::max(lo[i], y.lo);
            hi[i] = std::min(hi[i], y.hi);
        }
    }
    bool loose(const Ranges& x, std::int64_t i, int k) const override { return x.lo[k][i] < x.hi[k][i]; }
    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const*,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            Interval v[4];
            bool bounded = true;
            for (int k = 0; k < 4; ++k) {
                v[k] = {x.lo[k][i], x.hi[k][i]};
                bounded = bounded && v[k].is_bounded();
            }
            if (!bounded) {
                const Interval y = product_pair(v[0], v[1], v[2], v[3]);
                for (int k = 0; k < 4; ++k) out.slope_below[k][i] = out.slope_above[k][i] = 0.0;
                out.below[i] = y.lo;
                out.above[i] = y.hi;
                continue;
            }
            const Planes p = mccormick(v[0], v[3]);
            const Planes q = mccormick(v[1], v[2]);
            const Planes s = mccormick(v[1], v[3]);
            out.slope_below[0][i] = p.below_a;
            out.slope_below[1][i] = q.below_a + s.below_a;
            out.slope_below[2][i] = q.below_b;
            out.slope_below[3][i] = p.below_b + s.below_b;
            out.slope_above[0][i] = p.above_a;
            out.slope_above[1][i] = q.above_a + s.above_a;
            out.slope_above[2][i] = q.above_b;
            out.slope_above[3][i] = p.above_b + s.above_b;
            const auto off = [](double slope, Interval range) {
                return numeric::rigorous
                           ? numeric::mul_up(numeric::mul_up(0x1p-52, std::fabs(slope)), range.magnitude())
                           : 0.0;
            };
            const double low = numeric::add_up(off(out.slope_below[1][i], v[1]), off(out.slope_below[3][i], v[3]));
            const double high = numeric::add_up(off(out.slope_above[1][i], v[1]), off(out.slope_above[3][i], v[3]));
            out.below[i] = numeric::sub_down(numeric::add_down(numeric::add_down(p.below, q.below), s.below), low);
            out.above[i] = numeric::add_up(numeric::add_up(numeric::add_up(p.above, q.above), s.above), high);
        }
    }
};

Smooth smooth(std::string_view op) {
    if (op == "sigmoid") return {[](const Interval& x) { return numeric::sigmoid(x); }, sigmoid_pair, true};
    return {[](const Interval& x) { return numeric::tanh(x); }, tanh_pair, false};
}

}  // namespace

linear::RelationPointer function_relation(std::string_view op, double alpha) {
    if (op == "leaky_relu") return std::make_shared<LeakyFunction>(Leaky{alpha});
    return std::make_shared<SmoothFunction>(smooth(op));
}

linear::RelationPointer function_pair_relation(std::string_view op, double alpha) {
    if (op == "leaky_relu") return std::make_shared<LeakyPair>(Leaky{alpha});
    return std::make_shared<SmoothPair>(smooth(op));
}

linear::RelationPointer product_relation() {
    return std::make_shared<Product>();
}

linear::RelationPointer product_pair_relation() {
    return std::make_shared<ProductPair>();
}

}  // namespace gonogo::joint
