#include "gonogo/engines/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/semantics/box.hpp"
#include "gonogo/semantics/real.hpp"

#include "joint/compile.hpp"
#include "joint/make_deployment.hpp"

namespace gonogo {

namespace {

using namespace joint;

// Sharpens the ranges of the wanted tensors by linear bounds. The deployed network's value is that of the real one plus
// a difference: the pair of the graph with itself.
void sharpen(const Graph& graph, std::span<const IntervalTensor> box, const Deployment* device,
             std::span<const TensorId> wanted, const BoundOptions& options, std::vector<IntervalTensor>& values) {
    const Pairing pairing = match(graph, graph);
    const Program system = compile(graph, graph, pairing, device);
    std::vector<linear::BoxState> state{start(system, box)};
    const auto block_of = [&](TensorId t) {
        const Variables& x = system.tensors[static_cast<std::size_t>(t)];
        return device != nullptr ? x.v : x.r;
    };
    for (std::size_t t = 0; t < values.size(); ++t) {
        const linear::BlockId b = block_of(static_cast<TensorId>(t));
        if (b < 0 || values[t].size() == 0 || system.system.step(b).kind == linear::Step::Kind::input) continue;
        set_ranges(system.tensors[t], b, values[t], state[0]);
    }
    const linear::Solver solver(system.system);
    solver.run(state, {.method = options.method, .multiplies = options.multiplies});
    for (const TensorId t : wanted) {
        const linear::BlockId b = block_of(t);
        if (b < 0) continue;
        std::vector<std::vector<std::int64_t>> all(1);
        for (std::int64_t e = 0; e < system.system.block(b).size(); ++e) all[0].push_back(e);
        double enough = std::numeric_limits<double>::infinity();  // the outputs themselves are always worth it
        solver.refine(state, b, all, enough, false, options.method == Method::optimised ? linear::most_rounds : 0);
        values[static_cast<std::size_t>(t)] =
            ranges_of(system.tensors[static_cast<std::size_t>(t)], b, state[0], graph.tensor(t).dims);
    }
}

}  // namespace

std::vector<BoundResult> bound(std::shared_ptr<const Graph> graph, std::span<const IntervalTensor> box,
                               const BoundOptions& options) {
    check_box(*graph, box);
    std::vector<TensorId> wanted = graph->outputs;
    if (!options.tensor.empty()) wanted = {graph->find(options.tensor)};
    std::unique_ptr<const Deployment> device;
    std::vector<IntervalTensor> settled(box.begin(), box.end());
    std::vector<IntervalTensor> values;
    if (!std::holds_alternative<RealArithmetic>(options.device)) {
        device = make_deployment(graph, options.device);
        settled = device_box(*graph, box, options.device);
        values = device->ranges(settled);
    } else {
        RealProgram(graph).run(box, values);
    }
    if (options.method != Method::interval) sharpen(*graph, settled, device.get(), wanted, options, values);
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
