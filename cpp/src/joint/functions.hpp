// Relations of the operators that aren't piecewise linear clamps, alone and as pairs.
#pragma once

#include "linear/map.hpp"
#include "linear/relation.hpp"
#include "ops/averaging.hpp"

namespace gonogo::joint {

// y = f(x) for leaky_relu (with its alpha), sigmoid and tanh; and y = f(r + d) - f(r), inputs r, d, hint v = r + d.
linear::RelationPointer function_relation(std::string_view op, double alpha);
linear::RelationPointer function_pair_relation(std::string_view op, double alpha);

// y = a b, and y = (ra + da)(rb + db) - ra rb with inputs ra, da, rb, db.
linear::RelationPointer product_relation();
linear::RelationPointer product_pair_relation();

// Maximum over windows (of blocks: elements are places); the pair has inputs r, d and the hint v = r + d.
linear::GroupPointer maximum_relation(linear::GroupRelation::Reads reads);
linear::GroupPointer maximum_pair_relation(linear::GroupRelation::Reads reads);

// Consecutive rows of n elements, and the places of a row's differences x_i - x_j, i < j.
struct RowsOfSoftmax {
    std::int64_t count = 0, n = 0;

    bool differences() const { return n > 1 && n <= 64; }  // their number grows with the square
    std::int64_t pairs() const { return differences() ? n * (n - 1) / 2 : 0; }
    std::int64_t place(std::int64_t i, std::int64_t j) const { return i * (2 * n - i - 1) / 2 + j - i - 1; }
};

// x_i - x_j, i < j, of every row of a block.
linear::MapPointer row_differences(const linear::Block& from, const RowsOfSoftmax& rows);

// Softmax of rows: input x; the pair has inputs r, d and the hint softmax(r). Where rows have differences() those of
// the last input are the last hint.
linear::GroupPointer softmax_relation(RowsOfSoftmax rows, double beta);
linear::GroupPointer softmax_pair_relation(RowsOfSoftmax rows, double beta);

}  // namespace gonogo::joint
