// A graph with other weights than the reference's, both in real arithmetic.
#pragma once

#include "gonogo/semantics/real.hpp"

#include "joint/deployment.hpp"

namespace gonogo::joint {

class RealDeployment final : public Deployment {
  public:
    explicit RealDeployment(std::shared_ptr<const Graph> graph) : program_(std::move(graph)) {}

    const Graph& graph() const override { return program_.graph(); }
    Rounding rounding(const NodeView&) const override { return {}; }
    RealClamp clamp(const NodeView& node) const override;
    Input input(std::size_t) const override { return {}; }
    std::vector<IntervalTensor> ranges(std::span<const IntervalTensor> box) const override;
    double settle(std::size_t k, double x, double lo, double hi) const override;
    std::vector<Enclosure> evaluate(std::span<const std::vector<double>> point, std::span<const TensorId> tensors,
                                    int variant) const override;
    std::vector<std::string> assumptions() const override;

  private:
    RealProgram program_;
};

}  // namespace gonogo::joint
