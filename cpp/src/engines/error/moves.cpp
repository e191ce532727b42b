#include "engines/error/moves.hpp"

#include <algorithm>
#include <cmath>

namespace gonogo::joint {

Moves::Moves(std::span<const IntervalTensor> box, const std::vector<Reading>& readings)
    : box_(box), readings_(readings) {
    for (const IntervalTensor& b : box) coordinates_ += b.size();
}

// Next to the boundary between the integers n and n + 1, on either side.
double Moves::side(const Reading& r, double n, bool above) const {
    return (n + 0.5 + (above ? r.edge : -r.edge)) * r.step;
}

double Moves::anywhere(std::size_t k, std::size_t e, int kind, Random& random) const {
    const double lo = box_[k].lo[e];
    const double hi = box_[k].hi[e];
    if (kind == 0) return random.coin() ? lo : hi;
    const double x = lo + random.unit() * (hi - lo);
    const Reading& r = readings_[k];
    if (kind == 1 || r.step == 0.0) return x;
    return std::clamp(side(r, std::floor(x / r.step), random.coin()), lo, hi);
}

Point Moves::start(std::int64_t i, Random& random) const {
    Point p;
    for (std::size_t k = 0; k < box_.size(); ++k) {
        std::vector<double> x(box_[k].size());
        for (std::size_t e = 0; e < x.size(); ++e) {
            if (i == 0) x[e] = 0.5 * box_[k].lo[e] + 0.5 * box_[k].hi[e];
            if (i == 1) x[e] = box_[k].lo[e];
            if (i == 2) x[e] = box_[k].hi[e];
            if (i > 2) x[e] = anywhere(k, e, static_cast<int>(i % 3), random);
        }
        p.push_back(std::move(x));
    }
    return p;
}

// The goal changes by value * x + rounding * (read(x) - x) in one coordinate, to first order: greatest at an end of the
// interval or next to the quantiser's boundaries that are nearest to an end.
Moves::Step Moves::step(std::size_t k, std::size_t e, double lo, double hi, double now, const Slope& slope) const {
    const double a = slope.value[k].empty() ? 0.0 : slope.value[k][e];
    const Reading& r = readings_[k];
    const double b = r.step == 0.0 || slope.rounding[k].empty() ? 0.0 : slope.rounding[k][e];
    if (b == 0.0) return a == 0.0 ? Step{now, 0.0} : Step{a > 0.0 ? hi : lo, a > 0.0 ? a * (hi - now) : a * (lo - now)};
    const auto value = [&](double x) { return a * x + b * (r(x) - x); };
    const double here = value(now);
    Step best{now, 0.0};
    const auto consider = [&](double x) {
        if (!(x >= lo && x <= hi)) return;
        const double gain = value(x) - here;
        if (gain > best.gain) best = {x, gain};
    };
    consider(lo);
    consider(hi);
    const double first = std::ceil(lo / r.step - 0.5);
    const double last = std::floor(hi / r.step - 0.5);
    for (const double n : {first - 1.0, first, last, last + 1.0}) {
        consider(side(r, n, false));
        consider(side(r, n, true));
    }
    return best;
}

Moves::Step Moves::reach(std::size_t k, std::size_t e, double radius, double now, const Slope& slope) const {
    return step(k, e, std::max(box_[k].lo[e], now - radius), std::min(box_[k].hi[e], now + radius), now, slope);
}

Point Moves::best(const Slope& slope) const {
    Point p;
    for (std::size_t k = 0; k < box_.size(); ++k) {
        std::vector<double> x(box_[k].size());
        for (std::size_t e = 0; e < x.size(); ++e) {
            const double middle = 0.5 * box_[k].lo[e] + 0.5 * box_[k].hi[e];
            x[e] = step(k, e, box_[k].lo[e], box_[k].hi[e], middle, slope).to;
        }
        p.push_back(std::move(x));
    }
    return p;
}

// From all coordinates down to about one.
double Moves::share(Random& random) const {
    const int most = std::ilogb(static_cast<double>(coordinates_) + 1.0) + 1;
    return std::ldexp(1.0, -static_cast<int>(random.below(static_cast<std::size_t>(most) + 1)));
}

Point Moves::from(const Point& p, const Slope& slope, Kind kind, Random& random) const {
    Point to = p;
    const bool guided = !slope.value.empty();
    const double part = share(random);
    if (kind == Kind::steepest && guided) {
        std::vector<std::pair<double, std::size_t>> gains;
        std::vector<double> places;
        for (std::size_t k = 0; k < p.size(); ++k) {
            for (std::size_t e = 0; e < p[k].size(); ++e) {
                const Step s = step(k, e, box_[k].lo[e], box_[k].hi[e], p[k][e], slope);
                gains.emplace_back(-s.gain, gains.size());
                places.push_back(s.to);
            }
        }
        const auto chosen = static_cast<std::ptrdiff_t>(std::ceil(part * static_cast<double>(gains.size())));
        std::nth_element(gains.begin(), gains.begin() + std::max<std::ptrdiff_t>(chosen - 1, 0), gains.end());
        std::vector<bool> moved(gains.size(), false);
        for (std::ptrdiff_t i = 0; i < chosen; ++i) moved[gains[static_cast<std::size_t>(i)].second] = true;
        std::size_t at = 0;
        for (std::vector<double>& x : to) {
            for (double& v : x) {
                if (moved[at]) v = places[at];
                ++at;
            }
        }
        return to;
    }
    const double radius = std::ldexp(1.0, -static_cast<int>(random.below(10)));
    const int sort = static_cast<int>(random.below(3));
    const std::size_t forced = coordinates_ == 0 ? 0 : random.below(coordinates_);
    std::size_t at = 0;
    for (std::size_t k = 0; k < p.size(); ++k) {
        const double s = readings_[k].step;
        for (std::size_t e = 0; e < p[k].size(); ++e, ++at) {
            const double lo = box_[k].lo[e];
            const double hi = box_[k].hi[e];
            if (kind == Kind::near && guided) {
                to[k][e] = reach(k, e, radius * (hi - lo), p[k][e], slope).to;
                continue;
            }
            if (at != forced && random.unit() >= part) continue;
            if (kind == Kind::share && guided) {
                to[k][e] = step(k, e, lo, hi, p[k][e], slope).to;
            } else if (kind == Kind::nudge) {
                const double unit = s > 0.0 ? s : radius * (hi - lo);
                const double x = std::clamp(p[k][e] + (2.0 * random.unit() - 1.0) * 2.0 * unit, lo, hi);
                // Somewhere in the cell first, then where the slopes point to from there.
                const double snapped = s > 0.0 ? side(readings_[k], std::floor(x / s), random.coin()) : x;
                to[k][e] = std::clamp(snapped, lo, hi);
                if (guided && s > 0.0) to[k][e] = reach(k, e, s, to[k][e], slope).to;
            } else if (kind == Kind::random || !guided) {
                to[k][e] = anywhere(k, e, sort, random);
            }
        }
    }
    return to;
}

std::vector<Point> Moves::all_cells(std::int64_t most) const {
    if (coordinates_ != 1) return {};
    for (std::size_t k = 0; k < box_.size(); ++k) {
        const Reading& r = readings_[k];
        if (box_[k].size() == 0 || r.step == 0.0) continue;
        const double lo = box_[k].lo[0];
        const double hi = box_[k].hi[0];
        const double first = std::floor(lo / r.step - 0.5);
        const double last = std::ceil(hi / r.step - 0.5);
        if (2.0 * (last - first + 1.0) > static_cast<double>(most)) return {};
        std::vector<Point> points;
        for (double n = first; n <= last; n += 1.0) {
            for (const bool above : {false, true}) {
                const double x = side(r, n, above);
                if (x < lo || x > hi) continue;
                Point p(box_.size());
                p[k] = {x};
                points.push_back(std::move(p));
            }
        }
        return points;
    }
    return {};
}

}  // namespace gonogo::joint
