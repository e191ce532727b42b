#include "gonogo/engines/bounds.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "gonogo/numeric/parallel.hpp"
#include "gonogo/semantics/box.hpp"
#include "gonogo/semantics/real.hpp"

#include "joint/compile.hpp"
#include "joint/make_deployment.hpp"

namespace gonogo {

using namespace joint;

struct BoundProgram::Prepared {
    std::shared_ptr<const Graph> graph;
    BoundOptions options;
    std::vector<TensorId> wanted;
    std::unique_ptr<const Deployment> device;  // null: real arithmetic, that of `real`
    std::optional<RealProgram> real;
    std::optional<Program> system;  // for linear bounds

    linear::BlockId block_of(TensorId t) const {
        const Variables& x = system->tensors[static_cast<std::size_t>(t)];
        return device != nullptr ? x.v : x.r;
    }
    void sharpen(std::span<const IntervalTensor> box, std::vector<IntervalTensor>& values) const;
};

// Sharpens the ranges of the wanted tensors by linear bounds. The deployed network's value is that of the real one plus
// a difference: the pair of the graph with itself.
void BoundProgram::Prepared::sharpen(std::span<const IntervalTensor> box, std::vector<IntervalTensor>& values) const {
    std::vector<linear::BoxState> state{start(*system, box)};
    for (std::size_t t = 0; t < values.size(); ++t) {
        const linear::BlockId b = block_of(static_cast<TensorId>(t));
        if (b < 0 || values[t].size() == 0 || system->system.step(b).kind == linear::Step::Kind::input) continue;
        set_ranges(system->tensors[t], b, values[t], state[0]);
    }
    const linear::Solver solver(system->system);
    linear::SolverOptions how;
    how.method = options.method;
    how.multiplies = options.multiplies;
    how.stop_at_limits = device == nullptr;
    solver.run(state, how);
    for (const TensorId t : wanted) {
        const linear::BlockId b = block_of(t);
        if (b < 0) continue;
        std::vector<std::vector<std::int64_t>> all(1);
        for (std::int64_t e = 0; e < system->system.block(b).size(); ++e) all[0].push_back(e);
        double enough = std::numeric_limits<double>::infinity();  // the outputs themselves are always worth it
        solver.refine(state, b, all, enough, false, options.method == Method::optimised ? linear::most_rounds : 0);
        values[static_cast<std::size_t>(t)] =
            ranges_of(system->tensors[static_cast<std::size_t>(t)], b, state[0], graph->tensor(t).dims);
    }
}

BoundProgram::BoundProgram(std::shared_ptr<const Graph> graph, const BoundOptions& options) {
    auto p = std::make_unique<Prepared>();
    p->options = options;
    p->wanted = graph->outputs;
    if (!options.tensor.empty()) p->wanted = {graph->find(options.tensor)};
    if (std::holds_alternative<RealArithmetic>(options.device)) {
        p->real.emplace(graph);
    } else {
        p->device = make_deployment(graph, options.device);
    }
    if (options.method != Method::interval)
        p->system.emplace(compile(*graph, *graph, match(*graph, *graph), p->device.get()));
    p->graph = std::move(graph);
    prepared_ = std::move(p);
}

BoundProgram::~BoundProgram() = default;

const Graph& BoundProgram::graph() const {
    return *prepared_->graph;
}

std::vector<BoundResult> BoundProgram::run(std::span<const IntervalTensor> box) const {
    const Prepared& p = *prepared_;
    const Graph& graph = *p.graph;
    check_box(graph, box);
    std::vector<IntervalTensor> settled(box.begin(), box.end());
    std::vector<IntervalTensor> values;
    if (p.device) {
        settled = device_box(graph, box, p.options.device);
        values = p.device->ranges(settled);
    } else {
        p.real->run(box, values);
    }
    if (p.system) p.sharpen(settled, values);
    std::vector<BoundResult> results;
    for (const TensorId t : p.wanted) {
        IntervalTensor& v = values[static_cast<std::size_t>(t)];
        const Tensor& info = graph.tensor(t);
        if (v.size() == 0) {
            throw UnsupportedOperatorError(
                graph.source + ": tensor '" + info.name +
                "' has no bound: it is a constant, a decision, or comes from an operator without a rule");
        }
        BoundResult r{info.name, info.dims, std::move(v.lo), std::move(v.hi), false};
        for (std::size_t i = 0; i < r.lower.size(); ++i)
            r.unbounded = r.unbounded || !std::isfinite(r.lower[i]) || !std::isfinite(r.upper[i]);
        results.push_back(std::move(r));
    }
    return results;
}

std::vector<BoundResult> BoundProgram::run_all(std::span<const std::vector<IntervalTensor>> boxes,
                                               std::optional<std::int64_t> first) const {
    const auto count = static_cast<std::int64_t>(boxes.size());
    std::vector<std::vector<BoundResult>> each(boxes.size());
    // Box by box, not rows of many boxes together: how many rows a product has decides the order of its sums, so a
    // number would depend on the boxes beside it. A layer's rows are enough to keep the kernels busy.
    numeric::parallel_for(count, 1, [&](std::int64_t from, std::int64_t to) {
        for (std::int64_t k = from; k < to; ++k) {
            const auto at = static_cast<std::size_t>(k);
            try {
                each[at] = run(boxes[at]);
            } catch (const BoxError& problem) {
                if (!first) throw;
                throw BoxError("box " + std::to_string(*first + k) + ": " + problem.what());
            }
        }
    });
    std::vector<BoundResult> results;
    for (std::size_t t = 0; !each.empty() && t < each[0].size(); ++t) {
        BoundResult& all = results.emplace_back(BoundResult{each[0][t].tensor, {count}, {}, {}, false});
        all.shape.insert(all.shape.end(), each[0][t].shape.begin(), each[0][t].shape.end());
        for (const std::vector<BoundResult>& one : each) {
            all.lower.insert(all.lower.end(), one[t].lower.begin(), one[t].lower.end());
            all.upper.insert(all.upper.end(), one[t].upper.begin(), one[t].upper.end());
            all.unbounded = all.unbounded || one[t].unbounded;
        }
    }
    return results;
}

std::vector<BoundResult> bound(std::shared_ptr<const Graph> graph, std::span<const IntervalTensor> box,
                               const BoundOptions& options) {
    check_box(*graph, box);
    return BoundProgram(std::move(graph), options).run(box);
}

}  // namespace gonogo
