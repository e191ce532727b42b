// The bounds of a whole box, brought piece by piece to where they would be without a limit of multiplications: first
// all plain ones, then those with slopes of their own.
#pragma once

#include <span>
#include <vector>

#include "linear/solver.hpp"
#include "linear/split.hpp"

namespace gonogo::linear {

class Sharpening {
  public:
    // `state`: of one box, as `run` left it, which must outlive this. `reached`: the method for which that run had
    // multiplications enough; `wanted`: the last one to get to.
    Sharpening(const System& system, std::span<BoxState> state, std::span<const Objective> objectives, Method reached,
               Method wanted);

    // About so many multiplications more, which sharpen the state up to some block. Returns how many it took.
    double more(double multiplies);
    // What has been found since, in all further blocks and in the objectives' ranges.
    void settle();
    // What `more` is at work on, and whether anything is left for it.
    Method stage() const { return stage_; }
    bool finished() const { return finished_; }
    // There is nothing to settle.
    bool settled() const { return settled_; }

  private:
    const System& s_;
    std::span<BoxState> state_;
    std::vector<std::vector<std::int64_t>> elements_;  // of the objectives, by block
    Method stage_, wanted_;
    BlockId next_ = 0;
    bool finished_, settled_ = true;
};

}  // namespace gonogo::linear
