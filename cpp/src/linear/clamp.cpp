// y = clamp(x): piecewise linear in one variable, so a linear bound's intercept is an extreme over the ends of the
// range and the breakpoints inside (Theorem 41).
#include <algorithm>
#include <cmath>

#include "gonogo/numeric/rounding.hpp"

#include "linear/relation.hpp"

namespace gonogo::linear {

namespace {

class Clamp final : public Relation {
  public:
    explicit Clamp(RealClamp clamp) : Relation(1, 0), c_(clamp) {}

    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            lo[i] = std::max(lo[i], clamped(x.lo[0][i], c_));
            hi[i] = std::min(hi[i], clamped(x.hi[0][i], c_));
        }
    }

    bool loose(const Ranges& x, std::int64_t i, int) const override {
        const double l = x.lo[0][i];
        const double u = x.hi[0][i];
        return (l < c_.lo && u > c_.lo) || (l < c_.hi && u > c_.hi);
    }

    double bend(const Ranges& x, std::int64_t i, int) const override { return bend_inside(x.lo[0][i], x.hi[0][i], c_); }

    double limit(const Ranges& x, std::int64_t i, int) const override {
        const bool low = x.lo[0][i] < c_.lo && x.hi[0][i] > c_.lo;
        const bool high = x.lo[0][i] < c_.hi && x.hi[0][i] > c_.hi;
        return low == high ? std::numeric_limits<double>::quiet_NaN() : (low ? c_.lo : c_.hi);
    }

    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const* points,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const double l = x.lo[0][i];
            const double u = x.hi[0][i];
            double& below = out.slope_below[0][i];
            double& above = out.slope_above[0][i];
            if (!loose(x, i, 0)) {
                const bool identity = l >= c_.lo && u <= c_.hi;
                below = above = identity ? 1.0 : 0.0;
                out.below[i] = out.above[i] = identity ? 0.0 : (u <= c_.lo ? c_.lo : c_.hi);
                continue;
            }
            if (!std::isfinite(l) || !std::isfinite(u)) {
                below = above = 0.0;
                out.below[i] = clamped(l, c_);
                out.above[i] = clamped(u, c_);
                continue;
            }
            double v[4];
            int count = 0;
            v[count++] = l;
            if (c_.lo > l && c_.lo < u) v[count++] = c_.lo;
            if (c_.hi > l && c_.hi < u) v[count++] = c_.hi;
            v[count++] = u;
            const double point = points != nullptr ? std::clamp(points[0][i], l, u) : 0.5 * l + 0.5 * u;
            out.below[i] = best(v, count, point, 1.0, below);
            out.above[i] = -best(v, count, point, -1.0, above);
        }
    }

  private:
    // Of the lines through neighbouring vertices and through the ends of sign * clamp, the one that is a lower bound
    // and highest at the point; its intercept, rounded down.
    double best(const double* v, int count, double point, double sign, double& slope) const {
        double height = -HUGE_VAL;
        double intercept = 0.0;
        for (int a = 0; a < count; ++a) {
            for (int b = a + 1; b < count; ++b) {
                const double s = (clamped(v[b], c_) - clamped(v[a], c_)) / (v[b] - v[a]);
                if (!std::isfinite(s)) continue;
                double least = HUGE_VAL;
                for (int k = 0; k < count; ++k)
                    least =
                        std::min(least, numeric::sub_down(sign * clamped(v[k], c_), numeric::mul_up(sign * s, v[k])));
                if (least + sign * s * point > height) {
                    height = least + sign * s * point;
                    slope = s;
                    intercept = least;
                }
            }
        }
        if (height == -HUGE_VAL) {  // neighbouring floats: a constant serves
            slope = 0.0;
            intercept = sign > 0.0 ? clamped(v[0], c_) : -clamped(v[count - 1], c_);
        }
        return intercept;
    }

    RealClamp c_;
};

}  // namespace

double halfway(double l, double u) {
    const double m = 0.5 * l + 0.5 * u;
    return m > l && m < u ? m : std::numeric_limits<double>::quiet_NaN();
}

double bend_inside(double l, double u, RealClamp c) {
    double best = std::numeric_limits<double>::quiet_NaN();
    double depth = 0.0;
    for (const double limit : {c.lo, c.hi}) {
        const double d = std::min(limit - l, u - limit);
        if (std::isfinite(limit) && d > depth) best = limit, depth = d;
    }
    return best;
}

RelationPointer clamp_relation(RealClamp clamp) {
    return std::make_shared<Clamp>(clamp);
}

}  // namespace gonogo::linear
