// Maximum over windows, and softmax.
#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/numeric/interval.hpp"

#include "joint/functions.hpp"
#include "joint/pair_rules.hpp"
#include "ops/smooth.hpp"

namespace gonogo::joint {

namespace {

using linear::GroupRelation;
using linear::Lines;
using linear::Ranges;
using Reads = GroupRelation::Reads;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

// One window of a maximum over ranges of its elements.
struct Window {
    const std::int64_t* first;
    const std::int64_t* last;
    const double* lo;
    const double* hi;

    // The element with the greatest lower end: the maximum is at least it.
    const std::int64_t* greatest() const {
        return std::max_element(first, last, [&](std::int64_t a, std::int64_t b) { return lo[a] < lo[b]; });
    }
    double low() const { return lo[*greatest()]; }
    double high() const {
        return hi[*std::max_element(first, last, [&](std::int64_t a, std::int64_t b) { return hi[a] < hi[b]; })];
    }
    // That element is the maximum throughout: no other reaches its lower end.
    bool decided() const {
        const std::int64_t* g = greatest();
        return std::all_of(first, last, [&](const std::int64_t& e) { return &e == g || hi[e] <= lo[*g]; });
    }
};

class Maximum final : public GroupRelation {
  public:
    explicit Maximum(Reads reads) : GroupRelation({std::move(reads)}) {}

    void enclose(const Ranges& x, double* lo, double* hi) const override {
        each(x, [&](std::size_t o, std::size_t, const Window& w) {
            lo[o] = std::max(lo[o], w.low());
            hi[o] = std::min(hi[o], w.high());
        });
    }

    void relax(const Ranges& x, const double* const*, Lines& out) const override {
        each(x, [&](std::size_t o, std::size_t begin, const Window& w) {
            const std::size_t count = at(w.last - w.first);
            std::fill_n(out.slope_below[0] + begin, count, 0.0);
            std::fill_n(out.slope_above[0] + begin, count, 0.0);
            const auto top = begin + at(w.greatest() - w.first);
            out.slope_below[0][top] = 1.0;
            out.below[o] = 0.0;
            if (w.decided()) {
                out.slope_above[0][top] = 1.0;
                out.above[o] = 0.0;
            } else {
                out.above[o] = w.high();
            }
        });
    }

    std::vector<bool> loose(const Ranges& x, int) const override {
        std::vector<bool> wanted;
        each(x, [&](std::size_t, std::size_t, const Window& w) {
            if (w.decided()) return;
            const double low = w.low();
            for (const std::int64_t* e = w.first; e != w.last; ++e) {
                if (wanted.size() <= at(*e)) wanted.resize(at(*e) + 1, false);
                if (w.hi[*e] > low) wanted[at(*e)] = true;
            }
        });
        wanted.resize(std::max(wanted.size(), elements()), false);
        return wanted;
    }

    // One more than the last element that is read.
    std::size_t elements() const {
        std::int64_t most = -1;
        for (const std::int64_t e : reads(0).element) most = std::max(most, e);
        return at(most + 1);
    }

  private:
    template <class Body>
    void each(const Ranges& x, Body&& body) const {
        const Reads& r = reads(0);
        for (std::size_t o = 0; o + 1 < r.begin.size(); ++o) {
            body(o, at(r.begin[o]),
                 Window{r.element.data() + r.begin[o], r.element.data() + r.begin[o + 1], x.lo[0], x.hi[0]});
        }
    }
};

// max(r + d) - max(r). It lies between the least and the greatest d of the window; where one element is the reference's
// maximum throughout, it is at least that element's d; where one is the device's, at most that one's d.
class MaximumPair final : public GroupRelation {
  public:
    explicit MaximumPair(Reads reads) : GroupRelation({reads, reads}) {}

