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

#include "linear/multipliers.hpp"
#include "linear/solver.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

class Player {
  public:
    Player(const System& system, BlockId target, std::span<const Phase> phases)
        : s_(system), target_(target), mean_(system.blocks.size()) {
        // Blocks that the target and the phases depend on.
        needed_.assign(system.blocks.size(), false);
        needed_[at(target)] = true;
        for (const Phase& p : phases) needed_[at(p.block)] = needed_[at(p.block)] || p.block < target;
        for (BlockId b = target; b >= 0; --b) {
            if (!needed_[at(b)]) continue;
            for (const AffineTerm& t : system.step(b).terms) needed_[at(t.x)] = true;
            for (int k = 0; k < system.step(b).input_count(); ++k) needed_[at(system.step(b).inputs[at(k)])] = true;
            if (b != target && system.step(b).input_count() > 0)
                relaxing_ += relation_work * static_cast<double>(system.block(b).size());
        }
    }

    double play(const Query& query, BoxState& state, double& best, int rounds) {
        Losses rows(s_.blocks.size());
        double work = 0.0;
        int idle = 0;
        for (int round = 0; round < rounds && idle < patience; ++round) {
            const double bound = attempt(query, state, {}, rows, work);
            ++idle;
            if (bound > best) {
                if (bound > best + least_gain * std::fabs(best)) idle = 0;
                best = bound;
            }
            if (round + 1 == rounds) break;
            answer(state, rows, round == 0 ? 1.0 : 2.0 / (round + 2));
            relax(state);
        }
        return work;
    }

    // Slopes as above, and in every round multipliers for the forms that they give.
    double play(const Query& query, BoxState& state, double& best, double wanted, int rounds, Attempt& from) {
        Losses rows(s_.blocks.size());
        double work = 0.0;
        std::vector<double> multipliers = from.multipliers;
        if (from.points != nullptr) {
            mean_ = *from.points;
            relax(state);
        }
        const int before = from.points == nullptr ? 0 : head_start;
        double highest = -HUGE_VAL;
        for (int round = 0; round < rounds; ++round) {
            choose_multipliers(query, state, multipliers, rounds * steps_each_round, work);
            const double bound = attempt(query, state, multipliers, rows, work);
            if (bound > highest) {
                highest = bound;
                from.multipliers = multipliers;
            }
            if (round + 1 == rounds || !(bound < wanted)) break;
            answer(state, rows, round + before == 0 ? 1.0 : 2.0 / (round + before + 2));
            relax(state);
        }
        best = std::max(best, highest);
        from.bend = worst_bend(state, rows);
        from.points = std::make_shared<const Points>(std::move(mean_));
        return work;
    }

  private:
    static constexpr int patience = 4;
    static constexpr double relation_work = 1000.0;  // new linear bounds of one element, in multiplications: measured
    static constexpr double least_gain = 1e-4;
    static constexpr int head_start = 3;  // rounds that the points of an earlier attempt count for
    static constexpr int steps_each_round = 6;
    static constexpr double little = 0x1p-6;

    double attempt(const Query& query, const BoxState& state, std::span<const double> multipliers, Losses& rows,
                   double& work) const {
        for (std::vector<double>& row : rows) row.clear();
        double bound = -HUGE_VAL;
        const Query mine{&state, query.element, query.sign, nullptr, &rows, multipliers};
        work += 2.0 * lower_bounds(s_, target_, {&mine, 1}, {&bound, 1}) + relaxing_;
        return bound;
    }

    void relax(BoxState& state) const {
        const Solver solver(s_);
        for (BlockId b = 0; b < target_; ++b) {
            const Step& step = s_.step(b);
            if (!needed_[at(b)] || step.input_count() == 0) continue;
            const double* points[most_inputs] = {};
            bool all = true;  // an earlier attempt's points leave out what only a new phase needs
            for (int k = 0; k < step.input_count(); ++k) {
                const std::vector<double>& mean = mean_[at(step.inputs[at(k)])];
                all = all && !mean.empty();
                points[k] = mean.data();
            }
            solver.relax(state, b, all ? points : nullptr);
        }
    }

