// Fixed-point arithmetic on a device: which words hold what, and how numbers get into them. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace gonogo {

// An integer n of `bits` bits that stands for n 2^-fraction_bits.
struct FixedWord {
    int bits = 16;
    int fraction_bits = 8;
    bool is_signed = true;
    friend bool operator==(const FixedWord&, const FixedWord&) = default;
};

// To the nearest integer, ties upward, away from zero or to the even one; or downward always.
enum class FixedRounding : std::uint8_t { half_up, half_away, half_even, floor };

// What one node has of its own; empty: what the network has.
struct FixedLayer {
    std::optional<FixedWord> weights, bias, output;
    bool exact_output = false;  // the sum itself leaves the node: nothing is rounded or cut
    std::optional<int> shift;   // multiplies by 2^-shift, exactly, where the model multiplies by a constant
};

struct FixedPoint {
    FixedWord input, weights, bias, activations;
    double input_gain = 1.0;   // the device reads gain x
    bool input_exact = false;  // gain x is a number of the input word already; other inputs don't occur
    FixedRounding rounding = FixedRounding::half_up;
    FixedRounding constant_rounding = FixedRounding::half_away;
    bool wrap = false;  // numbers beyond a word wrap around instead of saturating: it must be proved that none does
    std::map<std::string, FixedLayer> layers;  // by node
};

}  // namespace gonogo
