// Linear forms over all inputs, a . x + c: what back substitution ends with, kept for smaller boxes.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace gonogo::linear {

// All input blocks one after the other.
struct FlatBox {
    std::vector<double> lo, hi, magnitude;
    double sum = 0.0;  // upper bound on the sum of magnitudes

    void add(std::span<const double> lower, std::span<const double> upper);
};

// A form has one coefficient for every input, then c; c = -inf says nothing.

// A lower bound on the form's least value over the box (Theorem 57).
double least(std::span<const double> form, const FlatBox& box);

// Narrows [lo, hi] to what holds all its points at which the form may be below `limit`; false if there are none.
bool cut(std::span<const double> form, double limit, std::span<double> lo, std::span<double> hi);

}  // namespace gonogo::linear
