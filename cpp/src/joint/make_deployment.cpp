#include "joint/make_deployment.hpp"

#include "gonogo/semantics/box.hpp"

#include "joint/fixed_deployment.hpp"
#include "joint/float_deployment.hpp"
#include "joint/integer_deployment.hpp"
#include "joint/mixed_deployment.hpp"
#include "joint/real_deployment.hpp"

namespace gonogo::joint {

namespace {

struct Make {
    std::shared_ptr<const Graph> graph;

    std::unique_ptr<const Deployment> operator()(Profile profile) const {
        return std::make_unique<const IntegerDeployment>(graph, profile);
    }
    std::unique_ptr<const Deployment> operator()(RealArithmetic) const {
        return std::make_unique<const RealDeployment>(graph);
    }
    std::unique_ptr<const Deployment> operator()(const FixedPoint& format) const {
        return std::make_unique<const FixedDeployment>(graph, format);
    }
    std::unique_ptr<const Deployment> operator()(const FloatingPoint& format) const {
        return std::make_unique<const FloatDeployment>(graph, format);
    }
    std::unique_ptr<const Deployment> operator()(const MixedIntegers& format) const {
        return std::make_unique<const MixedDeployment>(graph, format);
    }
};

}  // namespace

std::unique_ptr<const Deployment> make_deployment(std::shared_ptr<const Graph> graph,
                                                  const DeviceArithmetic& arithmetic) {
    return std::visit(Make{std::move(graph)}, arithmetic);
}

std::vector<IntervalTensor> device_box(const Graph& graph, std::span<const IntervalTensor> box,
                                       const DeviceArithmetic& arithmetic) {
    // Nobody rounds the inputs to float32 there, and a witness must lie in the box that was asked about.
    const bool exact =
        std::holds_alternative<RealArithmetic>(arithmetic) || std::holds_alternative<FixedPoint>(arithmetic);
    if (exact) return {box.begin(), box.end()};
    return settle_box(graph, box);
}

}  // namespace gonogo::joint
