// What an expression is made of, for those that walk it.
#pragma once

#include <cstdint>
#include <string>

#include "gonogo/ir/expr.hpp"

namespace gonogo {

enum class ExprKind : std::uint8_t { symbol, add, sub, mul, floor_div, ceil_div, max, min, less, equal, select };

struct Expr::Node {
    ExprKind kind = ExprKind::symbol;
    std::string name;  // of a symbol
    Expr a, b, c;      // c: of `select` only, whose condition is a
};

}  // namespace gonogo
