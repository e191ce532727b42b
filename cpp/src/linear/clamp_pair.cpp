// y = phi(v) - psi(r) for clamps phi and psi, v = r + d + e, |e| <= n, r in R, d in D, v in V: the difference with the
// device's rounding e, of which V may know more than n does.
//
// Theorem 42. y is at most U = phi(min(r + d + n, vu)) - psi(r) and at least L = phi(max(r + d - n, vl)) - psi(r), over
// the hexagon r in R, d in D, s = r + d in [vl - n, vu + n]. U and L are linear on every cell of the arrangement of the
// lines r = c and s = c for the ends of the ranges and the points inside where psi, or phi with its shift, bends, and
// d = c for the ends of D. So U - a r - b d takes its greatest value over the hexagon at crossings of two lines that
// lie in it, and L - a r - b d its least. Crossings are computed with two roundings each, U and L are 1-Lipschitz in s
// and in r, and values are formed with few roundings; all of this is covered by `slack` below. A crossing is left out
// only if it misses the hexagon by more than its own error.
// Proof: docs/soundness.md, "Linear relaxations".
#include <algorithm>
#include <cmath>

#include "gonogo/numeric/rounding.hpp"

#include "linear/envelope.hpp"
#include "linear/relation.hpp"

namespace gonogo::linear {

namespace {

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

// Where (r, d) lies; v = r + d + e with |e| <= n lies in [vl, vu], so r + d in [sl, su].
struct Hexagon {
    double rl, ru, dl, du, vl, vu, n, sl, su;
    double size;  // of any coordinate in it, at most

    Hexagon(const Ranges& x, std::int64_t i)
        : rl(x.lo[0][i]),
          ru(x.hi[0][i]),
          dl(x.lo[1][i]),
          du(x.hi[1][i]),
          vl(x.lo[2][i]),
          vu(x.hi[2][i]),
          n(x.noise[1] != nullptr ? x.noise[1][i] : 0.0),
          sl(n > 0.0 ? numeric::sub_down(vl, n) : vl),
          su(n > 0.0 ? numeric::add_up(vu, n) : vu) {
        size = std::max({std::fabs(rl), std::fabs(ru), std::fabs(dl), std::fabs(du), std::fabs(vl), std::fabs(vu), n,
                         std::fabs(sl), std::fabs(su)});
    }
    bool bounded() const { return size < 1e300; }
};

enum class Side : std::uint8_t { lower, upper };

class ClampPair final : public Relation {
  public:
    ClampPair(RealClamp phi, RealClamp psi) : Relation(2, 1), phi_(phi), psi_(psi) {}

    bool loose(const Ranges& x, std::int64_t i, int k) const override {
        const bool r = across(x.lo[0][i], x.hi[0][i], psi_);
        const bool v = across(x.lo[2][i], x.hi[2][i], phi_);
        if (k == 0) return r;
        if (k == 1) return r || v;
        // The device's value is worth a look of its own only where it isn't much the same as the reference's, or where
        // it takes few numbers; a reference that crosses no limit hasn't been looked at either.
        const double width = x.hi[2][i] - x.lo[2][i];
        const double noise = x.noise[1] != nullptr ? x.noise[1][i] : 0.0;
        return v && (!r || width > 1.05 * (x.hi[0][i] - x.lo[0][i]) || 20.0 * noise > width);
    }

