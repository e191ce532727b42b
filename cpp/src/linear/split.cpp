// Theorem 50 (splitting). Let every part's range of an objective enclose its values for all assignments that the system
// admits over the part. The parts cover the box: a part is replaced by two that share the hyperplane between them. So
// the union over all parts, open and left alone, encloses the objective's values over the box.
//
// Theorem 58 (narrowing). Where a form of an objective is at least -enough over what is cut off a part, so is the
// objective: what is cut off counts as left alone, with the range [-enough, enough].
#include "linear/split.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/parallel.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

constexpr std::int64_t small_system = 1 << 16;  // variables; larger ones keep all threads busy with one part
constexpr std::int64_t together = 8;            // parts whose rows are carried back together
constexpr std::size_t most_open = 2048;         // parts in best-first order; each keeps its forms
constexpr double far = 4.0;                     // so many times what is enough: halved twice at once
constexpr double narrow_enough = 0.5;           // share of the volume below which a part is looked at again

double magnitude(double lo, double hi) {
    return std::max(-lo, hi);
}

FlatBox flat(const InputBox& box) {
    FlatBox all;
    for (std::size_t k = 0; k < box.lo.size(); ++k) all.add(box.lo[k], box.hi[k]);
    return all;
}

}  // namespace

Splitter::Splitter(const System& system, std::vector<Objective> objectives, Start start)
    : s_(system),
      objectives_(std::move(objectives)),
      start_(std::move(start)),
      inputs_(at(input_count(system))),
      closed_lower_(objectives_.size(), infinity),
      closed_upper_(objectives_.size(), -infinity) {
    if (inputs_ > most_inputs_to_halve) inputs_ = 0;  // no forms
}

void Splitter::begin(InputBox box, std::vector<double> lower, std::vector<double> upper, bool to_the_end) {
    to_the_end_ = to_the_end;
    open_.clear();
    deep_.clear();
    parts_ = 1;
    open_.push_back({.box = std::move(box),
                     .lower = std::move(lower),
                     .upper = std::move(upper),
                     .split_scores = {},
                     .ends = {},
                     .excess = infinity});
}

double Splitter::excess(const Part& part, std::span<const double> enough) const {
    double most = 0.0;
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        const double m = magnitude(part.lower[k], part.upper[k]);
        if (!(m <= enough[k])) most = std::max(most, std::isfinite(m) ? m - enough[k] : infinity);
    }
    return most;
}

void Splitter::solve(std::span<Part> parts, std::span<const double> enough) const {
    const auto count = static_cast<std::int64_t>(parts.size());
    std::int64_t variables = 0;
    for (const Block& b : s_.blocks) variables += b.size();
    const auto run = [&](std::int64_t first, std::int64_t last) {
        const std::span<Part> some = parts.subspan(at(first), at(last - first));
        solve_together(some);
        for (Part& p : some) p.narrowed = !p.empty && narrow(p, enough) < narrow_enough;
    };
    if (variables >= small_system || count <= together) {
        run(0, count);
    } else {
        numeric::parallel_for(count, together, run);
    }
}

// Bounds on the objectives over each part, met with what its parent had.
void Splitter::solve_together(std::span<Part> all) const {
    std::vector<BoxState> states;
    std::vector<Part*> parts;
    states.reserve(all.size());
    for (Part& p : all) {
        std::optional<BoxState> state = start_(p.box);
        p.empty = !state;
        if (p.empty) continue;
        parts.push_back(&p);
        states.push_back(std::move(*state));
        states.back().inputs = flat(p.box);
        if (p.known == nullptr) continue;
        for (std::size_t b = 0; b < s_.blocks.size(); ++b) states.back().blocks[b].forms = (*p.known)[b];
    }
    if (parts.empty()) return;
    Solver(s_).run(states, {.method = Method::linear, .interval_first = false, .forms = inputs_ > 0});
    std::vector<Losses> losses(parts.size(), Losses(s_.blocks.size()));
    bound_objectives(parts, states, losses);
    for (std::size_t p = 0; p < parts.size(); ++p) {
        score(*parts[p], states[p], losses[p]);
        if (inputs_ == 0) continue;
        auto known = std::make_shared<Forms>();
        for (BlockState& b : states[p].blocks) known->push_back(std::move(b.forms));
        parts[p]->known = std::move(known);
    }
}