    void choose_multipliers(const Query& query, const BoxState& state, std::vector<double>& multipliers, int steps,
                            double& work) const {
        if (multipliers.empty()) return;
        const auto form = at(input_count(s_)) + 1;
        std::vector<double> forms((multipliers.size() + 1) * form, 0.0);
        double bound = 0.0;
        const Query plain{&state, query.element, query.sign};
        work += lower_bounds(s_, target_, {&plain, 1}, {&bound, 1}, std::span(forms).first(form));
        // What is at most s x is at most s l on the side of l where s x is.
        for (std::size_t k = 0; k < multipliers.size();) {
            const BlockId block = state.phases[k].block;
            std::vector<Query> queries;
            std::size_t last = k;
            for (; last < multipliers.size() && state.phases[last].block == block; ++last)
                queries.push_back({&state, state.phases[last].element, state.phases[last].above ? -1.0 : 1.0});
            std::vector<double> bounds(queries.size());
            const std::span<double> part = std::span(forms).subspan((k + 1) * form, (last - k) * form);
            work += lower_bounds(s_, block, queries, bounds, part);
            for (std::size_t q = 0; q < queries.size(); ++q)
                part[(q + 1) * form - 1] -= queries[q].sign * state.phases[k + q].limit;
            k = last;
        }
        std::vector<double> lo, hi;
        for (BlockId b = 0; b < static_cast<BlockId>(s_.blocks.size()); ++b) {
            if (s_.step(b).kind != Step::Kind::input) continue;
            lo.insert(lo.end(), state.block(b).lo.begin(), state.block(b).lo.end());
            hi.insert(hi.end(), state.block(b).hi.begin(), state.block(b).hi.end());
        }
        raise(forms, lo, hi, multipliers, steps);
    }

    // By how far apart a relation's bounds are at the mean of the answers, times the row's coefficient.
    std::optional<Bend> worst_bend(const BoxState& state, const Losses& rows) const {
        std::optional<Bend> found;
        double worst = 0.0;
        for (BlockId b = 0; b < target_; ++b) {
            const Step& step = s_.step(b);
            const std::vector<double>& row = rows[at(b)];
            if (!needed_[at(b)] || !step.relation || row.empty()) continue;
            const StepState& lines = state.step(b);
            Ranges x;
            for (std::size_t k = 0; k < step.inputs.size(); ++k) {
                x.lo[k] = state.block(step.inputs[k]).lo.data();
                x.hi[k] = state.block(step.inputs[k]).hi.data();
            }
            for (std::size_t i = 0; i < row.size(); ++i) {
                double apart = lines.above[i] - lines.below[i];
                for (int k = 0; k < step.input_count(); ++k) {
                    const std::vector<double>& mean = mean_[at(step.inputs[at(k)])];
                    if (!mean.empty()) apart += (lines.slope_above[k][i] - lines.slope_below[k][i]) * mean[i];
                }
                for (std::size_t k = 0; k < step.inputs.size(); ++k) {
                    const double limit = step.relation->bend(x, static_cast<std::int64_t>(i), static_cast<int>(k));
                    const double depth = std::min(limit - x.lo[k][i], x.hi[k][i] - limit);
                    // Of one relation's bends the deepest; where the bounds touch at the mean, bends count a little.
                    const double score = std::fabs(row[i]) * (std::max(apart, 0.0) + little * depth);
                    if (!(score > worst)) continue;
                    worst = score;
                    found = {step.inputs[k], static_cast<std::int64_t>(i), limit};
                }
            }
        }
        return found;
    }

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
            work[at(q)] = Player(system, target, {}).play(queries[at(q)], state, result[at(q)], rounds);
        }
    });
    double sum = 0.0;
    for (const double w : work) sum += w;
    return sum;
}

double sharpen(const System& system, BlockId target, const Query& query, BoxState& state, double least, double wanted,
               int rounds, Attempt& attempt, double& multiplies) {
    multiplies += Player(system, target, state.phases).play(query, state, least, wanted, rounds, attempt);
    return least;
}

}  // namespace gonogo::linear
