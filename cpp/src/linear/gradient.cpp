#include "linear/gradient.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/parallel.hpp"

#include "linear/pullback.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

class Keeper final : public Pullback {
  public:
    Keeper(const System& system, std::span<const Query> queries, std::span<const BlockId> kept,
           std::span<Coefficients> result)
        : Pullback(system, queries), kept_(kept), result_(result) {
        for (Coefficients& c : result_) c.resize(kept.size());
    }
    using Pullback::run;

  private:
    bool leave(BlockId b) override {
        const auto found = std::find(kept_.begin(), kept_.end(), b);
        if (found == kept_.end()) return true;
        for (std::int64_t r = 0; r < count(); ++r) {
            std::vector<double>& to = result_[at(r)][at(found - kept_.begin())];
            to.assign(at(system().block(b).size()), 0.0);
            rows(b).each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
                std::copy_n(rows(b).row(r) + from, n, to.begin() + element);
            });
        }
        return false;
    }
    void join(BlockId, std::int64_t) override {}

    std::span<const BlockId> kept_;
    std::span<Coefficients> result_;
};

double middle(double lo, double hi) {
    const double m = 0.5 * lo + 0.5 * hi;
    return std::isfinite(m) ? m : 0.0;
}

// How far around a point the bounds of relations are taken: far enough for the slopes of chords to be accurate, near
// enough for the chords to be tangents.
double reach(const std::vector<double>& values) {
    double most = 0.0;
    for (const double v : values) most = std::max(most, std::fabs(v));
    return 0x1p-22 * most + 0x1p-200;
}

}  // namespace

std::vector<Coefficients> coefficients(const System& system, BlockId target, std::span<const Query> queries,
                                       std::span<const BlockId> kept) {
    std::vector<Coefficients> result(queries.size());
    const auto count = static_cast<std::int64_t>(queries.size());
    numeric::parallel_for(count, rows_at_once(system, target), [&](std::int64_t first, std::int64_t last) {
        const auto n = at(last - first);
        Keeper(system, queries.subspan(at(first), n), kept, std::span(result).subspan(at(first), n)).run(target);
    });
    return result;
}

Tangents::Tangents(const System& system, std::span<const BlockId> targets, std::span<const BlockId> zero)
    : s_(system), needed_(system.blocks.size(), false), zero_(system.blocks.size(), false) {
    for (const BlockId b : targets) needed_[at(b)] = true;
    for (const BlockId b : zero) zero_[at(b)] = true;
    for (BlockId b = 0; b < static_cast<BlockId>(system.blocks.size()); ++b) {
        const Step& step = system.step(b);
        bool inexact = rounded(b);
        rounds_ = rounds_ || inexact;
        for (const AffineTerm& t : step.terms) inexact = inexact || inexact_[at(t.x)];
        for (const BlockId x : step.inputs) inexact = inexact || inexact_[at(x)];
        inexact_.push_back(inexact);
    }
    for (auto b = static_cast<BlockId>(system.blocks.size()) - 1; b >= 0; --b) {
        if (!needed_[at(b)] || zero_[at(b)]) continue;
        const Step& step = system.step(b);
        double work = 0.0;
        for (const AffineTerm& t : step.terms) {
            needed_[at(t.x)] = true;
            const double outputs =
                static_cast<double>(t.map->out().size()) / static_cast<double>(t.map->out().channels);
            work += static_cast<double>(t.map->terms() * t.map->in().channels) * outputs;
        }
        // Hints of groups have values at the point like any other block.
        const std::size_t read = step.group ? step.inputs.size() : at(step.input_count());
        for (std::size_t k = 0; k < read; ++k) {
            needed_[at(step.inputs[k])] = true;
            work += static_cast<double>(system.block(b).size());
        }
        forward_ += work;
        backward_ += work;
    }
}

bool Tangents::rounded(BlockId id) const {
    const Step& step = s_.step(id);
    return step.relation && step.input_count() == 2 && step.inputs.size() == 3 && s_.step(step.inputs[1]).noise_apart &&
           s_.step(step.inputs[2]).quantum > 0.0;
}

// The slopes of phi(s) - psi(r), s = r + d, in r and d become those of f phi(s) - psi(r).
void Tangents::follow(BlockId id, const Pull& pull, const std::vector<double>& exact, StepState& slopes) const {
    const double step = s_.step(s_.step(id).inputs[2]).quantum;
    const double past = inexact_[at(s_.step(id).inputs[1])] ? 1.0 : 0.0;
    const auto turn = [&](std::size_t i, double distance, std::vector<double>& of_r, std::vector<double>& of_d) {
        const double f = distance > 0.0 ? pull.strength / (1.0 + distance / pull.width) : past;
        of_r[i] += (f - 1.0) * of_d[i];
        of_d[i] *= f;
    };
    for (std::size_t i = 0; i < exact.size(); ++i) {
        const double s = exact[i] / step;
        const double boundary = std::nearbyint(s - 0.5) + 0.5;
        turn(i, boundary - s, slopes.slope_above[0], slopes.slope_above[1]);
        turn(i, s - boundary, slopes.slope_below[0], slopes.slope_below[1]);
    }
}

