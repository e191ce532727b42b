// y = phi(r + d) - psi(r) for clamps phi and psi, over the hexagon r in R, d in D, v = r + d in V.
//
// Theorem 42. y is linear on every cell of the arrangement of the lines r = c and v = c for the ends of R and V and the
// clamps' limits inside them, and d = c for the ends of D. So y - a r - b d takes its extremes over the hexagon at
// crossings of two lines that lie in it. Crossings are computed with one rounding each: a computed crossing (r, d) is
// within 2u (|r| + |v|) of the exact one, y is 1-Lipschitz in v and in r, and values are formed with few roundings; all
// of this is covered by `slack` below. A crossing is left out only if it misses the hexagon by more than its own error.
// Proof: docs/soundness.md, "Linear relaxations".
#include <algorithm>
#include <cmath>

#include "gonogo/numeric/rounding.hpp"

#include "linear/envelope.hpp"
#include "linear/relation.hpp"

namespace gonogo::linear {

namespace {

double clamped(double x, RealClamp c) {
    return std::min(std::max(x, c.lo), c.hi);
}

bool across(double l, double u, RealClamp c) {
    return (l < c.lo && u > c.lo) || (l < c.hi && u > c.hi);
}

// Slope and offset of a clamp over a range that crosses no limit.
struct Piece {
    double slope, offset;
};
Piece piece(double l, double u, RealClamp c) {
    if (u <= c.lo) return {0.0, c.lo};
    if (l >= c.hi) return {0.0, c.hi};
    return {1.0, 0.0};
}

struct Hexagon {
    double rl, ru, dl, du, vl, vu;
    double size;  // of any coordinate in it, at most

    Hexagon(const Ranges& x, std::int64_t i)
        : rl(x.lo[0][i]), ru(x.hi[0][i]), dl(x.lo[1][i]), du(x.hi[1][i]), vl(x.lo[2][i]), vu(x.hi[2][i]) {
        size = std::max({std::fabs(rl), std::fabs(ru), std::fabs(dl), std::fabs(du), std::fabs(vl), std::fabs(vu)});
    }
    bool bounded() const { return size < 1e300; }
};

class ClampPair final : public Relation {
  public:
    ClampPair(RealClamp phi, RealClamp psi) : Relation(2, 1), phi_(phi), psi_(psi) {}

    bool loose(const Ranges& x, std::int64_t i, int k) const override {
        const bool r = across(x.lo[0][i], x.hi[0][i], psi_);
        const bool v = across(x.lo[2][i], x.hi[2][i], phi_);
        if (k == 0) return r;
        if (k == 1) return r || v;
        // The device's value is worth a look of its own only where it isn't much the same as the reference's; a
        // reference that crosses no limit hasn't been looked at either.
        return v && (!r || x.hi[2][i] - x.lo[2][i] > 1.05 * (x.hi[0][i] - x.lo[0][i]));
    }

    // A limit of either clamp lies inside its range.
    bool bent(const Ranges& x, std::int64_t i) const {
        return across(x.lo[0][i], x.hi[0][i], psi_) || across(x.lo[2][i], x.hi[2][i], phi_);
    }

    void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Hexagon h(x, i);
            // Two separate ranges always serve.
            lo[i] = std::max(lo[i], numeric::sub_down(clamped(h.vl, phi_), clamped(h.ru, psi_)));
            hi[i] = std::min(hi[i], numeric::sub_up(clamped(h.vu, phi_), clamped(h.rl, psi_)));
            if (!h.bounded()) continue;
            if (!bent(x, i)) {
                const Piece p = piece(h.vl, h.vu, phi_);
                const Piece q = piece(h.rl, h.ru, psi_);
                if (p.slope == 1.0 && q.slope == 1.0) {
                    lo[i] = std::max(lo[i], h.dl);
                    hi[i] = std::min(hi[i], h.du);
                }
                continue;
            }
            const Vertices v = vertices(h);
            if (v.count == 0) continue;
            double least = v.z[0];
            double most = v.z[0];
            for (int k = 1; k < v.count; ++k) least = std::min(least, v.z[k]), most = std::max(most, v.z[k]);
            lo[i] = std::max(lo[i], numeric::sub_down(least, slack(h)));
            hi[i] = std::min(hi[i], numeric::add_up(most, slack(h)));
        }
    }