void Splitter::bound_objectives(std::span<Part* const> parts, std::span<BoxState> states,
                                std::span<Losses> losses) const {
    const std::size_t form = inputs_ > 0 ? inputs_ + 1 : 0;
    for (Part* p : parts) p->ends.assign(2 * objectives_.size() * form, -infinity);
    for (std::size_t first = 0; first < objectives_.size();) {
        // Objectives of one block together.
        std::size_t last = first;
        while (last < objectives_.size() && objectives_[last].block == objectives_[first].block) ++last;
        std::vector<Query> queries;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            for (std::size_t k = first; k < last; ++k) {
                // Where the bound is lost is asked of the side that decides.
                const bool low = -parts[p]->lower[k] > parts[p]->upper[k];
                queries.push_back({&states[p], objectives_[k].element, 1.0, nullptr});
                queries.push_back({&states[p], objectives_[k].element, -1.0, nullptr});
                (low ? queries[queries.size() - 2] : queries.back()).losses = &losses[p];
            }
        }
        std::vector<double> bounds(queries.size());
        std::vector<double> forms(queries.size() * form);
        lower_bounds(s_, objectives_[first].block, queries, bounds, forms);
        std::size_t next = 0;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            const BlockState& b = states[p].block(objectives_[first].block);
            std::copy_n(forms.data() + next * form, 2 * (last - first) * form,
                        parts[p]->ends.data() + 2 * first * form);
            for (std::size_t k = first; k < last; ++k, next += 2) {
                const std::size_t e = at(objectives_[k].element);
                parts[p]->lower[k] = std::max({parts[p]->lower[k], bounds[next], b.lo[e]});
                parts[p]->upper[k] = std::min({parts[p]->upper[k], -bounds[next + 1], b.hi[e]});
            }
        }
        first = last;
    }
}

// How many relations halving each input should decide: all that lose something, each shared out over the inputs in
// proportion to what they contribute to the range of the relation's first input. How much each loses doesn't count:
// what a row loses is no measure of how much looser a relation makes the ranges of others.
void Splitter::score(Part& part, const BoxState& state, const Losses& losses) const {
    std::vector<double> width;
    for (std::size_t k = 0; k < part.box.lo.size(); ++k) {
        for (std::size_t i = 0; i < part.box.lo[k].size(); ++i) width.push_back(part.box.hi[k][i] - part.box.lo[k][i]);
    }
    part.split_scores.assign(width.size(), 0.0);
    for (std::size_t b = 0; b < losses.size(); ++b) {
        if (losses[b].empty()) continue;
        const BlockState& x = state.block(s_.steps[b].inputs[0]);
        if (x.forms.empty()) continue;
        for (std::size_t i = 0; i < losses[b].size(); ++i) {
            if (!(losses[b][i] > 0.0)) continue;
            const double* form = x.forms.data() + 2 * i * (width.size() + 1);
            double sum = 0.0;
            for (std::size_t j = 0; j < width.size(); ++j) sum += std::fabs(form[j]) * width[j];
            if (!(sum > 0.0)) continue;
            for (std::size_t j = 0; j < width.size(); ++j) part.split_scores[j] += std::fabs(form[j]) * width[j] / sum;
        }
    }
    if (*std::max_element(part.split_scores.begin(), part.split_scores.end()) > 0.0) return;
    part.split_scores = width;
}

