// Maximum over windows.
#include <algorithm>
#include <cmath>

#include "gonogo/numeric/interval.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "joint/functions.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

namespace {

using linear::GroupRelation;
using linear::Lines;
using linear::Ranges;
using numeric::Interval;
using Reads = GroupRelation::Reads;

// One more than the last element that is read.
std::size_t elements(const Reads& reads) {
    std::int64_t most = -1;
    for (const std::int64_t e : reads.element) most = std::max(most, e);
    return at(most + 1);
}

// The elements of one window, and their ranges in an array of elements.
struct Window {
    const std::int64_t* first;
    const std::int64_t* last;
    const double* lo;
    const double* hi;

    std::size_t count() const { return at(last - first); }
    Interval range(std::size_t i) const { return {lo[first[i]], hi[first[i]]}; }
    // The place of the element with the greatest lower end: the maximum is at least it.
    std::size_t greatest() const {
        return at(std::max_element(first, last, [&](std::int64_t a, std::int64_t b) { return lo[a] < lo[b]; }) - first);
    }
    // The maximum is that element or another that can exceed its lower end.
    bool candidate(std::size_t i, std::size_t greatest) const {
        return i == greatest || range(i).hi > range(greatest).lo;
    }
};

// max(x, other) <= slope x + intercept for all x in the range, by the chord: whatever the slope is rounded to, the line
// is above a convex function where it is at both ends.
struct Chord {
    double slope = 0.0, intercept = infinity;

    double at(double x) const { return slope * x + intercept; }
};
Chord chord(Interval x, double other) {
    if (other <= x.lo) return {1.0, 0.0};
    if (other >= x.hi || !x.is_bounded()) return {0.0, std::max(other, x.hi)};
    const double slope = (x.hi - other) / (x.hi - x.lo);
    if (!(slope >= 0.0 && slope <= 1.0)) return {0.0, x.hi};
    const double low = numeric::sub_up(other, numeric::mul_down(slope, x.lo));
    const double high = numeric::sub_up(x.hi, numeric::mul_down(slope, x.hi));
    return {slope, std::max(low, high)};
}

// The greatest of bounds on each candidate, with a line in the element that has it.
struct Greatest {
    double bound = -infinity, second = -infinity;
    std::size_t place = 0;
    std::size_t count = 0;

    void take(std::size_t i, double upper) {
        ++count;
        if (count == 1 || upper > bound) {
            second = bound;
            bound = upper;
            place = i;
        } else {
            second = std::max(second, upper);
        }
    }
    // `x` is the range of that element, which the maximum is at most wherever it is the maximum.
    Chord line(Interval x) const {
        if (count == 1) return {1.0, 0.0};
        const Chord sloped = chord(x, second);
        const double middle = 0.5 * x.lo + 0.5 * x.hi;
        return sloped.at(middle) < bound ? sloped : Chord{0.0, bound};
    }
};

class Maximum final : public GroupRelation {
  public:
    explicit Maximum(Reads reads) : GroupRelation({std::move(reads)}) {}

    void enclose(const Ranges& x, double* lo, double* hi) const override {
        each(x, [&](std::size_t o, std::size_t, const Window& w) {
            lo[o] = std::max(lo[o], w.range(w.greatest()).lo);
            hi[o] = std::min(hi[o], greatest_of(w).bound);
        });
    }

    void relax(const Ranges& x, const double* const*, Lines& out) const override {
        each(x, [&](std::size_t o, std::size_t begin, const Window& w) {
            std::fill_n(out.slope_below[0] + begin, w.count(), 0.0);
            std::fill_n(out.slope_above[0] + begin, w.count(), 0.0);
            out.slope_below[0][begin + w.greatest()] = 1.0;
            out.below[o] = 0.0;
            const Greatest g = greatest_of(w);
            const Chord above = g.line(w.range(g.place));
            out.slope_above[0][begin + g.place] = above.slope;
            out.above[o] = above.intercept;
        });
    }

    std::vector<bool> loose(const Ranges& x, int) const override {
        std::vector<bool> wanted(elements(reads(0)), false);
        each(x, [&](std::size_t, std::size_t, const Window& w) {
            const std::size_t g = w.greatest();
            if (greatest_of(w).count == 1) return;
            for (std::size_t i = 0; i < w.count(); ++i)
                if (w.candidate(i, g)) wanted[at(w.first[i])] = true;
        });
        return wanted;
    }

