// A game between slopes and inputs. Given slopes, the row's form has its least value at a corner of the box, and the
// relations' bounds say which value every variable would have there: one answer of the inputs. Given the mean of the
// answers so far, each relation takes the bound that is highest there: one answer of the slopes. Both are what
// fictitious play does (G. W. Brown, 1951); where one relation lies between box and row its values converge to the
// optimum of the linear program over all slopes. Nothing depends on that: every round's bound is proved by itself
// (Theorem 40), and the best one is kept.
#include "linear/slopes.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/parallel.hpp"

#include "linear/solver.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

using Points = std::vector<std::vector<double>>;  // by block

class Player {
  public:
    Player(const System& system, BlockId target) : s_(system), target_(target), mean_(system.blocks.size()) {
        // Blocks that the target depends on.
        needed_.assign(system.blocks.size(), false);
        needed_[at(target)] = true;
        for (BlockId b = target; b >= 0; --b) {
            if (!needed_[at(b)]) continue;
            for (const AffineTerm& t : system.step(b).terms) needed_[at(t.x)] = true;
            for (int k = 0; k < system.step(b).input_count(); ++k) needed_[at(system.step(b).inputs[at(k)])] = true;
            if (b != target && system.step(b).input_count() > 0)
                relaxing_ += relation_work * static_cast<double>(system.block(b).size());
        }
    }

    double play(const Query& query, BoxState& state, double& best, int rounds) {
        const Solver solver(s_);
        Losses rows(s_.blocks.size());
        double work = 0.0;
        int idle = 0;
        for (int round = 0; round < rounds && idle < patience; ++round) {
            for (std::vector<double>& row : rows) row.clear();
            double bound = -HUGE_VAL;
            const Query mine{&state, query.element, query.sign, nullptr, &rows};
            work += 2.0 * lower_bounds(s_, target_, {&mine, 1}, {&bound, 1}) + relaxing_;
            ++idle;
            if (bound > best) {
                if (bound > best + least_gain * std::fabs(best)) idle = 0;
                best = bound;
            }
            if (round + 1 == rounds) break;
            answer(state, rows, round == 0 ? 1.0 : 2.0 / (round + 2));
            for (BlockId b = 0; b < target_; ++b) {
                const Step& step = s_.step(b);
                if (!needed_[at(b)] || step.input_count() == 0) continue;
                const double* points[most_inputs] = {};
                for (int k = 0; k < step.input_count(); ++k) points[k] = mean_[at(step.inputs[at(k)])].data();
                solver.relax(state, b, points);
            }
        }
        return work;
    }

  private:
    static constexpr int patience = 4;
    static constexpr double relation_work = 1000.0;  // new linear bounds of one element, in multiplications: measured
    static constexpr double least_gain = 1e-4;

    // What every variable would be at the form's least value, by the bounds that the row took; mixed into the mean.
    void answer(const BoxState& state, const Losses& rows, double weight) {
        Points x(s_.blocks.size());
        std::vector<double> lo, hi;
        for (BlockId b = 0; b < target_; ++b) {
            if (!needed_[at(b)]) continue;
            const Step& step = s_.step(b);
            const BlockState& range = state.block(b);
            const StepState& lines = state.step(b);
            const std::vector<double>& row = rows[at(b)];
            const std::size_t n = range.lo.size();
            std::vector<double>& y = x[at(b)];
            y.assign(n, 0.0);
            const auto positive = [&](std::size_t i) { return row.empty() || row[i] >= 0.0; };
            if (step.kind == Step::Kind::input || step.kind == Step::Kind::free) {
                for (std::size_t i = 0; i < n; ++i) {
                    const bool none = row.empty() || row[i] == 0.0;
                    y[i] = none ? 0.5 * range.lo[i] + 0.5 * range.hi[i] : (row[i] > 0.0 ? range.lo[i] : range.hi[i]);
                }
            } else if (step.kind == Step::Kind::affine) {
                for (std::size_t i = 0; i < n; ++i) y[i] = positive(i) ? lines.below[i] : lines.above[i];
                lo.resize(n);
                hi.resize(n);
                for (const AffineTerm& t : step.terms) {
                    const double* p = x[at(t.x)].data();
                    t.map->enclose(p, p, lo.data(), hi.data());
                    for (std::size_t i = 0; i < n; ++i) y[i] += 0.5 * lo[i] + 0.5 * hi[i];
                }
            } else if (step.kind == Step::Kind::relation) {
                for (std::size_t i = 0; i < n; ++i) {
                    const bool low = positive(i);
                    y[i] = low ? lines.below[i] : lines.above[i];
                    for (int k = 0; k < step.input_count(); ++k) {
                        const double p = x[at(step.inputs[at(k)])][i];
                        y[i] += (low ? lines.slope_below[k][i] : lines.slope_above[k][i]) * p;
                    }
                }
            } else {
                for (std::size_t i = 0; i < n; ++i) {
                    const bool low = positive(i);
                    y[i] = low ? lines.below[i] : lines.above[i];
                    for (int k = 0; k < step.input_count(); ++k) {
                        const GroupRelation::Reads& reads = step.group->reads(k);
                        const std::vector<double>& slopes = low ? lines.slope_below[k] : lines.slope_above[k];
                        for (auto e = at(reads.begin[i]); e < at(reads.begin[i + 1]); ++e)
                            y[i] += slopes[e] * x[at(step.inputs[at(k)])][at(reads.element[e])];
                    }
                }
            }
            // What is known of the variable otherwise is no part of the row's form, but of the truth.
            for (std::size_t i = 0; i < n; ++i) {
                y[i] = std::min(std::max(y[i], range.lo[i]), range.hi[i]);
                if (!std::isfinite(y[i])) y[i] = 0.0;
            }
            std::vector<double>& mean = mean_[at(b)];
            mean.resize(n, 0.0);
            for (std::size_t i = 0; i < n; ++i) mean[i] += weight * (y[i] - mean[i]);
        }
    }

    const System& s_;
    BlockId target_;
    double relaxing_ = 0.0;
    std::vector<bool> needed_;
    Points mean_;
};

}  // namespace

double sharpen(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result,
               int rounds) {
    const auto count = static_cast<std::int64_t>(queries.size());
    std::vector<double> work(queries.size(), 0.0);
    numeric::parallel_for(count, 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t q = first; q < last; ++q) {
            BoxState state = *queries[at(q)].state;
            work[at(q)] = Player(system, target).play(queries[at(q)], state, result[at(q)], rounds);
        }
    });
    double sum = 0.0;
    for (const double w : work) sum += w;
    return sum;
}

}  // namespace gonogo::linear
