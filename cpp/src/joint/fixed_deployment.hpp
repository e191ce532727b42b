// A float graph in fixed point.
//
// Theorem 52 (docs/soundness.md). What the device computes at a node is phi(z + e): z the node's exact real-valued
// result on what it reads, with the constants of map() and constant(); e in [-below, above], the error of one rounding
// to the output's word; phi the activation's limits, rounded likewise, and the word's ends. It reads phi(gain x + e).
#pragma once

#include "joint/deployment.hpp"
#include "semantics/fixed_program.hpp"

namespace gonogo::joint {

class FixedDeployment final : public Deployment {
  public:
    FixedDeployment(std::shared_ptr<const Graph> graph, FixedPoint format)
        : program_(std::move(graph), std::move(format)) {}

    const Graph& graph() const override { return program_.graph(); }
    // The middle of an affine node's rounding is in its bias: it needn't be as large in either direction.
    AffineMap map(const NodeView& node) const override;
    std::vector<double> constant(const NodeView& node, const Tensor& tensor) const override {
        return program_.constant(node, tensor);
    }
    Rounding rounding(const NodeView& node) const override;
    double quantum(const NodeView& node) const override;
    RealClamp clamp(const NodeView& node) const override { return program_.step(node.id()).clamp; }
    Input input(std::size_t k) const override;
    bool admits(std::size_t k, double lo, double hi) const override;
    std::vector<IntervalTensor> ranges(std::span<const IntervalTensor> box) const override;
    double settle(std::size_t k, double x, double lo, double hi) const override;
    double input_step(std::size_t k) const override;
    std::vector<Enclosure> evaluate(std::span<const std::vector<double>> point, std::span<const TensorId> tensors,
                                    int variant) const override;
    std::vector<std::string> assumptions() const override;

  private:
    struct Split {
        double shift, error;
    };
    Split split(const NodeView& node) const;
    double input_unit() const;

    FixedProgram program_;
};

}  // namespace gonogo::joint
