// Theorem 50 (splitting). Let every part's range of an objective enclose its values for all assignments that the system
// admits over the part. The parts cover the box: a part is replaced by two that share the hyperplane between them. So
// the union over all parts, open and left alone, encloses the objective's values over the box.
#include "linear/split.hpp"

#include <algorithm>
#include <cmath>

namespace gonogo::linear {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t most_inputs_with_forms = 64;

std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

double magnitude(double lo, double hi) {
    return std::max(-lo, hi);
}

}  // namespace

Splitter::Splitter(const System& system, std::vector<Objective> objectives,
                   std::function<BoxState(const InputBox&)> start)
    : s_(system),
      objectives_(std::move(objectives)),
      start_(std::move(start)),
      closed_lower_(objectives_.size(), infinity),
      closed_upper_(objectives_.size(), -infinity) {}

void Splitter::begin(InputBox box, std::vector<double> lower, std::vector<double> upper) {
    open_.clear();
    parts_ = 1;
    open_.push_back({std::move(box), std::move(lower), std::move(upper), {}, infinity});
}

double Splitter::excess(const Part& part, std::span<const double> enough) const {
    double most = 0.0;
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        const double m = magnitude(part.lower[k], part.upper[k]);
        if (!(m <= enough[k])) most = std::max(most, std::isfinite(m) ? m - enough[k] : infinity);
    }
    return most;
}

// Bounds on the objectives over each part, met with what its parent had.
void Splitter::solve(std::vector<Part>& parts) const {
    const bool forms = input_count(s_) <= most_inputs_with_forms;
    std::vector<BoxState> states;
    states.reserve(parts.size());
    for (const Part& p : parts) states.push_back(start_(p.box));
    const Solver solver(s_);
    solver.run(states, {.method = Method::linear, .interval_first = false, .forms = forms});
    std::vector<Losses> losses(parts.size(), Losses(s_.blocks.size()));
    for (std::size_t first = 0; first < objectives_.size();) {
        // Objectives of one block together.
        std::size_t last = first;
        while (last < objectives_.size() && objectives_[last].block == objectives_[first].block) ++last;
        std::vector<Query> queries;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            for (std::size_t k = first; k < last; ++k) {
                // Where the bound is lost is asked of the side that decides.
                const bool low = -parts[p].lower[k] > parts[p].upper[k];
                queries.push_back({&states[p], objectives_[k].element, 1.0, nullptr});
                queries.push_back({&states[p], objectives_[k].element, -1.0, nullptr});
                (low ? queries[queries.size() - 2] : queries.back()).losses = &losses[p];
            }
        }
        std::vector<double> bounds(queries.size());
        lower_bounds(s_, objectives_[first].block, queries, bounds);
        std::size_t next = 0;
        for (std::size_t p = 0; p < parts.size(); ++p) {
            const BlockState& b = states[p].block(objectives_[first].block);
            for (std::size_t k = first; k < last; ++k, next += 2) {
                const std::size_t e = at(objectives_[k].element);
                parts[p].lower[k] = std::max({parts[p].lower[k], bounds[next], b.lo[e]});
                parts[p].upper[k] = std::min({parts[p].upper[k], -bounds[next + 1], b.hi[e]});
            }
        }
        first = last;
    }
    for (std::size_t p = 0; p < parts.size(); ++p) score(parts[p], states[p], losses[p]);
}

// How much halving each input should gain: every relation's loss, shared out over the inputs in proportion to what they
// contribute to the range of the relation's first input.
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
            const double* form = x.forms.data() + i * width.size();
            double sum = 0.0;
            for (std::size_t j = 0; j < width.size(); ++j) sum += std::fabs(form[j]) * width[j];
            if (!(sum > 0.0)) continue;
            for (std::size_t j = 0; j < width.size(); ++j)
                part.split_scores[j] += losses[b][i] * std::fabs(form[j]) * width[j] / sum;
        }
    }
    if (*std::max_element(part.split_scores.begin(), part.split_scores.end()) > 0.0) return;
    part.split_scores = width;
}

void Splitter::settle(Part part, std::span<const double> enough) {
    part.excess = excess(part, enough);
    if (part.excess > 0.0) {
        open_.push_back(std::move(part));
        std::push_heap(open_.begin(), open_.end(), [](const Part& a, const Part& b) { return a.excess < b.excess; });
        return;
    }
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        closed_lower_[k] = std::min(closed_lower_[k], part.lower[k]);
        closed_upper_[k] = std::max(closed_upper_[k], part.upper[k]);
    }
}

void Splitter::round(std::int64_t count, std::span<const double> enough) {
    const auto by_excess = [](const Part& a, const Part& b) { return a.excess < b.excess; };
    std::vector<Part> children;
    recent_.clear();
    while (!open_.empty() && static_cast<std::int64_t>(children.size()) < 2 * count) {
        std::pop_heap(open_.begin(), open_.end(), by_excess);
        Part part = std::move(open_.back());
        open_.pop_back();
        if (part.split_scores.empty()) {  // the whole box: ask where it should be split
            std::vector<Part> root;
            root.push_back(std::move(part));
            solve(root);
            part = std::move(root[0]);
        }
        // `enough` may have grown meanwhile.
        if (excess(part, enough) <= 0.0) {
            settle(std::move(part), enough);
            continue;
        }
        std::size_t best = 0;
        std::size_t block = 0;
        std::size_t element = 0;
        for (std::size_t k = 0, j = 0; k < part.box.lo.size(); ++k) {
            for (std::size_t i = 0; i < part.box.lo[k].size(); ++i, ++j) {
                if (j == 0 || part.split_scores[j] > part.split_scores[best]) best = j, block = k, element = i;
            }
        }
        const double lo = part.box.lo[block][element];
        const double hi = part.box.hi[block][element];
        const double middle = 0.5 * lo + 0.5 * hi;
        if (!(middle > lo && middle < hi)) {  // neighbouring floats: nothing left to halve
            for (std::size_t k = 0; k < objectives_.size(); ++k) {
                closed_lower_[k] = std::min(closed_lower_[k], part.lower[k]);
                closed_upper_[k] = std::max(closed_upper_[k], part.upper[k]);
            }
            continue;
        }
        recent_.push_back(part.box);
        Part left = part;
        Part right = std::move(part);
        left.box.hi[block][element] = middle;
        right.box.lo[block][element] = middle;
        children.push_back(std::move(left));
        children.push_back(std::move(right));
        ++parts_;
    }
    if (children.empty()) return;
    solve(children);
    for (Part& child : children) settle(std::move(child), enough);
}

std::vector<double> Splitter::lower() const {
    std::vector<double> all = closed_lower_;
    for (const Part& p : open_) {
        for (std::size_t k = 0; k < all.size(); ++k) all[k] = std::min(all[k], p.lower[k]);
    }
    return all;
}

std::vector<double> Splitter::upper() const {
    std::vector<double> all = closed_upper_;
    for (const Part& p : open_) {
        for (std::size_t k = 0; k < all.size(); ++k) all[k] = std::max(all[k], p.upper[k]);
    }
    return all;
}

}  // namespace gonogo::linear
