#include "engines/error/search.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/error.hpp"
#include "gonogo/numeric/rounding.hpp"

namespace gonogo::joint {

namespace {

// SplitMix64: small, seedable, the same everywhere.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits() % n); }

  private:
    std::uint64_t state_;
};

using Point = std::vector<std::vector<double>>;

class Search {
  public:
    Search(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
           std::span<const Target> targets, std::uint64_t seed)
        : reference_(reference), deployed_(deployed), box_(box), targets_(targets), random_(seed) {
        for (const Target& t : targets) {
            tensors_.push_back(t.deployed);
            result_.witnesses.push_back(
                {std::vector<double>(static_cast<std::size_t>(deployed.graph().tensor(t.deployed).elements()), 0.0),
                 -1.0,
                 {}});
        }
    }

    SearchResult run(std::int64_t evaluations) {
        const std::int64_t first = std::max<std::int64_t>(4, evaluations / 3);
        for (std::int64_t i = 0; i < first && result_.evaluations < evaluations; ++i) evaluate(start(i));
        for (std::size_t turn = 0; result_.evaluations < evaluations; ++turn) {
            const Witness& w = result_.witnesses[turn % result_.witnesses.size()];
            // A small share of the coordinates at first, single ones later.
            const double share = std::ldexp(0.5, -static_cast<int>(random_.below(10)));
            evaluate(w.input.empty() ? start(2) : changed(w.input, share));
        }
        for (Witness& w : result_.witnesses) w.worst = std::max(w.worst, 0.0);
        return std::move(result_);
    }

  private:
    // One coordinate: an end of the box, anywhere inside, or next to a boundary between two integers of the quantiser,
    // where the rounding of the input is largest.
    double coordinate(std::size_t k, std::size_t i, int kind) {
        const double lo = box_[k].lo[i];
        const double hi = box_[k].hi[i];
        if (kind == 0) return random_.bits() % 2 == 0 ? lo : hi;
        const double x = lo + random_.unit() * (hi - lo);
        const double s = deployed_.input_step(k);
        if (kind == 1 || s == 0.0) return x;
        return (std::floor(x / s) + (random_.bits() % 2 == 0 ? 0.4999 : 0.5001)) * s;
    }

    Point start(std::int64_t i) {
        Point p;
        for (std::size_t k = 0; k < box_.size(); ++k) {
            std::vector<double> x(box_[k].size());
            for (std::size_t e = 0; e < x.size(); ++e) {
                const double middle = 0.5 * box_[k].lo[e] + 0.5 * box_[k].hi[e];
                x[e] = i == 0 ? middle
                              : (i == 1 ? box_[k].lo[e]
                                        : (i == 2 ? box_[k].hi[e] : coordinate(k, e, static_cast<int>(i % 3))));
            }
            p.push_back(std::move(x));
        }
        return p;
    }

    Point changed(Point p, double share) {
        const int kind = static_cast<int>(random_.below(3));
        std::size_t moved = 0;
        for (std::size_t k = 0; k < p.size(); ++k) {
            for (std::size_t e = 0; e < p[k].size(); ++e) {
                if (random_.unit() < share) p[k][e] = coordinate(k, e, kind), ++moved;
            }
        }
        if (moved == 0) {
            const std::size_t k = random_.below(p.size());
            if (!p[k].empty()) {
                const std::size_t e = random_.below(p[k].size());
                p[k][e] = coordinate(k, e, kind);
            }
        }
        return p;
    }

    void evaluate(Point p) {
        std::vector<IntervalTensor> exact;
        for (std::size_t k = 0; k < p.size(); ++k) {
            for (std::size_t e = 0; e < p[k].size(); ++e)
                p[k][e] = deployed_.settle(k, p[k][e], box_[k].lo[e], box_[k].hi[e]);
            IntervalTensor x(box_[k].shape);
            x.lo = p[k];
            x.hi = p[k];
            exact.push_back(std::move(x));
        }
        reference_.run(exact, reals_);
        for (int variant = 0; variant < deployed_.variants(); ++variant) {
            ++result_.evaluations;
            // Some kernels refuse single points: where the device's answer isn't determined. They are no witnesses.
            try {
                compare(p, deployed_.evaluate(p, tensors_, variant));
            } catch (const UnsupportedOperatorError&) {
                continue;
            }
        }
    }

    void compare(const Point& p, const std::vector<Enclosure>& device) {
        for (std::size_t t = 0; t < targets_.size(); ++t) {
            Witness& w = result_.witnesses[t];
            const IntervalTensor& r = reals_[static_cast<std::size_t>(targets_[t].reference)];
            double worst = 0.0;
            for (std::size_t e = 0; e < w.value.size(); ++e) {
                const double apart = std::max(
                    {0.0, numeric::sub_down(device[t].lo[e], r.hi[e]), numeric::sub_down(r.lo[e], device[t].hi[e])});
                w.value[e] = std::max(w.value[e], apart);
                worst = std::max(worst, apart);
            }
            if (worst > w.worst) {
                w.worst = worst;
                w.input = p;
            }
        }
    }

    const RealProgram& reference_;
    const Deployment& deployed_;
    std::span<const IntervalTensor> box_;
    std::span<const Target> targets_;
    Random random_;
    SearchResult result_;
    std::vector<TensorId> tensors_;
    std::vector<IntervalTensor> reals_;
};

}  // namespace

SearchResult search(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
                    std::span<const Target> targets, std::int64_t evaluations, std::uint64_t seed) {
    return Search(reference, deployed, box, targets, seed).run(evaluations);
}

}  // namespace gonogo::joint
