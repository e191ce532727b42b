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

// A system near points, without its noise: states in which each relation's linear bounds are nearly its tangents, so
// that coefficients() gives gradients.
class Tangents {
  public:
    // Only for blocks that the targets depend on; blocks in `zero` are nought.
    Tangents(const System& system, std::span<const BlockId> targets, std::span<const BlockId> zero);

    // One value per element of each input block.
    BoxState around(std::span<const BlockId> inputs, std::span<const std::vector<double>> point) const;

    // Multiply-accumulates of one state, and of carrying one row back.
    double forward_work() const { return forward_; }
    double backward_work() const { return backward_; }

  private:
    const System& s_;
    std::vector<bool> needed_, zero_;
    double forward_ = 0.0, backward_ = 0.0;
};

}  // namespace gonogo::linear
