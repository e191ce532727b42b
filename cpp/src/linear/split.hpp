// Splitting boxes of inputs, best first: the range of every objective over the whole box is that over all parts, and
// narrows as parts get smaller. Anytime: after every round what it says is proved.
#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "linear/solver.hpp"

namespace gonogo::linear {

struct Objective {
    BlockId block;
    std::int64_t element;
};

// Ranges of the inputs, one pair of vectors per input block, in the order of the block.
struct InputBox {
    std::vector<std::vector<double>> lo, hi;
};

class Splitter {
  public:
    // `start` gives a state for a part of the box: inputs filled in, and what is known of other blocks.
    Splitter(const System& system, std::vector<Objective> objectives, std::function<BoxState(const InputBox&)> start);

    // The whole box, and the objectives' ranges over it as known so far.
    void begin(InputBox box, std::vector<double> lower, std::vector<double> upper);
    // Splits the worst parts, about `parts` of them. A part whose objectives' magnitudes are all within `enough` is
    // left alone from then on.
    void round(std::int64_t parts, std::span<const double> enough);
    // No part is left to split.
    bool finished() const { return open_.empty(); }

    // Proved ranges over the whole box.
    std::vector<double> lower() const;
    std::vector<double> upper() const;
    std::int64_t parts() const { return parts_; }
    // Middles of the parts that were split last: good places to look for witnesses.
    const std::vector<InputBox>& recent() const { return recent_; }

  private:
    struct Part {
        InputBox box;
        std::vector<double> lower, upper;
        std::vector<double> split_scores;  // by input element, over all blocks
        double excess;
    };
    void solve(std::vector<Part>& parts) const;
    void score(Part& part, const BoxState& state, const Losses& losses) const;
    double excess(const Part& part, std::span<const double> enough) const;
    void settle(Part part, std::span<const double> enough);

    const System& s_;
    std::vector<Objective> objectives_;
    std::function<BoxState(const InputBox&)> start_;
    std::vector<Part> open_;  // a heap by excess
    std::vector<double> closed_lower_, closed_upper_;
    std::vector<InputBox> recent_;
    std::int64_t parts_ = 0;
};

}  // namespace gonogo::linear