    void enclose(const Ranges& x, double* lo, double* hi) const override {
        each(x, [&](std::size_t o, std::size_t, const Window& r, const Window& d, const Window& v) {
            double least = infinity;
            double most = -infinity;
            for (const std::int64_t* e = d.first; e != d.last; ++e)
                least = std::min(least, d.lo[*e]), most = std::max(most, d.hi[*e]);
            if (r.decided()) least = d.lo[*r.greatest()];
            if (v.decided()) most = d.hi[d.first[*v.greatest()]];
            lo[o] = std::max(lo[o], least);
            hi[o] = std::min(hi[o], most);
        });
    }

    void relax(const Ranges& x, const double* const*, Lines& out) const override {
        each(x, [&](std::size_t o, std::size_t begin, const Window& r, const Window& d, const Window& v) {
            const std::size_t count = at(d.last - d.first);
            for (int k = 0; k < 2; ++k) {
                std::fill_n(out.slope_below[k] + begin, count, 0.0);
                std::fill_n(out.slope_above[k] + begin, count, 0.0);
            }
            double least = infinity;
            double most = -infinity;
            for (const std::int64_t* e = d.first; e != d.last; ++e)
                least = std::min(least, d.lo[*e]), most = std::max(most, d.hi[*e]);
            if (r.decided()) {
                out.slope_below[1][begin + at(r.greatest() - r.first)] = 1.0;
                out.below[o] = 0.0;
            } else {
                out.below[o] = least;
            }
            if (v.decided()) {
                out.slope_above[1][begin + at(v.greatest() - v.first)] = 1.0;
                out.above[o] = 0.0;
            } else {
                out.above[o] = most;
            }
        });
    }

    std::vector<bool> loose(const Ranges&, int) const override {
        std::int64_t most = -1;
        for (const std::int64_t e : reads(0).element) most = std::max(most, e);
        return std::vector<bool>(at(most + 1), true);
    }

  private:
    template <class Body>
    void each(const Ranges& x, Body&& body) const {
        const Reads& reads = this->reads(0);
        std::vector<double> lo, hi;
        for (std::size_t o = 0; o + 1 < reads.begin.size(); ++o) {
            const std::int64_t* first = reads.element.data() + reads.begin[o];
            const std::int64_t* last = reads.element.data() + reads.begin[o + 1];
            // v = r + d of this window alone, in places of its own.
            std::vector<std::int64_t> places(at(last - first));
            lo.resize(places.size());
            hi.resize(places.size());
            for (std::size_t i = 0; i < places.size(); ++i) {
                places[i] = static_cast<std::int64_t>(i);
                lo[i] = numeric::add_down(x.lo[0][first[i]], x.lo[1][first[i]]);
                hi[i] = numeric::add_up(x.hi[0][first[i]], x.hi[1][first[i]]);
            }
            body(o, at(reads.begin[o]), Window{first, last, x.lo[0], x.hi[0]}, Window{first, last, x.lo[1], x.hi[1]},
                 Window{places.data(), places.data() + places.size(), lo.data(), hi.data()});
        }
    }
};

Reads rows_of(std::int64_t rows, std::int64_t n) {
    Reads r;
    for (std::int64_t o = 0; o < rows * n; ++o) {
        r.begin.push_back(static_cast<std::int64_t>(r.element.size()));
        for (std::int64_t j = 0; j < n; ++j) r.element.push_back(o / n * n + j);
    }
    r.begin.push_back(static_cast<std::int64_t>(r.element.size()));
    return r;
}

// Bounded by its range alone.
class Softmax : public GroupRelation {
  public:
    Softmax(std::int64_t rows, std::int64_t n, double beta, int inputs)
        : GroupRelation(std::vector<Reads>(at(inputs), rows_of(rows, n))), rows_(rows), n_(n), beta_(beta) {}

