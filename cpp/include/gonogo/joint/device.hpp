// What arithmetic a deployed graph runs in.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>

#include "gonogo/ops/int8.hpp"
#include "gonogo/semantics/fixed_point.hpp"
#include "gonogo/semantics/floating_point.hpp"

namespace gonogo {

// The graph's own weights in real arithmetic: an updated, pruned or otherwise changed model, whose rounding is none of
// the question's business.
struct RealArithmetic {};

// What a node's result is kept in where its profile would give 8 bits: a real number, or a 16-bit integer.
enum class Kept : std::uint8_t { real, int16 };

// An integer profile in which some nodes, by name, keep a finer result; "input": the quantiser in front of the network.
struct MixedIntegers {
    Profile profile = Profile::tflm;
    std::map<std::string, Kept> keep;
};

using DeviceArithmetic = std::variant<Profile, RealArithmetic, FixedPoint, FloatingPoint, MixedIntegers>;

}  // namespace gonogo
