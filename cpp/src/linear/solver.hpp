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

inline constexpr int most_rounds = 40;  // of choosing slopes, for what is asked for rather than on the way

struct SolverOptions {
    Method method = Method::linear;
    bool interval_first = true;  // so that no range is ever wider than interval propagation's, by not a bit
    bool forms = false;          // keep the refined elements' coefficients over the inputs
    // Multiplications to spend on back substitution. What comes after them is bounded by intervals alone: sound, but
    // looser. Results don't depend on the machine's speed.
    double multiplies = std::numeric_limits<double>::infinity();
    // A clamp's input is bounded no further once it is known to lie on one side of the limit. That loses nothing in one
    // network; a pair's difference may want to know more.
    bool stop_at_limits = false;
    int rounds = 12;  // attempts at better slopes for each bound, where the method is `optimised`
};

class Solver {
  public:
    explicit Solver(const System& system) : s_(system) {}

    // Fills the states: on entry blocks of inputs (and free blocks) hold their ranges; other blocks may hold ranges
    // known from elsewhere, which are kept and sharpened. False when `multiplies` didn't suffice.
    bool run(std::span<BoxState> states, const SolverOptions& options) const;

    // One pass over the blocks from `from` on, which leaves alone what `options.method` has refined already. Counts
    // `multiplies` down, and returns the block at which they ran out, to go on from later, or the number of blocks.
    // What comes after that block has not changed: see propagate().
    BlockId pass(std::span<BoxState> states, const SolverOptions& options, double& multiplies, BlockId from) const;

    // Interval propagation and linear bounds of the blocks from `from` on.
    void propagate(std::span<BoxState> states, BlockId from) const;

    // Back-substitutes the given elements of a block in every state and intersects. `multiplies` is counted down; at
    // zero the elements that are left keep their ranges. `rounds`: of choosing slopes for each bound, see sharpen().
    // Returns how many elements it got to, in their order, state by state.
    std::size_t refine(std::span<BoxState> states, BlockId block, std::span<const std::vector<std::int64_t>> elements,
                       double& multiplies, bool forms = false, int rounds = 0) const;

    // Interval propagation through one step, then (but for relations) its linear bounds.
    void step(BoxState& state, BlockId block) const;
    // The linear bounds of a relation. `points`: see Relation::relax.
    void relax(BoxState& state, BlockId block, const double* const* points = nullptr) const;

  private:
    void meet_forms(BoxState& state, BlockId block) const;
    void cut(BoxState& state, BlockId block) const;
    std::vector<double> bounds(BlockId block, std::span<const Query> queries, double& multiplies) const;
    void decide(std::span<BoxState> states, BlockId id, double& multiplies) const;
    void refine_inputs(std::span<BoxState> states, BlockId block, double& multiplies,
                       const SolverOptions& options) const;
    void propagate_one(std::span<BoxState> states, BlockId block, Method method) const;
    const System& s_;
};

}  // namespace gonogo::linear
