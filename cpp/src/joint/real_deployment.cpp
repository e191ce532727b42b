#include "joint/real_deployment.hpp"

#include <algorithm>

#include "joint/match.hpp"

namespace gonogo::joint {

RealClamp RealDeployment::clamp(const NodeView& node) const {
    return is_clamp(node.op().name) ? no_clamp : clamp_of(node);
}

std::vector<IntervalTensor> RealDeployment::ranges(std::span<const IntervalTensor> box) const {
    std::vector<IntervalTensor> values;
    program_.run(box, values);
    return values;
}

double RealDeployment::settle(std::size_t, double x, double lo, double hi) const {
    return std::min(std::max(x, lo), hi);
}

std::vector<Enclosure> RealDeployment::evaluate(std::span<const std::vector<double>> point,
                                                std::span<const TensorId> tensors, int) const {
    std::vector<IntervalTensor> inputs;
    for (std::size_t k = 0; k < point.size(); ++k) {
        IntervalTensor x(graph().tensor(graph().inputs[k]).dims);
        x.lo = x.hi = point[k];
        inputs.push_back(std::move(x));
    }
    std::vector<IntervalTensor> values;
    program_.run(inputs, values);
    std::vector<Enclosure> out;
    for (const TensorId t : tensors)
        out.push_back({values[static_cast<std::size_t>(t)].lo, values[static_cast<std::size_t>(t)].hi});
    return out;
}

std::vector<std::string> RealDeployment::assumptions() const {
    return {"both networks are compared in real arithmetic: what either one's own arithmetic rounds comes on top"};
}

}  // namespace gonogo::joint
