// Slopes for one row at a time: any slopes are sound, so each row may have those that serve it best.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "linear/backward.hpp"

namespace gonogo::linear {

// Raises result[i], lower bounds on the queries' rows (see lower_bounds), by choosing every relation's linear bounds
// for the row at hand, in at most `rounds` attempts. Returns the number of multiplications.
double sharpen(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result,
               int rounds);

// Values of all variables, by block.
using Points = std::vector<std::vector<double>>;

// Where a relation's linear bounds cost a row most, and a number there at which the relation bends.
struct Bend {
    BlockId block;
    std::int64_t element;
    double limit;
};

// One row over a state with phases: what the last attempt left, and the next one may start from.
struct Attempt {
    std::vector<double> multipliers;  // one per phase; on entry where to start, on return those of the best bound
    std::shared_ptr<const Points> points;
    std::optional<Bend> bend;  // set on return
};

// A lower bound on the row, at least `least`; no more than `wanted` is tried for. The relations' linear bounds in
// `state` are replaced by better ones. The multiplications are added to `multiplies`.
double sharpen(const System& system, BlockId target, const Query& query, BoxState& state, double least, double wanted,
               int rounds, Attempt& attempt, double& multiplies);

}  // namespace gonogo::linear
