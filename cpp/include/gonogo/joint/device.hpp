// What arithmetic a deployed graph runs in.
#pragma once

#include <variant>

#include "gonogo/ops/int8.hpp"
#include "gonogo/semantics/fixed_point.hpp"
#include "gonogo/semantics/floating_point.hpp"

namespace gonogo {

// The graph's own weights in real arithmetic: an updated, pruned or otherwise changed model, whose rounding is none of
// the question's business.
struct RealArithmetic {};

using DeviceArithmetic = std::variant<Profile, RealArithmetic, FixedPoint, FloatingPoint>;

}  // namespace gonogo
