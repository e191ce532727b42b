#include "joint/make_deployment.hpp"

#include "joint/integer_deployment.hpp"
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
};

}  // namespace

std::unique_ptr<const Deployment> make_deployment(std::shared_ptr<const Graph> graph,
                                                  const DeviceArithmetic& arithmetic) {
    return std::visit(Make{std::move(graph)}, arithmetic);
}

}  // namespace gonogo::joint
