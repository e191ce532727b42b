// Where a box is cut, and what becomes of parameters that don't exist in it.
#include <algorithm>
#include <cmath>

#include "gonogo/engines/space.hpp"

namespace gonogo {

SpaceSearch::SpaceSearch(const SpaceJudge& judge, SpaceShape shape) : judge_(judge), shape_(std::move(shape)) {
    // What a parameter contributes to the spread of a limited quantity: how much is gone when it is held fixed.
    std::vector<double> least;
    std::vector<double> all;
    judge_.least(whole(), least, all);
    weight_.assign(all.size(), std::vector<double>(shape_.sizes.size(), 0.0));
    for (std::size_t p = 0; p < shape_.sizes.size(); ++p) {
        if (shape_.sizes[p] < 2) continue;
        for (const std::int32_t end : {std::int32_t{0}, shape_.sizes[p] - 1}) {
            SpaceBox held = whole();
            held.lo[p] = held.hi[p] = end;
            std::vector<double> rest;
            judge_.least(held, least, rest);
            for (std::size_t i = 0; i < all.size(); ++i) weight_[i][p] += std::max(all[i] - rest[i], 0.0) / 2.0;
        }
    }
}

SpaceBox SpaceSearch::whole() const {
    SpaceBox box;
    box.lo.assign(shape_.sizes.size(), 0);
    for (const std::int32_t n : shape_.sizes) box.hi.push_back(n - 1);
    return box;
}

double SpaceSearch::volume(const SpaceBox& box, const SpaceFinding& finding) const {
    double volume = 1.0;
    for (std::size_t p = 0; p < box.lo.size(); ++p) {
        if (finding.exists[p] != Existence::never) volume *= static_cast<double>(box.hi[p] - box.lo[p] + 1);
    }
    return volume;
}

// A parameter that doesn't exist has its first value, by convention: one configuration, not many.
void SpaceSearch::settle(SpaceBox& box, const SpaceFinding& finding) const {
    for (std::size_t p = 0; p < box.lo.size(); ++p) {
        if (finding.exists[p] == Existence::never) box.lo[p] = box.hi[p] = 0;
    }
}

SpaceFinding SpaceSearch::look(const SpaceBox& box, std::uint64_t masked) const {
    std::vector<SpaceFinding> found;
    judge_.judge({&box, 1}, masked, found);
    return std::move(found.front());
}

// The same within a part of the space whose first values are `least`: false if the box has no configuration there.
bool SpaceSearch::narrow(SpaceBox& box, const SpaceFinding& finding, const std::vector<std::int32_t>& least) const {
    for (std::size_t p = 0; p < box.lo.size(); ++p) {
        if (finding.exists[p] == Existence::never && least[p] > 0) return false;
    }
    settle(box, finding);
    return true;
}

// First what decides which parameters exist, then, of those that matter to an open limit, the one with the greatest
// part in its spread. -1: the box can't be cut where it would help.
int SpaceSearch::choose(const SpaceBox& box, const SpaceFinding& finding) const {
    const auto wide = [&](std::size_t p) { return box.hi[p] > box.lo[p]; };
    for (std::size_t p = 0; p < box.lo.size(); ++p) {
        if (finding.exists[p] != Existence::open) continue;
        for (const std::size_t q : shape_.exists_through[p]) {
            if (wide(q) && finding.exists[q] != Existence::open) return static_cast<int>(q);
        }
    }
    int best = -1;
    double most = -1.0;
    const auto consider = [&](std::size_t p, double weight) {
        if (!wide(p) || finding.exists[p] != Existence::always) return;
        const std::vector<double>& place = shape_.places[p];
        const auto at = [&](std::int32_t i) { return place[static_cast<std::size_t>(i)]; };
        const double share = (at(box.hi[p]) - at(box.lo[p])) / (place.back() - place.front());
        const double score = (weight + 1e-3) * share;
        if (score > most) {
            most = score;
            best = static_cast<int>(p);
        }
    };
    for (std::size_t i = 0; i < shape_.support.size(); ++i) {
        if ((finding.open >> i & 1U) == 0) continue;
        for (const std::size_t p : shape_.support[i]) {
            double weight = weight_[i][p];
            // As long as it is open which layers there are, memory is known badly.
            if (std::binary_search(shape_.structural.begin(), shape_.structural.end(), p)) weight = 2.0 * weight + 0.5;
            consider(p, weight);
        }
    }
    if (best < 0) {
        for (const std::size_t p : shape_.requirements) consider(p, 1.0);
    }
    if (best < 0) {
        for (std::size_t p = 0; p < box.lo.size(); ++p) consider(p, 0.0);
    }
    return best;
}

// In the middle of the parameter's scale.
void SpaceSearch::split(const SpaceBox& box, int parameter, SpaceBox& low, SpaceBox& high) const {
    const auto p = static_cast<std::size_t>(parameter);
    const std::vector<double>& place = shape_.places[p];
    const auto begin = place.begin() + box.lo[p];
    const auto end = place.begin() + box.hi[p];
    const double middle = 0.5 * (*begin + *end);
    auto cut = static_cast<std::int32_t>(std::upper_bound(begin, end, middle) - place.begin()) - 1;
    cut = std::clamp(cut, box.lo[p], box.hi[p] - 1);
    low = high = box;
    low.hi[p] = cut;
    high.lo[p] = cut + 1;
}

}  // namespace gonogo
