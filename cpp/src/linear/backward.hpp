// Back substitution: lower bounds on rows of coefficients over a block, through all steps to the inputs.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/state.hpp"

namespace gonogo::linear {

// One row: sign * element of the target block, over the box whose state is given.
struct Query {
    const BoxState* state;
    std::int64_t element;
    double sign;
};

// result[i] <= sign * element for every assignment that the system admits over that box; -inf where nothing is proved.
// All states need linear bounds for the steps of every block before the target. Theorem 40.
void lower_bounds(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result);

}  // namespace gonogo::linear