    double bend(const Ranges& x, std::int64_t i, int k) const override {
        if (k == 1) return std::numeric_limits<double>::quiet_NaN();
        return bend_inside(x.lo[k][i], x.hi[k][i], k == 0 ? psi_ : phi_);
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
                    lo[i] = std::max(lo[i], numeric::sub_down(h.dl, h.n));
                    hi[i] = std::min(hi[i], numeric::add_up(h.du, h.n));
                }
                continue;
            }
            const Vertices below = vertices(h, Side::lower);
            const Vertices above = h.n > 0.0 ? vertices(h, Side::upper) : below;
            if (below.count == 0 || above.count == 0) continue;
            lo[i] = std::max(lo[i], numeric::sub_down(*std::min_element(below.z, below.z + below.count), slack(h)));
            hi[i] = std::min(hi[i], numeric::add_up(*std::max_element(above.z, above.z + above.count), slack(h)));
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
            double r = 0.5 * h.rl + 0.5 * h.ru;
            double d = 0.5 * h.dl + 0.5 * h.du;
            if (points != nullptr) place(h, points[0][i], points[1][i], r, d);
            if (!bent(x, i)) {
                const Piece p = piece(h.vl, h.vu, phi_);
                const Piece q = piece(h.rl, h.ru, psi_);
                Slopes lower{p.slope - q.slope, p.slope};
                Slopes upper = lower;
                double below = numeric::sub_down(p.offset, q.offset);
                double above = numeric::sub_up(p.offset, q.offset);
                if (p.slope == 1.0 && h.n > 0.0) {
                    // v is at least r + d - n, and at least vl; at most r + d + n, and at most vu.
                    const bool flat_below = h.vl > r + d - h.n;
                    const bool flat_above = h.vu < r + d + h.n;
                    if (flat_below) lower = {-q.slope, 0.0};
                    if (flat_above) upper = {-q.slope, 0.0};
                    below = numeric::add_down(below, flat_below ? h.vl : -h.n);
                    above = numeric::add_up(above, flat_above ? h.vu : h.n);
                }
                set(lower, below, upper, above);
                continue;
            }
            Vertices v;
            if (h.bounded()) v = vertices(h, Side::lower);
            if (v.count == 0) {
                set({}, numeric::sub_down(clamped(h.vl, phi_), clamped(h.ru, psi_)), {},
                    numeric::sub_up(clamped(h.vu, phi_), clamped(h.rl, psi_)));
                continue;
            }
            if (points == nullptr) {
                r = d = 0.0;
                for (int k = 0; k < v.count; ++k) r += v.x[k] / v.count, d += v.y[k] / v.count;
            }
            const Slopes lower = limited(steepest_support(v, r, d));
            const double below = intercept(v, lower, slack(h));
            if (h.n > 0.0) v = vertices(h, Side::upper);
            for (int k = 0; k < v.count; ++k) v.z[k] = -v.z[k];
            const Slopes upper = limited(steepest_support(v, r, d));
            const double above = -intercept(v, upper, slack(h));
            set(lower, below, {-upper.x, -upper.y}, above);
        }
    }

  private:
    // The point of the hexagon next to (r, d), or about so. A point outside would leave the search unbounded.
    static void place(const Hexagon& h, double r, double d, double& to_r, double& to_d) {
        r = std::min(std::max({r, h.rl, h.sl - h.du}), std::min(h.ru, h.su - h.dl));
        d = std::min(std::max({d, h.dl, h.sl - r}), std::min(h.du, h.su - r));
        const bool inside = r >= h.rl && r <= h.ru && d >= h.dl && d <= h.du;
        if (inside) to_r = r, to_d = d;
    }

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

    // With the least (greatest) value that the noise leaves at every crossing.
    Vertices vertices(const Hexagon& h, Side side) const {
        Vertices out;
        const double shift = side == Side::lower ? -h.n : h.n;
        const double margin = 0x1p-53 * 16.0 * h.size;
        const auto add = [&](double r, double d, double s) {
            if (r < h.rl - margin || r > h.ru + margin || d < h.dl - margin || d > h.du + margin || s < h.sl - margin ||
                s > h.su + margin) {
                return;
            }
            const double v = side == Side::lower ? std::max(s + shift, h.vl) : std::min(s + shift, h.vu);
            out.add(r, d, clamped(v, phi_) - clamped(r, psi_));
        };
        double r[4] = {h.rl, h.ru};
        double s[5] = {h.sl, h.su};
        int rs = 2;
        int ss = 2;
        for (const double limit : {psi_.lo, psi_.hi}) {
            if (limit > h.rl && limit < h.ru) r[rs++] = limit;
        }
        for (const double limit : {phi_.lo, phi_.hi, side == Side::lower ? h.vl : h.vu}) {
            if (limit - shift > h.sl && limit - shift < h.su) s[ss++] = limit - shift;
        }
        for (int a = 0; a < rs; ++a) {
            add(r[a], h.dl, r[a] + h.dl);
            add(r[a], h.du, r[a] + h.du);
            for (int b = 0; b < ss; ++b) add(r[a], s[b] - r[a], s[b]);
        }
        for (int b = 0; b < ss; ++b) {
            add(s[b] - h.dl, h.dl, s[b]);
            add(s[b] - h.du, h.du, s[b]);
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
