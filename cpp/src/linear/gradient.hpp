// Slopes: coefficients that reach chosen blocks, over a box or at a point. They guide searches; nothing is proved with
// them.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/backward.hpp"

namespace gonogo::linear {

// Of one query: a coefficient for every element of each block kept; empty where none arrived.
using Coefficients = std::vector<std::vector<double>>;

// The rows of back substitution (lower_bounds) as they reach the blocks in `kept`, where they end.
std::vector<Coefficients> coefficients(const System& system, BlockId target, std::span<const Query> queries,
                                       std::span<const BlockId> kept);

// How rounding to multiples of a step (Step::quantum) is followed where a clamp comes next. The device's value is flat
// between two boundaries and jumps there. A row that wants it larger is drawn to the next boundary above, the more the
// nearer it is: the slope is `strength` / (1 + distance / `width`), distances in steps. Past the boundary it is nought
// where everything before is exact, for nothing more is to be gained; further on 1, as if there were no rounding.
struct Pull {
    double strength, width;
};

// A system near points, without its noise: states in which each relation's linear bounds are nearly its tangents, so
// that coefficients() gives gradients.
class Tangents {
  public:
    // Only for blocks that the targets depend on; blocks in `zero` are nought.
    Tangents(const System& system, std::span<const BlockId> targets, std::span<const BlockId> zero);

    // One value per element of each input block, and of any block in `zero`. With `pull` rounding is done, and
    // followed.
    BoxState around(std::span<const BlockId> known, std::span<const std::vector<double>> values,
                    const Pull* pull = nullptr) const;
    // There are steps that Pull is about.
    bool rounds() const { return rounds_; }

    // Multiply-accumulates of one state, and of carrying one row back.
    double forward_work() const { return forward_; }
    double backward_work() const { return backward_; }

  private:
    // Rounding of a pair before its clamp, when step `id` is one: the device's value becomes a multiple.
    bool rounded(BlockId id) const;
    void follow(BlockId id, const Pull& pull, const std::vector<double>& exact, StepState& slopes) const;

    const System& s_;
    std::vector<bool> needed_, zero_;
    std::vector<bool> inexact_;  // a rounded block is among those that this one depends on
    bool rounds_ = false;
    double forward_ = 0.0, backward_ = 0.0;
};

}  // namespace gonogo::linear
