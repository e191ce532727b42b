// A straight line of simple operations on binary64 registers, run for one point, for many points, or for many boxes.
//
// Theorem 84 (docs/soundness.md). Every operation rounds to nearest and is monotone in each operand on the ranges that
// its step was checked for; so a box's result contains the result, computed by the same steps, of every point in it.
// Integers stay exact below 2^53: sums, products, and quotients rounded down or up. Memory and the choice of the next
// operation take longer than arithmetic, so a sum of many terms is one operation.
#pragma once

#include <cstdint>

namespace gonogo::numeric {

enum class TapeOp : std::uint8_t {
    add,
    sub,
    mul,
    floor_div,  // the divisor is positive
    ceil_div,
    max,
    min,
    less,    // 1 or 0
    equal,   // 1 or 0
    select,  // a is a condition, 1 or 0: b where it is 1, c where it is 0
    term,    // of a sum: a * b; only for products that are never below zero
    // with a number k for the second operand
    add_k,
    mul_k,
    floor_div_k,
    ceil_div_k,
    floor_mul_k,  // floor(a * k), k a power of two: the same as floor_div_k by its reciprocal, without a division
    ceil_mul_k,
    max_k,
    min_k,
    less_k,
    equal_k,
    sum,     // k + term + term + ..., rounded after each; its terms are the steps that follow
    term_k,  // of a sum: a * k
};

// Which operands an operation reads, after the first.
inline bool reads_second(TapeOp op) {
    return op < TapeOp::add_k;
}
inline bool reads_third(TapeOp op) {
    return op == TapeOp::select;
}

struct TapeStep {
    TapeOp op = TapeOp::add;
    bool not_negative = false;  // neither operand is ever below zero (mul, mul_k and the divisions)
    std::int16_t terms = 0;     // of a sum
    std::int32_t out = 0, a = 0, b = 0, c = 0;
    double k = 0.0;
};

// Points, or boxes, side by side that one call of a kernel takes. A box has two ends: registers are of one size, such
// that those of a long line stay in the first cache.
inline constexpr std::int64_t tape_width = 64;
inline constexpr std::int64_t tape_boxes = tape_width / 2;

// Registers of a point: one number each.
void run_tape_point(const TapeStep* steps, std::int64_t count, double* registers);
// Registers of a block of points: tape_width numbers each, in step with the instruction set in use.
void run_tape_points(const TapeStep* steps, std::int64_t count, double* registers);
// Registers of a block of boxes: tape_boxes lower ends, then as many upper ends.
void run_tape_boxes(const TapeStep* steps, std::int64_t count, double* registers);

}  // namespace gonogo::numeric
