// A quantised graph under one of the integer profiles.
#pragma once

#include "gonogo/semantics/integer.hpp"

#include "joint/deployment.hpp"

namespace gonogo::joint {

class IntegerDeployment final : public Deployment {
  public:
    explicit IntegerDeployment(const IntegerProgram& program) : program_(program) {}

    const Graph& graph() const override { return program_.graph(); }
    Rounding rounding(const NodeView& node) const override;
    RealClamp clamp(const NodeView& node) const override;
    Input input(std::size_t k) const override;

  private:
    const IntegerProgram& program_;
};

}  // namespace gonogo::joint
