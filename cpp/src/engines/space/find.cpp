// Single configurations: one that isn't infeasible, and the cheapest.
#include <algorithm>
#include <queue>

#include "gonogo/engines/space.hpp"

namespace gonogo {

Found SpaceSearch::find(const SpaceBox& box, std::int64_t boxes, std::uint64_t masked, int must_exist) const {
    const auto missing = [&](const SpaceFinding& f, Existence when) {
        return must_exist >= 0 && f.exists[static_cast<std::size_t>(must_exist)] == when;
    };
    std::vector<SpaceBox> open = {box};
    std::vector<SpaceFinding> findings;
    for (std::int64_t evaluated = 0; !open.empty();) {
        if (evaluated >= boxes) return {};
        SpaceBox next = std::move(open.back());
        open.pop_back();
        // The box, and its two extreme corners: costs mostly rise with every parameter.
        const SpaceBox all[3] = {next, {next.lo, next.lo}, {next.hi, next.hi}};
        judge_.judge(all, masked, findings);
        evaluated += 3;
        if (findings[0].region == Region::infeasible || missing(findings[0], Existence::never)) continue;
        const std::vector<std::int32_t> least = next.lo;
        if (!narrow(next, findings[0], least)) continue;
        for (std::size_t c = 1; c < 3; ++c) {
            SpaceBox corner = all[c];
            if (missing(findings[c], Existence::never) || !narrow(corner, findings[c], least)) continue;
            // What it costs elsewhere in a parameter that it hasn't got says nothing.
            const bool canonical = corner.hi == all[c].hi;
            const Region region = canonical ? findings[c].region : look(corner, masked).region;
            if (region != Region::infeasible) return {corner.lo, true};
        }
        if (next.is_point()) continue;
        int where = choose(next, findings[0]);
        if (where < 0) {
            for (std::size_t p = 0; p < next.lo.size() && where < 0; ++p) {
                if (next.hi[p] > next.lo[p]) where = static_cast<int>(p);
            }
        }
        SpaceBox low;
        SpaceBox high;
        split(next, where, low, high);
        open.push_back(std::move(high));
        open.push_back(std::move(low));
    }
    return {std::nullopt, true};
}

SpaceSearch::Least SpaceSearch::least(const SpaceBox& box, std::optional<std::size_t> limit, std::int64_t boxes) const {
    struct Waiting {
        double value;
        std::int64_t number;
        SpaceBox box;
        bool operator<(const Waiting& other) const {
            return value != other.value ? value > other.value : number > other.number;
        }
    };
    const std::uint64_t every = ~std::uint64_t{0};
    const std::uint64_t mask = limit ? std::uint64_t{1} << *limit : every;
    const std::uint64_t wanted = limit ? mask : every;
    std::priority_queue<Waiting> open;
    std::vector<double> values;
    std::vector<double> spread;
    const auto value = [&](const SpaceBox& b) {
        judge_.least(b, values, spread);
        if (limit) return values[*limit];
        double factor = 0.0;
        for (std::size_t i = 0; i < values.size(); ++i) {
            if (values[i] > 0.0) factor = std::max(factor, values[i] / shape_.limits[i]);
        }
        return factor;
    };
    Least best;
    std::int64_t number = 0;
    const auto offer = [&](const std::vector<std::int32_t>& at) {
        SpaceBox point{at, at};
        SpaceFinding finding = look(point, mask);
        if (!narrow(point, finding, at)) return;
        if (point.lo != at) finding = look(point, mask);
        if (finding.region == Region::infeasible) return;
        const double here = value(point);
        if (!best.found.point || here < best.value) {
            best.value = here;
            best.found.point = point.lo;
        }
    };
    open.push({value(box), number++, box});
    for (std::int64_t evaluated = 0; !open.empty(); evaluated += 3) {
        if (evaluated >= boxes) return best;
        Waiting next = open.top();
        open.pop();
        if (best.found.point && next.value >= best.value) break;
        const SpaceFinding finding = look(next.box, mask);
        const std::vector<std::int32_t> first = next.box.lo;
        if (finding.region == Region::infeasible || !narrow(next.box, finding, first)) continue;
        offer(next.box.lo);
        if (next.box.is_point()) continue;
        SpaceFinding matters = finding;
        matters.open |= wanted;
        int where = choose(next.box, matters);
        if (where < 0) {
            for (std::size_t p = 0; p < next.box.lo.size() && where < 0; ++p) {
                if (next.box.hi[p] > next.box.lo[p]) where = static_cast<int>(p);
            }
        }
        SpaceBox low;
        SpaceBox high;
        split(next.box, where, low, high);
        for (SpaceBox* part : {&low, &high}) {
            const double v = std::max(value(*part), next.value);
            open.push({v, number++, std::move(*part)});
        }
    }
    best.found.proved = true;
    return best;
}

}  // namespace gonogo