    void enclose(const Ranges& x, double* lo, double* hi) const override {
        std::vector<double> p_lo(at(rows_ * n_)), p_hi(p_lo.size()), y_lo(p_lo.size()), y_hi(p_lo.size());
        for (std::int64_t r = 0; r < rows_; ++r) {
            const auto span = [&](const double* v) { return std::span<const double>(v + r * n_, at(n_)); };
            softmax_row(span(x.lo[0]), span(x.hi[0]), beta_, 1, at(n_), p_lo.data() + r * n_, p_hi.data() + r * n_);
            if (inputs() == 2) {
                softmax_row_pair(std::span<const double>(p_lo).subspan(at(r * n_), at(n_)),
                                 std::span<const double>(p_hi).subspan(at(r * n_), at(n_)), span(x.lo[1]),
                                 span(x.hi[1]), beta_, 1, at(n_), y_lo.data() + r * n_, y_hi.data() + r * n_);
            }
        }
        const std::vector<double>& l = inputs() == 2 ? y_lo : p_lo;
        const std::vector<double>& h = inputs() == 2 ? y_hi : p_hi;
        for (std::size_t i = 0; i < l.size(); ++i) lo[i] = std::max(lo[i], l[i]), hi[i] = std::min(hi[i], h[i]);
    }

    void relax(const Ranges& x, const double* const*, Lines& out) const override {
        for (int k = 0; k < inputs(); ++k) {
            std::fill_n(out.slope_below[k], reads(k).element.size(), 0.0);
            std::fill_n(out.slope_above[k], reads(k).element.size(), 0.0);
        }
        std::fill_n(out.below, at(rows_ * n_), -infinity);
        std::fill_n(out.above, at(rows_ * n_), infinity);
        enclose(x, out.below, out.above);
    }

    // dp_i / dx_j = beta p_i ([i = j] - p_j), at r + d and, where both are read, less the same at r.
    void tangents(const Ranges& x, Lines& out) const override {
        std::fill_n(out.below, at(rows_ * n_), 0.0);
        std::fill_n(out.above, at(rows_ * n_), 0.0);
        for (std::int64_t row = 0; row < rows_; ++row) {
            const std::vector<double> reference = probabilities(x, row, 1);
            const std::vector<double> device = inputs() == 2 ? probabilities(x, row, 2) : reference;
            for (std::size_t i = 0; i < at(n_); ++i) {
                for (std::size_t j = 0; j < at(n_); ++j) {
                    const auto slope = [&](const std::vector<double>& p) {
                        return beta_ * p[i] * ((i == j ? 1.0 : 0.0) - p[j]);
                    };
                    const std::size_t place = (at(row * n_) + i) * at(n_) + j;
                    const double first = inputs() == 2 ? slope(device) - slope(reference) : slope(reference);
                    out.slope_below[0][place] = out.slope_above[0][place] = first;
                    if (inputs() == 2) out.slope_below[1][place] = out.slope_above[1][place] = slope(device);
                }
            }
        }
    }

    std::vector<bool> loose(const Ranges&, int) const override { return std::vector<bool>(at(rows_ * n_), true); }

  private:
    // About the softmax of one row, of the sum of the first `terms` inputs.
    std::vector<double> probabilities(const Ranges& x, std::int64_t row, int terms) const {
        std::vector<double> p(at(n_), 0.0);
        for (std::size_t j = 0; j < at(n_); ++j) {
            for (int k = 0; k < terms; ++k) p[j] += 0.5 * x.lo[k][at(row * n_) + j] + 0.5 * x.hi[k][at(row * n_) + j];
        }
        const double most = *std::max_element(p.begin(), p.end());
        double sum = 0.0;
        for (double& v : p) sum += v = std::exp(beta_ * (v - most));  // libm: slopes for the search
        for (double& v : p) v /= sum;
        return p;
    }

    std::int64_t rows_, n_;
    double beta_;
};

}  // namespace

linear::GroupPointer maximum_relation(Reads reads) {
    return std::make_shared<Maximum>(std::move(reads));
}

linear::GroupPointer maximum_pair_relation(Reads reads) {
    return std::make_shared<MaximumPair>(std::move(reads));
}

linear::GroupPointer softmax_relation(std::int64_t rows, std::int64_t n, double beta) {
    return std::make_shared<Softmax>(rows, n, beta, 1);
}

linear::GroupPointer softmax_pair_relation(std::int64_t rows, std::int64_t n, double beta) {
    return std::make_shared<Softmax>(rows, n, beta, 2);
}

}  // namespace gonogo::joint
