// From a tape's registers to the memory of a point or a box.
#include <algorithm>
#include <array>
#include <limits>
#include <optional>

#include "engines/cost/program.hpp"

namespace gonogo::costing {

namespace {

// Registers of a block of boxes, and the way from a lower end to its upper one.
constexpr std::int64_t width = numeric::tape_width;
constexpr std::int64_t to_upper = numeric::tape_boxes;

}  // namespace

Reader& reader_of(const ProgramFacts& facts) {
    static thread_local std::optional<Reader> kept;
    static thread_local std::uint64_t whose = 0;
    if (whose != facts.number) {
        kept.emplace(facts);
        whose = facts.number;
    }
    return *kept;
}

void Reader::box_memory(const double* registers, std::int64_t row, CostNumberRange& out,
                        const CostProgram::Plans& plans) {
    const Tape& tape = facts.tape;
    const auto range = [&](std::size_t output) {
        const double* r = registers + tape.output(output) * width + row;
        return TapeRange{r[0], r[to_upper]};
    };
    for (std::size_t b = 0; b < facts.buffers; ++b) {
        const TapeRange r = range(plain + b);
        sizes[b] = std::max(r.lo, 0.0);
        sizes_hi[b] = std::max(r.hi, 0.0);
    }
    known.clear();
    bool open = false;
    for (std::size_t c = 0; c < facts.structure; ++c) {
        known.push_back(range(plain + facts.buffers + c));
        open = open || !known.back().decided();
        conditions[c] = known.back().lo != 0.0 ? 1 : 0;
    }
    if (open) {
        out.lo[at(CostNumber::ram_activations)] = 0.0;
        out.hi[at(CostNumber::ram_activations)] = std::numeric_limits<double>::infinity();
        const bool wanted = !plans || plans(out);
        if (!wanted || !few_structures(registers, row, out)) open_memory(out);
        return;
    }
    const ArenaPlanner::Layout& here = structure();
    if (plans) {
        // What lives at once, and all there is, often decide.
        out.lo[at(CostNumber::ram_live)] = ArenaPlanner::live(here, sizes.data());
        out.hi[at(CostNumber::ram_live)] = ArenaPlanner::live(here, sizes_hi.data());
        double all = 0.0;
        for (const std::int32_t b : here.buffers) all += sizes_hi[at(b)];
        out.lo[at(CostNumber::ram_activations)] = out.lo[at(CostNumber::ram_live)];
        out.hi[at(CostNumber::ram_activations)] = all;
        if (!plans(out)) return;
    }
    // One plan, where the sizes are known: a box of one point is decided as the point is.
    const TapeRange top = sizes == sizes_hi
                              ? plan_of(here)
                              : facts.planner->top(here, sizes.data(), sizes_hi.data(), join(registers, row), work);
    out.lo[at(CostNumber::ram_live)] = ArenaPlanner::live(here, sizes.data());
    out.hi[at(CostNumber::ram_live)] = ArenaPlanner::live(here, sizes_hi.data());
    out.lo[at(CostNumber::ram_activations)] = top.lo;
    out.hi[at(CostNumber::ram_activations)] = top.hi;
}

// Where few values of the parameters that decide on nodes are left: each structure by itself. False: too many.
bool Reader::few_structures(const double* registers, std::int64_t row, CostNumberRange& out) {
    using Values = std::vector<double>::const_iterator;
    std::vector<std::array<Values, 3>> left;  // of each such parameter: first, present, end
    std::size_t count = 1;
    for (const std::size_t p : facts.structural) {
        const double* r = registers + static_cast<std::int64_t>(p) * width + row;
        const std::vector<double>& all = facts.values[p];
        const Values first = std::lower_bound(all.begin(), all.end(), r[0]);
        const Values end = std::upper_bound(first, all.end(), r[to_upper]);
        count *= static_cast<std::size_t>(end - first);
        if (count > most_structures) return false;
        left.push_back({first, first, end});
    }
    const std::vector<std::int32_t>& same = join(registers, row);
    TapeRange arena{std::numeric_limits<double>::infinity(), 0.0};
    TapeRange live = arena;
    point.assign(facts.structures.registers(), 0.0);
    for (bool more = true; more;) {
        for (std::size_t i = 0; i < left.size(); ++i) point[facts.structural[i]] = *left[i][1];
        facts.structures.point(point);
        for (std::size_t c = 0; c < facts.structure; ++c)
            conditions[c] = point[at(facts.structures.output(c))] != 0.0 ? 1 : 0;
        const ArenaPlanner::Layout& here = structure();
        const TapeRange top = facts.planner->top(here, sizes.data(), sizes_hi.data(), same, work);
        arena = {std::min(arena.lo, top.lo), std::max(arena.hi, top.hi)};
        live.lo = std::min(live.lo, ArenaPlanner::live(here, sizes.data()));
        live.hi = std::max(live.hi, ArenaPlanner::live(here, sizes_hi.data()));
        more = false;
        for (std::size_t i = 0; i < left.size() && !more; ++i) {
            more = ++left[i][1] != left[i][2];
            if (!more) left[i][1] = left[i][0];
        }
    }
    out.lo[at(CostNumber::ram_live)] = live.lo;
    out.hi[at(CostNumber::ram_live)] = live.hi;
    out.lo[at(CostNumber::ram_activations)] = arena.lo;
    out.hi[at(CostNumber::ram_activations)] = arena.hi;
    return true;
}

// Which buffers have equal sizes in the box. What is equal has one range: what both allow.
const std::vector<std::int32_t>& Reader::join(const double* registers, std::int64_t row) {
    const ProgramFacts::Equal* most = nullptr;
    for (const ProgramFacts::Equal& e : facts.equal) {
        const double* r = registers + static_cast<std::int64_t>(e.parameter) * width + row;
        const bool holds = r[0] == e.value && r[to_upper] == e.value;
        if (holds && (most == nullptr || most->joined.size() < e.joined.size())) most = &e;
    }
    if (most == nullptr) return facts.same;
    for (const auto& [a, b] : most->joined) {
        sizes[a] = std::max(sizes[a], sizes[b]);
        sizes_hi[a] = std::min(sizes_hi[a], sizes_hi[b]);
    }
    for (std::size_t b = 0; b < facts.buffers; ++b) {
        sizes[b] = sizes[at(most->same[b])];
        sizes_hi[b] = sizes_hi[at(most->same[b])];
    }
    return most->same;
}

// Below: a node that is certainly there has its outputs, its scratch and at least the largest of its inputs alive at
// its step. Above: all buffers there can be.
void Reader::open_memory(CostNumberRange& out) {
    const auto flag = [&](std::int32_t w) {
        return w == -2 ? TapeRange{1.0, 1.0} : (w == -1 ? TapeRange{0.0, 0.0} : known[at(w)]);
    };
    least.assign(facts.schedule.merges.size(), 0.0);
    for (std::size_t b = 0; b < facts.tensors.size(); ++b) least[at(facts.tensors[b])] = sizes[b];
    for (std::size_t t = 0; t < least.size(); ++t) {  // a merge comes after the tensors it merges
        const std::optional<Merge>& merge = facts.schedule.merges[t];
        if (!merge) continue;
        const TapeRange first = flag(facts.yes[t]);
        const double a = least[at(merge->yes)];
        const double b = least[at(merge->no)];
        least[t] = first.lo != 0.0 ? a : (first.hi == 0.0 ? b : std::min(a, b));
    }
    double low = 0.0;
    double high = 0.0;
    for (std::size_t b = 0; b < facts.buffers; ++b) high += sizes_hi[b];
    for (std::size_t i = 0; i < facts.schedule.steps.size(); ++i) {
        if (flag(facts.active[i]).lo == 0.0) continue;
        double input = 0.0;
        double rest = 0.0;
        for (const TensorId t : facts.schedule.steps[i].inputs) {
            if (t != absent) input = std::max(input, least[at(t)]);
        }
        for (const TensorId t : facts.schedule.steps[i].outputs) {
            if (t != absent) rest += least[at(t)];
        }
        for (std::size_t s = 0; s < facts.scratch_nodes.size(); ++s) {
            if (at(facts.scratch_nodes[s]) == i) rest += sizes[facts.tensors.size() + s];
        }
        low = std::max(low, input + rest);
    }
    for (const CostNumber n : {CostNumber::ram_live, CostNumber::ram_activations}) {
        out.lo[at(n)] = low;
        out.hi[at(n)] = high;
    }
}

}  // namespace gonogo::costing
