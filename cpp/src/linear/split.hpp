// Splitting boxes of inputs, best first: the range of every objective over the whole box is that over all parts, and
// narrows as parts get smaller.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "linear/solver.hpp"
#include "linear/splitting.hpp"

namespace gonogo::linear {

struct Objective {
    BlockId block;
    std::int64_t element;
};

// Ranges of the inputs, one pair of vectors per input block, in the order of the block.
struct InputBox {
    std::vector<std::vector<double>> lo, hi;
};

// With more inputs halving one of them changes next to nothing; see phases.hpp. Parts have forms up to that many.
inline constexpr std::int64_t most_inputs_to_halve = 64;

class Splitter final : public Splitting {
  public:
    // `start` gives a state for a part of the box: inputs filled in, and what is known of other blocks; nothing for a
    // part that holds no input.
    using Start = std::function<std::optional<BoxState>(const InputBox&)>;
    Splitter(const System& system, std::vector<Objective> objectives, Start start);

    // The whole box, and the objectives' ranges over it as known so far. `to_the_end`: what counts is when no part is
    // left, so that beyond many open parts a few are split down to their ends first; else the worst come first always.
    void begin(InputBox box, std::vector<double> lower, std::vector<double> upper, bool to_the_end = false);
    void round(std::int64_t parts, std::span<const double> enough) override;
    bool finished() const override { return open_.empty() && deep_.empty(); }
    std::vector<double> lower() const override;
    std::vector<double> upper() const override;
    std::int64_t parts() const override { return parts_; }

  private:
    using Forms = std::vector<std::vector<double>>;  // by block
    struct Part {
        InputBox box;
        std::vector<double> lower, upper;
        std::vector<double> split_scores;      // by input element, over all blocks
        std::vector<double> ends;              // two forms of each objective, as in BlockState
        std::shared_ptr<const Forms> known{};  // of an ancestor's blocks
        double excess = 0.0;
        bool narrowed = false;  // so much that another look is better than a split
        // Ranges of the objectives over what was cut off since the part was split; empty: nothing was.
        std::vector<double> cut_lower{}, cut_upper{};
        bool empty = false;  // holds no input
    };
    void solve(std::span<Part> parts, std::span<const double> enough) const;
    void solve_together(std::span<Part> parts) const;
    void bound_objectives(std::span<Part* const> parts, std::span<BoxState> states, std::span<Losses> losses) const;
    void score(Part& part, const BoxState& state, const Losses& losses) const;
    double narrow(Part& part, std::span<const double> enough) const;
    void meet_ends(Part& part) const;
    double excess(const Part& part, std::span<const double> enough) const;
    void settle(Part part, std::span<const double> enough);
    void close(std::span<const double> lower, std::span<const double> upper);
    Part take();
    int levels(const Part& part, std::span<const double> enough) const;
    bool split(Part part, int levels, std::vector<Part>& pieces) const;

    const System& s_;
    std::vector<Objective> objectives_;
    Start start_;
    std::size_t inputs_;
    std::vector<Part> open_;  // a heap by excess
    std::vector<Part> deep_;  // beyond what `open_` may hold: last in, first out
    std::vector<double> closed_lower_, closed_upper_;
    std::int64_t parts_ = 0;
    bool to_the_end_ = false;
};

}  // namespace gonogo::linear
