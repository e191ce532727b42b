// What an architecture costs on a target, as a function of its hyper-parameters: compiled once, then evaluated at
// points, on many points, and over boxes. The rules are those of CostModel (cost.hpp); at a point the numbers are equal
// to what CostModel gives for the network of that point.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gonogo/engines/cost_target.hpp"
#include "gonogo/ir/graph.hpp"

namespace gonogo {

// A symbol of the graph, or of a condition, and the numbers it can be, ascending.
struct SearchParameter {
    std::string name;
    std::vector<double> values;
};

enum class CostNumber : std::uint8_t {
    valid,             // 1: the configuration is a network, 0: a requirement of the graph is broken
    macs,              // exact
    other_operations,  // exact
    parameter_bytes,   // exact
    flash_around,      // bytes a converter adds around the constants, estimated
    flash_code,        // bytes of kernels and runtime, estimated, before the engine's scale
    ram_activations,   // bytes, exact at points
    ram_live,          // bytes alive at once, exact; a floor of ram_activations
    ram_persistent,    // bytes, estimated
    cycles,            // estimated, before the target's scale; of the nodes whose kernels are timed
    timed,             // 1: all are
};
inline constexpr std::size_t cost_number_count = 11;
std::string_view name_of(CostNumber number);

using CostNumbers = std::array<double, cost_number_count>;
inline double of(const CostNumbers& numbers, CostNumber number) {
    return numbers[static_cast<std::size_t>(number)];
}

struct CostNumberRange {
    CostNumbers lo = {};
    CostNumbers hi = {};
};

// Numbers of the nodes of one configuration.
struct NodeNumbers {
    bool active = false;
    double macs = 0.0, other_operations = 0.0, parameter_bytes = 0.0, cycles = 0.0;
};

namespace costing {
struct ProgramFacts;
}

class CostProgram {
  public:
    // `conditions`: further integers to know at each point, 0 or 1 (whether a parameter exists). Throws ShapeError
    // (a symbol that is no parameter, a divisor that may be zero, integers beyond 2^53), UnsupportedOperatorError.
    CostProgram(const Graph& graph, const CostTarget& target, const std::vector<SearchParameter>& parameters,
                const std::vector<Expr>& conditions = {});

    std::size_t parameters() const;
    std::size_t conditions() const;
    // Parameters that number i depends on, ascending.
    const std::vector<std::size_t>& support(CostNumber number) const;
    // Parameters that decide which nodes there are.
    const std::vector<std::size_t>& structural() const;
    // Why RAM is undecided whatever the configuration; empty if it isn't.
    const std::string& problem() const;
    std::size_t steps() const;  // of the tape
    // The same for programs that compute the same numbers in the same way: for hashes.
    std::string text() const;

    // One value per parameter.
    CostNumbers point(std::span<const double> values) const;
    std::vector<NodeNumbers> nodes(std::span<const double> values) const;
    const std::vector<std::string>& node_names() const;
    // The broken requirement of a configuration that isn't valid.
    std::string broken(std::span<const double> values) const;

    // Row r of parameter p: columns[p][r]. Writes row r of number i to out[i][r] unless out[i] is null; without `plan`
    // ram_activations is ram_live.
    void points(std::int64_t rows, const std::vector<const double*>& columns,
                const std::array<double*, cost_number_count>& out, bool plan) const;

    // Box r: lo[p * rows + r] to hi[p * rows + r]. Ranges that contain the numbers of every point of the box.
    // `conditions`, if not null: per box and condition its least and greatest value, [row][condition][2]. `plans`, if
    // given: whether a box is worth a plan, asked with all but the arena known, of which there are the bytes alive at
    // once and those of all buffers, or less where it is open which nodes there are.
    using Plans = std::function<bool(const CostNumberRange&)>;
    void boxes(std::int64_t rows, const double* lo, const double* hi, CostNumberRange* out, double* conditions,
               const Plans& plans = {}) const;

  private:
    std::shared_ptr<const costing::ProgramFacts> facts_;
};

}  // namespace gonogo
