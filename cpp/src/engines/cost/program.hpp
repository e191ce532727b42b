// A compiled architecture, and what one thread needs to read numbers off its tape.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gonogo/engines/cost_program.hpp"
#include "gonogo/ir/tape.hpp"

#include "engines/cost/model.hpp"
#include "engines/cost/planner.hpp"

namespace gonogo::costing {

inline constexpr std::size_t plain = cost_number_count;

inline std::size_t at(CostNumber n) {
    return static_cast<std::size_t>(n);
}

template <class T>
std::size_t at(T i) {
    return static_cast<std::size_t>(i);
}

// Outputs of the tape after the plain numbers: bytes per buffer, then conditions of the structure, then those asked
// for.
struct ProgramFacts {
    Tape tape;
    Tape counts;      // the plain numbers alone
    Tape structures;  // the structure's conditions alone
    Tape node_tape;   // numbers by node, for one point at a time
    std::vector<std::string> node_names;
    std::size_t parameters = 0;
    std::size_t buffers = 0, structure = 0, asked = 0;
    std::unique_ptr<const ArenaPlanner> planner;
    // By buffer, the first whose size is equal at every point; then the same where one parameter has one of its few
    // values.
    std::vector<std::int32_t> same;
    struct Equal {
        std::size_t parameter;
        double value;
        std::vector<std::int32_t> same;
        std::vector<std::pair<std::size_t, std::size_t>> joined;  // buffers that aren't always equal
    };
    std::vector<Equal> equal;
    std::vector<std::vector<double>> values;  // by parameter
    std::vector<Expr> buffer_sizes;
    // Where a node's or a merge's condition stands among the structure's: -1 never, -2 always.
    std::vector<std::int32_t> active, yes;
    std::vector<std::vector<std::size_t>> support;
    std::vector<std::size_t> structural;
    std::vector<Requirement> requirements;
    std::vector<TapeVariable> variables;
    std::string problem;
    std::uint64_t number = 0;  // no other program's
    Schedule schedule;
    std::vector<TensorId> tensors;            // of the buffers that are activations
    std::vector<std::int32_t> scratch_nodes;  // of the others
};

// What one thread needs to turn a tape's outputs into numbers.
struct Reader {
    const ProgramFacts& facts;  // read only while a caller holds the program
    std::vector<double> sizes, sizes_hi;
    std::vector<char> active, yes, conditions, last;
    static constexpr std::size_t most_structures = 4;
    std::vector<double> point;     // registers of a structure's conditions
    std::vector<TapeRange> known;  // conditions of the structure over a box
    std::vector<double> least;     // by tensor
    const ArenaPlanner::Layout* layout = nullptr;
    std::map<std::vector<char>, const ArenaPlanner::Layout*> layouts;  // by conditions, of the planner's
    ArenaPlanner::Work work;

    explicit Reader(const ProgramFacts& f) : facts(f), sizes(f.buffers), sizes_hi(f.buffers), conditions(f.structure) {}

    // The layout for the structure's conditions; mostly that of the point before. The planner is shared by threads.
    const ArenaPlanner::Layout& structure() {
        if (layout != nullptr && conditions == last) return *layout;
        last = conditions;
        if (const auto found = layouts.find(conditions); found != layouts.end()) return *(layout = found->second);
        const auto decide = [&](const std::vector<std::int32_t>& where, std::vector<char>& flags) {
            flags.clear();
            for (const std::int32_t w : where) flags.push_back(w == -2 || (w >= 0 && conditions[at(w)] != 0) ? 1 : 0);
        };
        decide(facts.active, active);
        decide(facts.yes, yes);
        layout = &facts.planner->layout(active, yes);
        layouts.emplace(conditions, layout);
        return *layout;
    }

    void memory(const double* registers, std::int64_t stride, std::int64_t row, CostNumbers& numbers, bool plan) {
        const Tape& tape = facts.tape;
        for (std::size_t b = 0; b < facts.buffers; ++b) {
            // Below zero only where the configuration is no network; boxes count such sizes as nothing, too.
            sizes[b] = std::max(registers[tape.output(plain + b) * stride + row], 0.0);
        }
        for (std::size_t c = 0; c < facts.structure; ++c)
            conditions[c] = registers[tape.output(plain + facts.buffers + c) * stride + row] != 0.0 ? 1 : 0;
        const ArenaPlanner::Layout& here = structure();
        const double live = ArenaPlanner::live(here, sizes.data());
        numbers[at(CostNumber::ram_live)] = live;
        numbers[at(CostNumber::ram_activations)] = plan ? facts.planner->top(here, sizes.data(), work) : live;
    }

    TapeRange plan_of(const ArenaPlanner::Layout& here) {
        const double top = facts.planner->top(here, sizes.data(), work);
        return {top, top};
    }
    void box_memory(const double* registers, std::int64_t row, CostNumberRange& out, const CostProgram::Plans& plans);
    const std::vector<std::int32_t>& join(const double* registers, std::int64_t row);
    // Where it is open which nodes there are.
    bool few_structures(const double* registers, std::int64_t row, CostNumberRange& out);
    void open_memory(CostNumberRange& out);
};

// This thread's reader of a program: points come one by one, and what it knows of the structure is worth keeping.
Reader& reader_of(const ProgramFacts& facts);

}  // namespace gonogo::costing
