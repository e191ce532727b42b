// A quantised graph under one of the integer profiles.
#pragma once

#include "gonogo/semantics/integer.hpp"

#include "joint/deployment.hpp"

namespace gonogo::joint {

class IntegerDeployment final : public Deployment {
  public:
    IntegerDeployment(std::shared_ptr<const Graph> graph, Profile profile)
        : program_(std::move(graph), profile),
          members_(profile == Profile::any ? program_.members() : std::vector<IntegerProgram>{}) {}

    const IntegerProgram& program() const { return program_; }
    // Integer ranges of all tensors, of which ranges() gives the real values.
    std::vector<DeviceRange> integer_ranges(std::span<const IntervalTensor> box) const;

    const Graph& graph() const override { return program_.graph(); }
    Rounding rounding(const NodeView& node) const override;
    double quantum(const NodeView& node) const override;
    RealClamp clamp(const NodeView& node) const override;
    Input input(std::size_t k) const override;
    std::vector<IntervalTensor> ranges(std::span<const IntervalTensor> box) const override;
    // Under `any` a witness of each concrete profile that is covered at every node is one.
    int variants() const override { return program_.profile() == Profile::any ? static_cast<int>(members_.size()) : 1; }
    double settle(std::size_t k, double x, double lo, double hi) const override;
    double input_step(std::size_t k) const override;
    std::vector<Enclosure> evaluate(std::span<const std::vector<double>> point, std::span<const TensorId> tensors,
                                    int variant) const override;
    std::vector<std::string> assumptions() const override;

  private:
    Envelope envelope_of(const NodeView& node) const;
    const Tensor& input_tensor(std::size_t k) const { return graph().tensor(graph().inputs[k]); }

    IntegerProgram program_;
    std::vector<IntegerProgram> members_;  // of `any`
};

}  // namespace gonogo::joint
