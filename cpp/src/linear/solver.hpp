// Bounds on all blocks of a system over boxes: interval propagation, and back substitution of those elements whose
// range decides how sharp a relation's linear bounds are.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "gonogo/linear/method.hpp"

#include "linear/backward.hpp"

namespace gonogo::linear {

struct SolverOptions {
    Method method = Method::linear;
    bool interval_first = true;  // so that no range is ever wider than interval propagation's, by not a bit
    bool forms = false;          // keep the refined elements' coefficients over the inputs
    // Multiplications to spend on back substitution. What comes after them is bounded by intervals alone: sound, but
    // looser. Results don't depend on the machine's speed.
    double multiplies = std::numeric_limits<double>::infinity();
};

class Solver {
  public:
    explicit Solver(const System& system) : s_(system) {}

    // Fills the states: on entry blocks of inputs (and free blocks) hold their ranges; other blocks may hold ranges
    // known from elsewhere, which are kept and sharpened. False when `multiplies` didn't suffice.
    bool run(std::span<BoxState> states, const SolverOptions& options) const;

    // Back-substitutes the given elements of a block in every state and intersects. `multiplies` is counted down; at
    // zero the elements that are left keep their ranges.
    void refine(std::span<BoxState> states, BlockId block, std::span<const std::vector<std::int64_t>> elements,
                double& multiplies, bool forms = false) const;

    // Interval propagation through one step, then (but for relations) its linear bounds.
    void step(BoxState& state, BlockId block) const;
    // The linear bounds of a relation. `points`: see Relation::relax.
    void relax(BoxState& state, BlockId block, const double* const* points = nullptr) const;

  private:
    void refine_inputs(std::span<BoxState> states, BlockId block, double& multiplies, bool forms) const;

    const System& s_;
};

}  // namespace gonogo::linear
