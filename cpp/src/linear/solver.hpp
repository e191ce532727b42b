// Bounds on all blocks of a system over boxes: interval propagation, and back substitution of those elements whose
// range decides how sharp a relation's linear bounds are.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gonogo/linear/method.hpp"

#include "linear/backward.hpp"

namespace gonogo::linear {

struct SolverOptions {
    Method method = Method::linear;
    bool forms = false;  // keep the refined elements' coefficients over the inputs
};

class Solver {
  public:
    explicit Solver(const System& system) : s_(system) {}

    // Fills the states: on entry blocks of inputs (and free blocks) hold their ranges; other blocks may hold ranges
    // known from elsewhere, which are kept and sharpened.
    void run(std::span<BoxState> states, const SolverOptions& options) const;

    // Back-substitutes the given elements of a block in every state and intersects.
    void refine(std::span<BoxState> states, BlockId block, std::span<const std::vector<std::int64_t>> elements,
                bool forms = false) const;

    // Interval propagation through one step, then (but for relations) its linear bounds.
    void step(BoxState& state, BlockId block) const;
    // The linear bounds of a relation. `points`: see Relation::relax.
    void relax(BoxState& state, BlockId block, const double* const* points = nullptr) const;

  private:
    void refine_inputs(std::span<BoxState> states, BlockId block, bool forms) const;

    const System& s_;
};

}  // namespace gonogo::linear
