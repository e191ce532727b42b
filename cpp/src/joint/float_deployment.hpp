// A float graph in floating point, in every order of evaluation: theorems 36, 37, 53 to 55 of docs/soundness.md.
#pragma once

#include "joint/deployment.hpp"
#include "semantics/float_program.hpp"

namespace gonogo::joint {

class FloatDeployment final : public Deployment {
  public:
    FloatDeployment(std::shared_ptr<const Graph> graph, const FloatingPoint& format)
        : program_(std::move(graph), format) {}

    const Graph& graph() const override { return program_.graph(); }
    AffineMap map(const NodeView& node) const override { return program_.map(node); }
    std::vector<double> constant(const NodeView& node, const Tensor& tensor) const override {
        return program_.constant(node, tensor);
    }
    Rounding rounding(const NodeView& node) const override;
    RealClamp clamp(const NodeView& node) const override { return program_.clamp(node); }
    bool may_overflow() const override { return true; }
    Input input(std::size_t k) const override;
    std::vector<IntervalTensor> ranges(std::span<const IntervalTensor> box) const override;
    int variants() const override { return program_.orders(); }
    double settle(std::size_t k, double x, double lo, double hi) const override;
    std::vector<Enclosure> evaluate(std::span<const std::vector<double>> point, std::span<const TensorId> tensors,
                                    int variant) const override;
    std::vector<std::string> assumptions() const override;

  private:
    FloatProgram program_;
};

}  // namespace gonogo::joint
