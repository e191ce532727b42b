#include "gonogo/engines/bounds.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/semantics/box.hpp"
#include "gonogo/semantics/real.hpp"

#include "semantics/quantizer.hpp"

namespace gonogo {

std::vector<BoundResult> bound(std::shared_ptr<const Graph> graph, std::span<const IntervalTensor> box,
                               std::optional<Profile> profile, const std::string& tensor) {
    check_box(*graph, box);
    std::vector<TensorId> wanted = graph->outputs;
    if (!tensor.empty()) wanted = {graph->find(tensor)};
    std::vector<IntervalTensor> values;
    if (profile) {
        const IntegerProgram program(graph, *profile);
        std::vector<DeviceRange> inputs;
        const std::vector<IntervalTensor> settled = settle_box(*graph, box);
        for (std::size_t k = 0; k < box.size(); ++k)
            inputs.push_back(quantize_box(graph->tensor(graph->inputs[k]), settled[k]));
        std::vector<DeviceRange> ranges;
        program.run(inputs, ranges);
        values.resize(ranges.size());
        for (const TensorId t : wanted) {
            const auto at = static_cast<std::size_t>(t);
            if (!ranges[at].integers.lo.empty() || ranges[at].floats.size() > 0)
                values[at] = real_range(graph->tensor(t), ranges[at]);
        }
    } else {
        RealProgram(graph).run(box, values);
    }
    std::vector<BoundResult> results;
    for (const TensorId t : wanted) {
        IntervalTensor& v = values[static_cast<std::size_t>(t)];
        const Tensor& info = graph->tensor(t);
        if (v.size() == 0) {
            throw UnsupportedOperatorError(
                graph->source + ": tensor '" + info.name +
                "' has no bound: it is a constant, a decision, or comes from an operator without a rule");
        }
        BoundResult r{info.name, info.dims, std::move(v.lo), std::move(v.hi), false};
        for (std::size_t i = 0; i < r.lower.size(); ++i)
            r.unbounded = r.unbounded || !std::isfinite(r.lower[i]) || !std::isfinite(r.upper[i]);
        results.push_back(std::move(r));
    }
    return results;
}

}  // namespace gonogo
