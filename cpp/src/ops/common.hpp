// What several operator files share: attribute specifications, broadcasting, counts. No arithmetic on bounds here.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "gonogo/ops/record.hpp"

namespace gonogo {

AttributeSpec integer_attribute(std::string_view name, std::int64_t fallback);
AttributeSpec number_attribute(std::string_view name, double fallback);
AttributeSpec integers_attribute(std::string_view name, std::vector<std::int64_t> fallback);
AttributeSpec required(AttributeSpec spec);
AttributeSpec activation_attribute();
AttributeSpec layout_attribute();
AttributeSpec padding_attribute();

// Number of elements of a symbolic shape.
Expr count(const std::vector<Expr>& shape);
// Bytes of the node's constant inputs.
Expr constant_bytes(const NodeView& view);
// Axis in [0, rank); negative axes count from the end. Throws ModelError.
std::size_t checked_axis(const NodeView& view, std::int64_t axis, std::size_t rank);
// numpy broadcasting of two shapes. Throws ShapeError.
SymbolicShape broadcast(const NodeView& view, const std::vector<Expr>& a, const std::vector<Expr>& b);

std::vector<SymbolicShape> shape_of_first_input(const NodeView& view);
// One operation per output element.
Work elementwise_work(const NodeView& view);

// Real values of a constant tensor: float32 as it is, integers dequantised; exact in binary64 for 8- and 16-bit types.
// Throws ModelError when only the shape of the constant is known.
std::vector<double> real_values(const NodeView& view, const Tensor& tensor);

// Strides, in elements, with which an operand of shape `dims` is walked over the broadcast shape `out`.
std::vector<std::int64_t> broadcast_strides(const Shape& dims, const Shape& out);

// Clamp of a fused activation on real values.
struct RealClamp {
    double lo, hi;
};
inline double clamped(double x, RealClamp c) {
    return std::min(std::max(x, c.lo), c.hi);
}
RealClamp activation_clamp(const NodeView& view);

}  // namespace gonogo
