// What is known of a system's variables over one box, and the linear bounds on its steps there.
#pragma once

#include <cstdint>
#include <vector>

#include "linear/forms.hpp"
#include "linear/system.hpp"

namespace gonogo::linear {

// How an element's range was found beyond interval propagation.
enum class Refined : std::uint8_t { no, plainly, with_slopes };

struct BlockState {
    std::vector<double> lo, hi;
    std::vector<double> magnitude;  // max(|lo|, |hi|)
    double sum = 0.0;               // upper bound on the sum of magnitudes
    std::vector<Refined> refined;   // by element; empty: none is
    // Of each element two forms over all inputs (forms.hpp), at most the element, and at most its negative; kept only
    // when asked for. They hold over this box, so over every part of it.
    std::vector<double> forms;

    void settle();  // magnitude and sum from lo and hi; NaN becomes unbounded
};

// Linear bounds on a step's elements, and what their rounding errors are charged to: every product that back
// substitution through the step forms for element i is, times the largest value of its variable, part of mass[i].
struct StepState {
    std::vector<double> below, above;
    std::vector<double> mass;
    std::vector<double> noise;                                               // of an affine step that has any
    std::vector<double> slope_below[most_inputs], slope_above[most_inputs];  // of a group: one per element read
};

// One side of a number inside a variable's range.
struct Phase {
    BlockId block;
    std::int64_t element;
    double limit;
    bool above;  // at least the limit; else at most
};

struct BoxState {
    std::vector<BlockState> blocks;
    std::vector<StepState> steps;
    FlatBox inputs;  // needed where blocks have forms
    // What the state says holds for those assignments over the box that lie on all of these sides.
    std::vector<Phase> phases;
    bool empty = false;  // there are none

    explicit BoxState(const System& system) : blocks(system.blocks.size()), steps(system.steps.size()) {}
    BlockState& block(BlockId b) { return blocks[static_cast<std::size_t>(b)]; }
    const BlockState& block(BlockId b) const { return blocks[static_cast<std::size_t>(b)]; }
    StepState& step(BlockId b) { return steps[static_cast<std::size_t>(b)]; }
    const StepState& step(BlockId b) const { return steps[static_cast<std::size_t>(b)]; }
};

}  // namespace gonogo::linear
