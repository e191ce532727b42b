// Theorem 59 (phases). A variable lies on one side of a number or on the other, or on it. So every assignment that the
// system admits over the box lies in one of the parts into which the box has been split, and the least of all parts'
// lower bounds is one; a part in which two enclosures of one value don't meet holds none.
// Proof: docs/soundness.md, "Back substitution".
#include "linear/phases.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/parallel.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

// Attempts at slopes and multipliers: as many for the whole box as where nothing is split at all, fewer for a part in
// which nothing is left to split, few for other parts, which start from their parents'. More of them made fewer parts,
// and took longer (docs/performance.md).
constexpr int many_rounds = 15;
constexpr int few_rounds = 2;
constexpr std::size_t most_with_points = 4096;  // open parts of a side that keep what to start from

}  // namespace

// Infinite: none holds anything, or there are none yet.
double Phases::Side::of_parts() const {
    return std::min(closed, open.empty() ? infinity : open.front().bound);
}

double Phases::Side::least() const {
    const double parts = of_parts();
    return parts < infinity ? std::max(known, parts) : known;
}

// What holds over the whole box holds in every part; their order as a heap stays.
void Phases::Side::raise(double bound) {
    known = std::max(known, bound);
    closed = std::max(closed, known);
    for (Part& p : open) p.bound = std::max(p.bound, known);
}

void Phases::Side::learn(double bound) {
    raise(bound);
    again = points != nullptr;
}

// The whole box, looked at for the first time or once more. Parts that say no more than it does are given up.
void Phases::Side::renew(Part whole) {
    points = whole.attempt.points;
    const double parts = of_parts();
    if (parts < infinity && parts > whole.bound) {
        raise(whole.bound);
        return;
    }
    open.clear();
    closed = infinity;
    known = std::max(known, whole.bound);
    add(std::move(whole));
}

void Phases::Side::add(Part part) {
    if (open.size() > most_with_points) part.attempt.points = points;
    open.push_back(std::move(part));
    std::push_heap(open.begin(), open.end(), [](const Part& a, const Part& b) { return a.bound > b.bound; });
}

Phases::Part Phases::Side::take() {
    std::pop_heap(open.begin(), open.end(), [](const Part& a, const Part& b) { return a.bound > b.bound; });
    Part part = std::move(open.back());
    open.pop_back();
    return part;
}

Phases::Phases(const System& system, std::span<const Objective> objectives, const BoxState& whole,
               std::span<const double> lower, std::span<const double> upper)
    : s_(system), whole_(whole) {
    for (std::size_t k = 0; k < objectives.size(); ++k) {
        for (const double sign : {1.0, -1.0}) {
            const double known = sign > 0.0 ? lower[k] : -upper[k];
            sides_.push_back({objectives[k], sign, known, {}, infinity});
            sides_.back().add({.bound = known});
        }
    }
}

bool Phases::finished() const {
    return std::all_of(sides_.begin(), sides_.end(), [](const Side& s) { return s.open.empty() && !s.again; });
}

std::vector<double> Phases::lower() const {
    std::vector<double> all;
    for (std::size_t s = 0; s < sides_.size(); s += 2) all.push_back(sides_[s].least());
    return all;
}

std::vector<double> Phases::upper() const {
    std::vector<double> all;
    for (std::size_t s = 1; s < sides_.size(); s += 2) all.push_back(-sides_[s].least());
    return all;
}

void Phases::learn(std::span<const double> lower, std::span<const double> upper) {
    for (std::size_t s = 0; s < sides_.size(); ++s) sides_[s].learn(s % 2 == 0 ? lower[s / 2] : -upper[s / 2]);
}

