// Slopes for one row at a time: any slopes are sound, so each row may have those that serve it best.
#pragma once

#include <cstdint>
#include <span>

#include "linear/backward.hpp"

namespace gonogo::linear {

// Raises result[i], lower bounds on the queries' rows (see lower_bounds), by choosing every relation's linear bounds
// for the row at hand, in at most `rounds` attempts. Returns the number of multiplications.
double sharpen(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result,
               int rounds);

}  // namespace gonogo::linear
