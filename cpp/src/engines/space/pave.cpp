#include <algorithm>
#include <chrono>
#include <queue>

#include "gonogo/engines/space.hpp"

namespace gonogo {

namespace {

using Clock = std::chrono::steady_clock;

// Boxes cut at a time: enough to fill a block of the cost tape.
constexpr std::size_t batch = 32;

struct Waiting {
    double volume;
    std::int64_t number;  // order of discovery, so that ties are decided alike every time
    SpaceBox box;
    SpaceFinding finding;
};

struct Smaller {
    bool operator()(const Waiting& a, const Waiting& b) const {
        return a.volume != b.volume ? a.volume < b.volume : a.number > b.number;
    }
};

}  // namespace

Paving SpaceSearch::pave(const SpaceBudget& budget) const {
    const Clock::time_point start = Clock::now();
    Paving paving;
    std::priority_queue<Waiting, std::vector<Waiting>, Smaller> open;
    std::int64_t number = 0;
    double total = 0.0;
    double decided = 0.0;
    const auto sort_in = [&](SpaceBox box, SpaceFinding finding) {
        settle(box, finding);
        const double volume = this->volume(box, finding);
        const bool counted =
            std::find(finding.exists.begin(), finding.exists.end(), Existence::open) == finding.exists.end();
        // A box is only counted once it is known which parameters it has.
        if ((finding.region == Region::undecided || !counted) && choose(box, finding) >= 0) {
            open.push({volume, number++, std::move(box), std::move(finding)});
            return;
        }
        if (finding.region != Region::undecided) decided += volume;
        paving.boxes.push_back({std::move(box), std::move(finding), volume});
    };
    {
        SpaceFinding first = look(whole(), 0);
        total = volume(whole(), first);
        sort_in(whole(), std::move(first));
    }
    std::vector<SpaceBox> parts;
    std::vector<SpaceFinding> findings;
    while (!open.empty()) {
        const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
        if (paving.evaluated >= budget.boxes || elapsed >= budget.seconds) break;
        if (budget.watch && !budget.watch(paving.evaluated, total > 0.0 ? std::min(decided / total, 1.0) : 1.0)) break;
        parts.clear();
        for (std::size_t i = 0; i < batch && !open.empty(); ++i) {
            const Waiting& next = open.top();
            SpaceBox low;
            SpaceBox high;
            split(next.box, choose(next.box, next.finding), low, high);
            parts.push_back(std::move(low));
            parts.push_back(std::move(high));
            open.pop();
        }
        judge_.judge(parts, 0, findings);
        paving.evaluated += static_cast<std::int64_t>(parts.size());
        for (std::size_t i = 0; i < parts.size(); ++i) sort_in(std::move(parts[i]), std::move(findings[i]));
    }
    for (; !open.empty(); open.pop()) {
        Waiting rest = open.top();
        paving.boxes.push_back({std::move(rest.box), std::move(rest.finding), rest.volume});
    }
    return paving;
}

}  // namespace gonogo