void Phases::solve(Work& work, double wanted) const {
    Part& part = work.part;
    const Objective& objective = sides_[work.side].objective;
    BoxState state = whole_;
    state.phases = part.phases;
    // What was known before holds as well, so only what a phase changes is looked at. Back substitution for the ranges
    // of inner blocks, once more, gained less than it took.
    std::vector<bool> changed(s_.blocks.size(), false);
    for (const Phase& p : part.phases) changed[at(p.block)] = true;
    const Solver solver(s_);
    for (BlockId b = 0; b < static_cast<BlockId>(s_.blocks.size()); ++b) {
        const Step& step = s_.step(b);
        for (const AffineTerm& t : step.terms) changed[at(b)] = changed[at(b)] || changed[at(t.x)];
        for (const BlockId x : step.inputs) changed[at(b)] = changed[at(b)] || changed[at(x)];
        if (!changed[at(b)]) continue;
        solver.step(state, b);
        if (state.empty) {
            part.bound = infinity;
            return;
        }
        if (step.input_count() > 0) solver.relax(state, b);
    }
    const BlockState& y = state.block(objective.block);
    const std::size_t e = at(objective.element);
    const bool children = part.effort == Effort::none && !part.phases.empty();
    const double sign = sides_[work.side].sign;
    part.bound = std::max(part.bound, sign > 0.0 ? y.lo[e] : -y.hi[e]);
    part.bound = sharpen(s_, objective.block, {&state, objective.element, sign}, state, part.bound, wanted,
                         part.phases.empty() ? most_rounds : (children ? few_rounds : many_rounds), part.attempt,
                         work.multiplies);
    part.effort = children ? Effort::some : Effort::all;
}

// Of objectives of one block the worst one is asked for most: those that are above what is enough for the worst come
// first, then those that are above what is enough for themselves. Sides without any bound come last: they would take
// all the time.
Phases::Urgency Phases::urgency(const Side& side, double enough, double most_enough) const {
    const double bound = side.again ? side.least() : side.open.front().bound;
    if (!(bound > -infinity)) return {0, std::numeric_limits<double>::min()};
    if (-bound > most_enough) return {2, -bound - most_enough};
    return {1, -bound - enough};
}

// The worst parts of the sides that are furthest from enough, split. What is enough is left alone, and what is no worse
// than a part left alone already: the side gains nothing by it.
std::vector<Phases::Work> Phases::choose(std::int64_t count, std::span<const double> enough) {
    std::vector<Work> chosen;
    std::vector<bool> whole(sides_.size(), false);  // chosen, and what becomes of the parts isn't known yet
    std::vector<double> most_enough(s_.blocks.size(), -infinity);
    for (std::size_t s = 0; s < sides_.size(); ++s) {
        double& most = most_enough[at(sides_[s].objective.block)];
        most = std::max(most, enough[s / 2]);
    }
    while (static_cast<std::int64_t>(chosen.size()) < 2 * count) {
        std::size_t worst = 0;
        Urgency most{0, 0.0};
        for (std::size_t s = 0; s < sides_.size(); ++s) {
            Side& side = sides_[s];
            while (!side.open.empty() && side.open.front().bound >= std::min(-enough[s / 2], side.closed))
                side.closed = std::min(side.closed, side.take().bound);
            if (side.least() >= -enough[s / 2]) side.again = false;
            if (whole[s] || (side.open.empty() && !side.again)) continue;
            const Urgency now = urgency(side, enough[s / 2], most_enough[at(side.objective.block)]);
            if (now > most) most = now, worst = s;
        }
        if (!(most.second > 0.0)) break;
        if (sides_[worst].again) {
            sides_[worst].again = false;
            whole[worst] = true;
            chosen.push_back({worst, {.bound = sides_[worst].known}});
            chosen.back().part.attempt.points = sides_[worst].points;
            continue;
        }
        Part part = sides_[worst].take();
        if (part.effort == Effort::none || (!part.attempt.bend && part.effort == Effort::some)) {
            chosen.push_back({worst, std::move(part)});
        } else if (part.attempt.bend) {
            const Bend bend = *part.attempt.bend;
            part.effort = Effort::none;
            part.attempt.multipliers.push_back(0.0);
            for (const bool above : {false, true}) {
                chosen.push_back({worst, part});
                chosen.back().part.phases.push_back({bend.block, bend.element, bend.limit, above});
            }
            ++parts_;
        } else {
            sides_[worst].closed = std::min(sides_[worst].closed, part.bound);
        }
    }
    return chosen;
}

void Phases::round(std::int64_t count, std::span<const double> enough) {
    std::vector<Work> chosen = choose(count, enough);
    numeric::parallel_for(static_cast<std::int64_t>(chosen.size()), 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t k = first; k < last; ++k) solve(chosen[at(k)], -enough[chosen[at(k)].side / 2]);
    });
    for (Work& w : chosen) {
        Side& side = sides_[w.side];
        multiplies_ += w.multiplies;
        if (w.part.phases.empty()) {
            side.renew(std::move(w.part));
        } else if (w.part.bound < infinity) {
            side.add(std::move(w.part));
        }
    }
}

}  // namespace gonogo::linear
