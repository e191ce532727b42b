#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "gonogo/ir/expr.hpp"

namespace gonogo {

// Lists of expressions are lists of integers in an architecture whose sizes are hyper-parameters.
using Attribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<Expr>>;
using Attributes = std::map<std::string, Attribute, std::less<>>;

}  // namespace gonogo
