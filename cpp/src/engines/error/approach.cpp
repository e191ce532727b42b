// Gradients say little where a device rounds: its value is flat almost everywhere. What they can say is where the next
// boundary lies (linear::Pull). A walk keeps a real number for every input; slopes are taken at the numbers that the
// device reads next to them, as in training with quantisation, and move the real ones, each by a part of the box that
// its slope's history decides (Adam: Kingma and Ba, 2015). Nothing depends on it: points are judged by themselves.
#include "engines/error/approach.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/parallel.hpp"

namespace gonogo::joint {

class Approach::Walker {
  public:
    Walker(const Approach& a, const Walk& walk) : a_(a), walk_(walk), at_(walk.start) {
        for (const std::vector<double>& x : at_) {
            side_.emplace_back(x.size(), 0.0);
            mean_.emplace_back(x.size(), 0.0);
            square_.emplace_back(x.size(), 0.0);
        }
    }

    std::vector<Point> run() {
        std::vector<Point> passed;
        for (int t = 0; t < walk_.steps; ++t) {
            const Point p = settled();
            if ((walk_.steps - 1 - t) % stride == 0) passed.push_back(p);
            const Point* const here = &p;
            move(a_.guide_.at({&walk_.goal, 1}, {&here, 1}, &walk_.pull)[0], t);
        }
        return passed;
    }

  private:
    static constexpr double rate = 0.03;  // of the box, at the first step
    static constexpr double slowing = 0.95;

    // What the device can be given next to where the walk is; inside a cell of its quantiser, on the side that serves.
    Point settled() const {
        Point p = at_;
        for (std::size_t k = 0; k < p.size(); ++k) {
            const Reading& r = a_.readings_[k];
            for (std::size_t e = 0; e < p[k].size(); ++e) {
                double x = p[k][e];
                if (r.step > 0.0) x = (std::nearbyint(x / r.step) + side_[k][e] * (0.5 - r.edge)) * r.step;
                p[k][e] = a_.deployed_.settle(k, x, a_.box_[k].lo[e], a_.box_[k].hi[e]);
            }
        }
        return p;
    }

    void move(const Slope& slope, int t) {
        const double pace = rate * (1.0 - slowing * t / walk_.steps);
        for (std::size_t k = 0; k < at_.size(); ++k) {
            if (slope.value[k].empty()) continue;
            const bool quantised = a_.readings_[k].step > 0.0 && !slope.rounding[k].empty();
            for (std::size_t e = 0; e < at_[k].size(); ++e) {
                const double g = slope.value[k][e];
                // The cell moves both networks' input; within it the device's stays, so its slope is taken off.
                if (quantised) side_[k][e] = sign(g - slope.rounding[k][e]);
                mean_[k][e] = 0.9 * mean_[k][e] + 0.1 * g;
                square_[k][e] = 0.99 * square_[k][e] + 0.01 * g * g;
                const double lo = a_.box_[k].lo[e];
                const double hi = a_.box_[k].hi[e];
                const double by = mean_[k][e] / (std::sqrt(square_[k][e]) + 1e-300);
                at_[k][e] = std::clamp(at_[k][e] + pace * (hi - lo) * by, lo, hi);
            }
        }
    }
    static double sign(double x) { return x > 0.0 ? 1.0 : (x < 0.0 ? -1.0 : 0.0); }

    const Approach& a_;
    const Walk& walk_;
    Point at_, side_, mean_, square_;
};

std::vector<std::vector<Point>> Approach::walk(std::span<const Walk> walks) const {
    std::vector<std::vector<Point>> passed(walks.size());
    numeric::parallel_for(static_cast<std::int64_t>(walks.size()), 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t i = first; i < last; ++i) {
            const auto at = static_cast<std::size_t>(i);
            passed[at] = Walker(*this, walks[at]).run();
        }
    });
    return passed;
}

}  // namespace gonogo::joint