BoxState Tangents::around(std::span<const BlockId> known, std::span<const std::vector<double>> values,
                          const Pull* pull) const {
    BoxState state(s_);
    for (std::size_t k = 0; k < known.size(); ++k) state.block(known[k]).lo = values[k];
    // `lo` holds the value, also where a block is nought or unknown.
    std::vector<double> lo, hi;
    for (std::size_t id = 0; id < s_.blocks.size(); ++id) {
        if (!needed_[id]) continue;
        const auto b = static_cast<BlockId>(id);
        const Step& step = s_.step(b);
        const std::size_t n = at(s_.block(b).size());
        std::vector<double>& y = state.block(b).lo;
        if (y.empty()) y.assign(n, 0.0);
        if (zero_[id] || step.kind == Step::Kind::input || step.kind == Step::Kind::free) continue;
        lo.resize(n);
        hi.resize(n);
        if (step.kind == Step::Kind::affine) {
            for (std::size_t i = 0; i < step.bias_lo.size(); ++i) y[i] = middle(step.bias_lo[i], step.bias_hi[i]);
            for (const AffineTerm& t : step.terms) {
                const double* x = state.block(t.x).lo.data();
                t.map->enclose(x, x, lo.data(), hi.data());
                for (std::size_t i = 0; i < n; ++i) y[i] += middle(lo[i], hi[i]);
            }
            continue;
        }
        // Values at the point, slopes around it. The hint of a pair of elements is the device's value, r + d.
        std::vector<double> low[most_inputs], high[most_inputs], hint, moved, rounded;
        Ranges here, nearby;
        for (std::size_t k = 0; k < step.inputs.size(); ++k) {
            const std::vector<double>* x = &state.block(step.inputs[k]).lo;
            double w = 0.0;
            if (step.relation && k >= at(step.input_count())) {
                const std::vector<double>& r = state.block(step.inputs[0]).lo;
                const std::vector<double>& d = state.block(step.inputs[1]).lo;
                hint.resize(r.size());
                for (std::size_t i = 0; i < r.size(); ++i) hint[i] = r[i] + d[i];
                x = &hint;
                w = reach(r) + reach(d);
            } else {
                w = reach(*x);
            }
            low[k] = high[k] = *x;
            for (double& v : low[k]) v -= w;
            for (double& v : high[k]) v += w;
            here.lo[k] = here.hi[k] = x->data();
            nearby.lo[k] = low[k].data();
            nearby.hi[k] = high[k].data();
        }
        const bool follows = pull != nullptr && this->rounded(b);
        if (follows) {
            const std::vector<double>& r = state.block(step.inputs[0]).lo;
            const double quantum = s_.step(step.inputs[2]).quantum;
            rounded.resize(n);
            moved.resize(n);
            for (std::size_t i = 0; i < n; ++i) {
                rounded[i] = std::floor(hint[i] / quantum + 0.5) * quantum;
                moved[i] = rounded[i] - r[i];
            }
            here.lo[1] = here.hi[1] = moved.data();
            here.lo[2] = here.hi[2] = rounded.data();
        }
        std::fill(lo.begin(), lo.end(), -HUGE_VAL);
        std::fill(hi.begin(), hi.end(), HUGE_VAL);
        Lines lines;
        StepState& slopes = state.step(b);
        for (int k = 0; k < step.input_count(); ++k) {
            const std::size_t count = step.group ? step.group->reads(k).element.size() : n;
            slopes.slope_below[k].resize(count);
            slopes.slope_above[k].resize(count);
            lines.slope_below[k] = slopes.slope_below[k].data();
            lines.slope_above[k] = slopes.slope_above[k].data();
        }
        slopes.below.resize(n);
        slopes.above.resize(n);
        lines.below = slopes.below.data();
        lines.above = slopes.above.data();
        if (step.group) {
            step.group->enclose(here, lo.data(), hi.data());
            step.group->tangents(nearby, lines);
        } else {
            step.relation->enclose(here, 0, static_cast<std::int64_t>(n), lo.data(), hi.data());
            step.relation->relax(nearby, 0, static_cast<std::int64_t>(n), nullptr, lines);
        }
        if (follows) follow(b, *pull, hint, slopes);
        for (std::size_t i = 0; i < n; ++i) y[i] = middle(lo[i], hi[i]);
    }
    return state;
}

}  // namespace gonogo::linear