// What an ancestor's forms say of a smaller part.
void Splitter::meet_ends(Part& part) const {
    if (part.ends.empty()) return;
    const FlatBox box = flat(part.box);
    const std::size_t form = inputs_ + 1;
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        const std::span<const double> both(part.ends.data() + 2 * k * form, 2 * form);
        part.lower[k] = std::max(part.lower[k], least(both.first(form), box));
        part.upper[k] = std::min(part.upper[k], -least(both.last(form), box));
    }
}

// Cuts off where the forms decide. Returns the share of the volume that is left.
double Splitter::narrow(Part& part, std::span<const double> enough) const {
    if (part.ends.empty()) return 1.0;
    const FlatBox old = flat(part.box);
    const std::size_t form = inputs_ + 1;
    FlatBox hull;
    hull.lo.assign(inputs_, infinity);
    hull.hi.assign(inputs_, -infinity);
    bool open = false;
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        for (const std::size_t side : {std::size_t{0}, std::size_t{1}}) {
            if (side == 0 ? part.lower[k] >= -enough[k] : part.upper[k] <= enough[k]) continue;
            const std::span<const double> end(part.ends.data() + (2 * k + side) * form, form);
            std::vector<double> lo = old.lo;
            std::vector<double> hi = old.hi;
            if (!cut(end, -enough[k], lo, hi) || !cut(end, -enough[k], lo, hi)) {
                if (side == 0) part.lower[k] = std::max(part.lower[k], -enough[k]);
                if (side == 1) part.upper[k] = std::min(part.upper[k], enough[k]);
                continue;
            }
            open = true;
            for (std::size_t j = 0; j < inputs_; ++j) {
                hull.lo[j] = std::min(hull.lo[j], lo[j]);
                hull.hi[j] = std::max(hull.hi[j], hi[j]);
            }
        }
    }
    if (!open) return 1.0;
    double share = 1.0;
    bool smaller = false;
    std::size_t j = 0;
    for (std::size_t b = 0; b < part.box.lo.size(); ++b) {
        for (std::size_t i = 0; i < part.box.lo[b].size(); ++i, ++j) {
            // A share may be rounded to one.
            smaller = smaller || hull.lo[j] > old.lo[j] || hull.hi[j] < old.hi[j];
            const double width = old.hi[j] - old.lo[j];
            if (!(width > 0.0)) continue;
            const double left = (hull.hi[j] - hull.lo[j]) / width;
            share *= left;
            part.split_scores[j] *= left;
            part.box.lo[b][i] = hull.lo[j];
            part.box.hi[b][i] = hull.hi[j];
        }
    }
    if (!smaller) return share;
    // The ranges hold over the box before the cut; once they are those of what is left they say nothing of what isn't.
    if (part.cut_lower.empty()) {
        part.cut_lower.assign(objectives_.size(), infinity);
        part.cut_upper.assign(objectives_.size(), -infinity);
    }
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        part.cut_lower[k] = std::min(part.cut_lower[k], std::max(part.lower[k], -enough[k]));
        part.cut_upper[k] = std::max(part.cut_upper[k], std::min(part.upper[k], enough[k]));
    }
    return share;
}

void Splitter::close(std::span<const double> lower, std::span<const double> upper) {
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        closed_lower_[k] = std::min(closed_lower_[k], lower[k]);
        closed_upper_[k] = std::max(closed_upper_[k], upper[k]);
    }
}

void Splitter::settle(Part part, std::span<const double> enough) {
    if (!part.cut_lower.empty()) {
        close(part.cut_lower, part.cut_upper);
        part.cut_lower.clear();
        part.cut_upper.clear();
    }
    if (part.empty) return;
    part.excess = excess(part, enough);
    if (!(part.excess > 0.0)) {
        close(part.lower, part.upper);
    } else if (open_.size() < most_open || !to_the_end_) {
        if (open_.size() >= most_open) part.known = nullptr;
        open_.push_back(std::move(part));
        std::push_heap(open_.begin(), open_.end(), [](const Part& a, const Part& b) { return a.excess < b.excess; });
    } else {
        deep_.push_back(std::move(part));
    }
}