  private:
    static Greatest greatest_of(const Window& w) {
        Greatest g;
        const std::size_t most = w.greatest();
        for (std::size_t i = 0; i < w.count(); ++i)
            if (w.candidate(i, most)) g.take(i, w.range(i).hi);
        return g;
    }
    template <class Body>
    void each(const Ranges& x, Body&& body) const {
        const Reads& r = reads(0);
        for (std::size_t o = 0; o + 1 < r.begin.size(); ++o) {
            body(o, at(r.begin[o]),
                 Window{r.element.data() + r.begin[o], r.element.data() + r.begin[o + 1], x.lo[0], x.hi[0]});
        }
    }
};

// y = max v - max r, v = r + d. Where element i is the device's maximum, y = v_i - max r <= d_i; where it is the
// reference's, y >= d_i.
class MaximumPair final : public GroupRelation {
  public:
    explicit MaximumPair(Reads reads) : GroupRelation({reads, reads}) {}

    void enclose(const Ranges& x, double* lo, double* hi) const override {
        each(x, [&](std::size_t o, std::size_t, const Pair& p) {
            lo[o] = std::max(lo[o], -p.least().bound);
            hi[o] = std::min(hi[o], p.most().bound);
        });
    }

    void relax(const Ranges& x, const double* const*, Lines& out) const override {
        each(x, [&](std::size_t o, std::size_t begin, const Pair& p) {
            for (int k = 0; k < 2; ++k) {
                std::fill_n(out.slope_below[k] + begin, p.d.count(), 0.0);
                std::fill_n(out.slope_above[k] + begin, p.d.count(), 0.0);
            }
            const Greatest least = p.least();
            const Chord below = least.line(-p.d.range(least.place));
            out.slope_below[1][begin + least.place] = below.slope;
            out.below[o] = -below.intercept;
            const Greatest most = p.most();
            const Chord above = most.line(p.d.range(most.place));
            out.slope_above[1][begin + most.place] = above.slope;
            out.above[o] = above.intercept;
        });
    }

    std::vector<bool> loose(const Ranges& x, int) const override {
        std::vector<bool> wanted(elements(reads(0)), false);
        each(x, [&](std::size_t, std::size_t, const Pair& p) {
            const Greatest least = p.least();
            const Greatest most = p.most();
            if (least.count == 1 && most.count == 1 && least.place == most.place) return;
            for (std::size_t i = 0; i < p.d.count(); ++i)
                if (p.reference(i) || p.device(i)) wanted[at(p.d.first[i])] = true;
        });
        return wanted;
    }

  private:
    struct Pair {
        Window r, d, v;
        std::size_t most_r, most_v;

        bool reference(std::size_t i) const { return r.candidate(i, most_r); }
        bool device(std::size_t i) const { return v.candidate(i, most_v); }
        // Upper bounds on y by the element that is the device's maximum, and on -y by that of the reference.
        Greatest most() const {
            Greatest g;
            for (std::size_t i = 0; i < d.count(); ++i) {
                if (device(i)) g.take(i, std::min(d.range(i).hi, numeric::sub_up(v.range(i).hi, r.range(most_r).lo)));
            }
            return g;
        }
        Greatest least() const {
            Greatest g;
            for (std::size_t i = 0; i < d.count(); ++i) {
                if (reference(i))
                    g.take(i, std::min(-d.range(i).lo, numeric::sub_up(r.range(i).hi, v.range(most_v).lo)));
            }
            return g;
        }
    };

    template <class Body>
    void each(const Ranges& x, Body&& body) const {
        const Reads& reads = this->reads(0);
        // v in places of the elements.
        std::vector<double> lo(elements(reads), -infinity), hi(lo.size(), infinity);
        for (std::size_t e = 0; e < lo.size(); ++e) {
            lo[e] = std::max(x.lo[2][e], numeric::add_down(x.lo[0][e], x.lo[1][e]));
            hi[e] = std::min(x.hi[2][e], numeric::add_up(x.hi[0][e], x.hi[1][e]));
        }
        for (std::size_t o = 0; o + 1 < reads.begin.size(); ++o) {
            const std::int64_t* first = reads.element.data() + reads.begin[o];
            const std::int64_t* last = reads.element.data() + reads.begin[o + 1];
            Pair p{{first, last, x.lo[0], x.hi[0]},
                   {first, last, x.lo[1], x.hi[1]},
                   {first, last, lo.data(), hi.data()},
                   0,
                   0};
            p.most_r = p.r.greatest();
            p.most_v = p.v.greatest();
            body(o, at(reads.begin[o]), p);
        }
    }
};

}  // namespace

linear::GroupPointer maximum_relation(Reads reads) {
    return std::make_shared<Maximum>(std::move(reads));
}

linear::GroupPointer maximum_pair_relation(Reads reads) {
    return std::make_shared<MaximumPair>(std::move(reads));
}

}  // namespace gonogo::joint
