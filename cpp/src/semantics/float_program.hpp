// A float graph as a floating-point device computes it: enclosed over a box in every order of evaluation, and evaluated
// at a point in some of these orders.
//
// The device rounds to nearest. Sums of products are formed in the accumulator's format, in any order and with any
// choice of fused multiply-adds, a bias among them; or wholly in binary64 and rounded once. Other operators compute in
// the activations' format, or in the accumulator's; what is stored is rounded into the activations' format.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/semantics/floating_point.hpp"
#include "gonogo/semantics/real.hpp"

#include "ops/affine.hpp"
#include "ops/common.hpp"
#include "semantics/float_errors.hpp"

namespace gonogo {

// Upper bounds on a result, on the sum of its terms' magnitudes, and on any element that the node reads.
struct FloatSizes {
    double magnitude, mass, operands;
};

class FloatProgram {
  public:
    // Throws UnsupportedOperatorError and UnsupportedTypeError for what has no rule, OverflowRiskError for weights
    // beyond their format.
    FloatProgram(std::shared_ptr<const Graph> graph, FloatingPoint format);

    const Graph& graph() const { return *graph_; }
    const FloatingPoint& format() const { return format_; }

    AffineMap map(const NodeView& view) const;  // with the weights and biases as stored
    std::vector<double> constant(const NodeView& view, const Tensor& tensor) const;
    RealClamp clamp(const NodeView& view) const;  // of a fused activation, its limits as stored
    // The error of a node's result before its clamp; empty: none.
    using ErrorOf = std::function<double(const FloatSizes&)>;
    ErrorOf error_of(const NodeView& view) const;
    double input_error(double magnitude) const;

    void run(std::span<const IntervalTensor> box, std::vector<IntervalTensor>& ranges) const;

    // sequential, reversed, pairwise, eight lanes; the first and last with fused multiply-adds; in binary64; sequential
    // with flushing
    enum class Order : std::uint8_t { sequential, reversed, pairwise, lanes, fused, fused_lanes, wide, flushed };
    int orders() const { return format_.may_flush ? 8 : 7; }
    void evaluate(std::span<const std::vector<double>> point, Order order,
                  std::vector<std::vector<double>>& values) const;

  private:
    struct Step {
        RealKernel real;  // empty: left out
        AffineMap map;
        std::vector<IntervalTensor> constants;  // by input; empty: a variable
        ErrorOf error;
        RealClamp clamp{};
    };
    void prepare(const NodeView& view);
    ErrorOf error_of_finite(const NodeView& view) const;

    std::shared_ptr<const Graph> graph_;
    FloatingPoint format_;
    FloatErrors errors_;
    std::vector<Step> steps_;
};

}  // namespace gonogo