    void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const* points,
               Lines& out) const override {
        for (std::int64_t i = first; i < last; ++i) {
            const Hexagon h(x, i);
            const auto set = [&](Slopes lower, double below, Slopes upper, double above) {
                out.slope_below[0][i] = lower.x;
                out.slope_below[1][i] = lower.y;
                out.slope_above[0][i] = upper.x;
                out.slope_above[1][i] = upper.y;
                out.below[i] = below;
                out.above[i] = above;
            };
            if (!bent(x, i)) {
                const Piece p = piece(h.vl, h.vu, phi_);
                const Piece q = piece(h.rl, h.ru, psi_);
                const Slopes s{p.slope - q.slope, p.slope};
                set(s, numeric::sub_down(p.offset, q.offset), s, numeric::sub_up(p.offset, q.offset));
                continue;
            }
            Vertices v;
            if (h.bounded()) v = vertices(h);
            if (v.count == 0) {
                set({}, numeric::sub_down(clamped(h.vl, phi_), clamped(h.ru, psi_)), {},
                    numeric::sub_up(clamped(h.vu, phi_), clamped(h.rl, psi_)));
                continue;
            }
            double px = 0.0;
            double py = 0.0;
            for (int k = 0; k < v.count; ++k) px += v.x[k] / v.count, py += v.y[k] / v.count;
            if (points != nullptr) {
                // A point outside the hexagon (it was found with other bounds) would leave the search unbounded.
                const double r = points[0][i];
                const double d = points[1][i];
                if (r >= h.rl && r <= h.ru && d >= h.dl && d <= h.du && r + d >= h.vl && r + d <= h.vu) px = r, py = d;
            }
            const Slopes lower = limited(steepest_support(v, px, py));
            const double below = intercept(v, lower, slack(h));
            for (int k = 0; k < v.count; ++k) v.z[k] = -v.z[k];
            const Slopes upper = limited(steepest_support(v, px, py));
            const double above = -intercept(v, upper, slack(h));
            set(lower, below, {-upper.x, -upper.y}, above);
        }
    }

  private:
    static Slopes limited(Slopes s) {
        const auto cut = [](double a) { return std::isfinite(a) ? std::clamp(a, -4.0, 4.0) : 0.0; };
        return {cut(s.x), cut(s.y)};
    }

    // Coordinates are at most M = size, their errors at most 4u M; the value's Lipschitz constant is at most 2 + 4 + 4,
    // its own few roundings act on numbers of at most 10 M and on values of the clamps.
    double slack(const Hexagon& h) const {
        const double values = std::max({std::fabs(clamped(h.vl, phi_)), std::fabs(clamped(h.vu, phi_)),
                                        std::fabs(clamped(h.rl, psi_)), std::fabs(clamped(h.ru, psi_))});
        return numeric::rigorous ? numeric::mul_up(0x1p-53 * 256.0, std::max(h.size, values)) : 0.0;
    }

    static double intercept(const Vertices& v, Slopes s, double slack) {
        double least = HUGE_VAL;
        for (int k = 0; k < v.count; ++k) least = std::min(least, v.z[k] - s.x * v.x[k] - s.y * v.y[k]);
        return numeric::sub_down(least, slack);
    }

    Vertices vertices(const Hexagon& h) const {
        Vertices out;
        const double margin = 0x1p-53 * 16.0 * h.size;
        const auto add = [&](double r, double d, double v) {
            if (r < h.rl - margin || r > h.ru + margin || d < h.dl - margin || d > h.du + margin || v < h.vl - margin ||
                v > h.vu + margin) {
                return;
            }
            out.add(r, d, clamped(v, phi_) - clamped(r, psi_));
        };
        double r[4] = {h.rl, h.ru};
        double v[4] = {h.vl, h.vu};
        int rs = 2;
        int vs = 2;
        for (const double limit : {psi_.lo, psi_.hi}) {
            if (limit > h.rl && limit < h.ru) r[rs++] = limit;
        }
        for (const double limit : {phi_.lo, phi_.hi}) {
            if (limit > h.vl && limit < h.vu) v[vs++] = limit;
        }
        for (int a = 0; a < rs; ++a) {
            add(r[a], h.dl, r[a] + h.dl);
            add(r[a], h.du, r[a] + h.du);
            for (int b = 0; b < vs; ++b) add(r[a], v[b] - r[a], v[b]);
        }
        for (int b = 0; b < vs; ++b) {
            add(v[b] - h.dl, h.dl, v[b]);
            add(v[b] - h.du, h.du, v[b]);
        }
        return out;
    }

    RealClamp phi_, psi_;
};

}  // namespace

RelationPointer clamp_pair_relation(RealClamp phi, RealClamp psi) {
    return std::make_shared<ClampPair>(phi, psi);
}

}  // namespace gonogo::linear
