// Relations of the operators that aren't piecewise linear clamps, alone and as pairs.
#pragma once

#include "linear/relation.hpp"
#include "ops/averaging.hpp"

namespace gonogo::joint {

// y = f(x) for leaky_relu (with its alpha), sigmoid and tanh; and y = f(r + d) - f(r), inputs r, d, hint v = r + d.
linear::RelationPointer function_relation(std::string_view op, double alpha);
linear::RelationPointer function_pair_relation(std::string_view op, double alpha);

// y = a b, and y = (ra + da)(rb + db) - ra rb with inputs ra, da, rb, db.
linear::RelationPointer product_relation();
linear::RelationPointer product_pair_relation();

// Maximum over windows (of blocks: elements are places); the pair has inputs r, d.
linear::GroupPointer maximum_relation(linear::GroupRelation::Reads reads);
linear::GroupPointer maximum_pair_relation(linear::GroupRelation::Reads reads);

// Softmax of consecutive rows of n elements; the pair has inputs r, d.
linear::GroupPointer softmax_relation(std::int64_t rows, std::int64_t n, double beta);
linear::GroupPointer softmax_pair_relation(std::int64_t rows, std::int64_t n, double beta);

}  // namespace gonogo::joint
