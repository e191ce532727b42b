// Back substitution: lower bounds on rows of coefficients over a block, through all steps to the inputs.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "linear/state.hpp"

namespace gonogo::linear {

// By step: for each element of a relation how much of the row's bound is lost to the distance between the relation's
// linear bounds. An estimate, for choosing where to split.
using Losses = std::vector<std::vector<double>>;

// One row: sign * element of the target block, over the box whose state is given.
struct Query {
    const BoxState* state;
    std::int64_t element;
    double sign;
    Losses* losses = nullptr;  // added to, if given
    // Receives, by block, the coefficients that reached it; blocks not reached stay as they are.
    Losses* rows = nullptr;
    // One for each phase of the state, not negative: by how much the row is to make use of it. Empty: none.
    std::span<const double> multipliers = {};
    // No bound above this is wanted: the row may end as soon as it is known to be as high.
    double enough = std::numeric_limits<double>::infinity();
};

// Elements of all input blocks together, in the order of the blocks.
std::int64_t input_count(const System& system);

// result[i] <= sign * element for every assignment that the system admits over that box; -inf where nothing is proved.
// All states need linear bounds for the steps of every block before the target. Theorems 40 and 59.
// `forms`, if not empty, receives each row's form over all inputs, queries.size() x (input_count(system) + 1): its
// value is at most sign * element too (Theorem 57). Returns the number of multiplications, which doesn't depend on the
// number of threads.
double lower_bounds(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result,
                    std::span<double> forms = {});

}  // namespace gonogo::linear