Splitter::Part Splitter::take() {
    std::vector<Part>& from = deep_.empty() ? open_ : deep_;
    if (deep_.empty())
        std::pop_heap(open_.begin(), open_.end(), [](const Part& a, const Part& b) { return a.excess < b.excess; });
    Part part = std::move(from.back());
    from.pop_back();
    return part;
}

// How often a part is halved before its pieces are looked at: far from what is enough nothing would be decided by them.
int Splitter::levels(const Part& part, std::span<const double> enough) const {
    double ratio = 0.0;
    for (std::size_t k = 0; k < objectives_.size(); ++k)
        ratio = std::max(ratio, magnitude(part.lower[k], part.upper[k]) / enough[k]);
    return to_the_end_ && ratio > far ? 2 : 1;
}

// False: neighbouring floats everywhere, nothing is left to halve.
bool Splitter::split(Part part, int levels, std::vector<Part>& pieces) const {
    double best = -infinity;
    std::size_t chosen = 0;
    std::size_t block = 0;
    std::size_t element = 0;
    double middle = 0.0;
    for (std::size_t k = 0, j = 0; k < part.box.lo.size(); ++k) {
        for (std::size_t i = 0; i < part.box.lo[k].size(); ++i, ++j) {
            const double m = 0.5 * part.box.lo[k][i] + 0.5 * part.box.hi[k][i];
            if (!(part.split_scores[j] > best && m > part.box.lo[k][i] && m < part.box.hi[k][i])) continue;
            best = part.split_scores[j];
            chosen = j;
            block = k;
            element = i;
            middle = m;
        }
    }
    if (!(best > -infinity)) return false;
    part.split_scores[chosen] *= 0.5;
    Part other = part;
    part.box.hi[block][element] = middle;
    other.box.lo[block][element] = middle;
    for (Part* half : {&part, &other}) {
        Part again = *half;
        if (levels <= 1 || !split(std::move(again), levels - 1, pieces)) pieces.push_back(std::move(*half));
    }
    return true;
}

void Splitter::round(std::int64_t count, std::span<const double> enough) {
    std::vector<Part> children;
    while (!finished() && static_cast<std::int64_t>(children.size()) < 2 * count) {
        Part part = take();
        if (part.split_scores.empty()) {  // the whole box: ask where it should be split
            solve({&part, 1}, enough);
            settle(std::move(part), enough);
            continue;
        }
        // `enough` may have grown meanwhile.
        if (!(excess(part, enough) > 0.0)) {
            settle(std::move(part), enough);
            continue;
        }
        if (part.narrowed) {
            children.push_back(std::move(part));
            continue;
        }
        std::vector<Part> pieces;
        if (!split(part, levels(part, enough), pieces)) {
            close(part.lower, part.upper);
            continue;
        }
        parts_ += static_cast<std::int64_t>(pieces.size()) - 1;
        for (Part& piece : pieces) {
            meet_ends(piece);
            narrow(piece, enough);
            if (excess(piece, enough) > 0.0) {
                children.push_back(std::move(piece));
            } else {
                settle(std::move(piece), enough);
            }
        }
    }
    if (children.empty()) return;
    solve(children, enough);
    for (Part& child : children) settle(std::move(child), enough);
}

std::vector<double> Splitter::lower() const {
    std::vector<double> all = closed_lower_;
    for (const std::vector<Part>* parts : {&open_, &deep_}) {
        for (const Part& p : *parts) {
            for (std::size_t k = 0; k < all.size(); ++k) all[k] = std::min(all[k], p.lower[k]);
        }
    }
    return all;
}

std::vector<double> Splitter::upper() const {
    std::vector<double> all = closed_upper_;
    for (const std::vector<Part>* parts : {&open_, &deep_}) {
        for (const Part& p : *parts) {
            for (std::size_t k = 0; k < all.size(); ++k) all[k] = std::max(all[k], p.upper[k]);
        }
    }
    return all;
}

}  // namespace gonogo::linear
