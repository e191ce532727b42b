#include "engines/error/guide.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/parallel.hpp"

namespace gonogo::joint {

namespace {

std::vector<linear::BlockId> difference_blocks(const Program& program, std::span<const Target> targets) {
    std::vector<linear::BlockId> blocks;
    for (const Target& t : targets) blocks.push_back(program.tensors[static_cast<std::size_t>(t.deployed)].d);
    return blocks;
}

std::vector<linear::BlockId> present(std::span<const linear::BlockId> blocks) {
    std::vector<linear::BlockId> list;
    std::copy_if(blocks.begin(), blocks.end(), std::back_inserter(list), [](linear::BlockId b) { return b >= 0; });
    return list;
}

std::vector<linear::BlockId> kept_blocks(const Program& program, const std::vector<Reading>& readings) {
    std::vector<linear::BlockId> blocks = program.inputs;
    for (std::size_t k = 0; k < program.inputs.size(); ++k) {
        const TensorId t = readings[k].quantized;
        const linear::BlockId d = t == absent ? -1 : program.tensors[static_cast<std::size_t>(t)].d;
        const bool fits = d >= 0 && program.system.block(d) == program.system.block(program.inputs[k]);
        blocks.push_back(fits ? d : -1);
    }
    return blocks;
}

}  // namespace

double Reading::operator()(double x) const {
    const double read = step > 0.0 ? std::nearbyint(x / step) * step : x;
    return std::min(std::max(read, clamp.lo), clamp.hi);
}

std::vector<Reading> readings(const Deployment& deployed) {
    const Graph& g = deployed.graph();
    std::vector<Reading> list(g.inputs.size());
    for (std::size_t k = 0; k < list.size(); ++k) {
        Reading& r = list[k];
        r.step = deployed.input_step(k);
        if (r.step == 0.0) continue;
        r.clamp = deployed.input(k).clamp;
        r.edge = 0x1p-20;
        r.quantized = g.inputs[k];
        if (g.tensor(g.inputs[k]).is_quantized()) continue;
        // A float input and a quantiser behind it, which divides in float32: not nearer than that can tell apart.
        r.edge = 0x1p-13;
        for (std::size_t n = 0; n < g.nodes.size(); ++n) {
            const NodeView view(g, static_cast<NodeId>(n));
            if (view.op().name != "quantize" || view.node().inputs[0] != g.inputs[k]) continue;
            r.quantized = view.node().outputs[0];
            r.clamp = deployed.clamp(view);
            break;
        }
    }
    return list;
}

Guide::Guide(const Program& program, const linear::BoxState* box, const std::vector<Reading>& readings,
             std::span<const Target> targets)
    : program_(program),
      box_(box),
      readings_(readings),
      targets_(targets),
      blocks_(difference_blocks(program, targets)),
      kept_(kept_blocks(program, readings)),
      tangents_(program.system, present(blocks_), present(std::span(kept_).subspan(program.inputs.size()))) {
    for (const linear::BlockId b : program.inputs) {
        const auto owner =
            std::find_if(program.tensors.begin(), program.tensors.end(), [&](const Variables& v) { return v.r == b; });
        layouts_.push_back(owner == program.tensors.end() ? nullptr : &owner->layout);
    }
}

std::vector<Slope> Guide::over_box(std::span<const Goal> goals) const {
    const std::vector<const linear::BoxState*> states(goals.size(), box_);
    return slopes(goals, states);
}

std::pair<std::vector<linear::BlockId>, Point> Guide::values(const Point& p, bool rounded) const {
    std::pair<std::vector<linear::BlockId>, Point> known{program_.inputs, p};
    for (std::size_t k = 0; k < p.size(); ++k) {
        for (std::size_t e = 0; layouts_[k] != nullptr && e < p[k].size(); ++e)
            known.second[k][layouts_[k]->place(e)] = p[k][e];
        const linear::BlockId added = kept_[p.size() + k];
        if (!rounded || added < 0) continue;
        known.first.push_back(added);
        known.second.push_back(known.second[k]);
        for (double& x : known.second.back()) x = readings_[k](x) - x;
    }
    return known;
}

std::vector<Slope> Guide::at(std::span<const Goal> goals, std::span<const Point* const> points,
                             const linear::Pull* pull) const {
    std::vector<const Point*> distinct(points.begin(), points.end());
    std::sort(distinct.begin(), distinct.end());
    distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
    std::vector<linear::BoxState> states(distinct.size(), linear::BoxState(program_.system));
    numeric::parallel_for(static_cast<std::int64_t>(states.size()), 1, [&](std::int64_t i, std::int64_t) {
        const auto [blocks, numbers] = values(*distinct[static_cast<std::size_t>(i)], pull != nullptr);
        states[static_cast<std::size_t>(i)] = tangents_.around(blocks, numbers, pull);
    });
    std::vector<const linear::BoxState*> of;
    for (const Point* p : points)
        of.push_back(&states[static_cast<std::size_t>(std::lower_bound(distinct.begin(), distinct.end(), p) -
                                                      distinct.begin())]);
    return slopes(goals, of);
}

std::vector<Slope> Guide::slopes(std::span<const Goal> goals, std::span<const linear::BoxState* const> states) const {
    std::vector<Slope> result(goals.size());
    for (std::size_t t = 0; t < targets_.size(); ++t) {
        std::vector<linear::Query> queries;
        std::vector<std::size_t> places;
        for (std::size_t i = 0; i < goals.size(); ++i) {
            if (goals[i].target != t || blocks_[t] < 0) continue;
            const Layout& layout = program_.tensors[static_cast<std::size_t>(targets_[t].deployed)].layout;
            const std::size_t place = layout.place(static_cast<std::size_t>(goals[i].element));
            // Rows bound from below: the goal's opposite.
            queries.push_back({states[i], static_cast<std::int64_t>(place), -goals[i].sign});
            places.push_back(i);
        }
        if (queries.empty()) continue;
        const std::vector<linear::Coefficients> rows =
            linear::coefficients(program_.system, blocks_[t], queries, kept_);
        for (std::size_t i = 0; i < rows.size(); ++i)
            result[places[i]] = {to_tensors(rows[i], 0), to_tensors(rows[i], program_.inputs.size())};
    }
    return result;
}

Point Guide::to_tensors(const linear::Coefficients& coefficients, std::size_t first) const {
    Point p(program_.inputs.size());
    for (std::size_t k = 0; k < p.size(); ++k) {
        const std::vector<double>& row = coefficients[first + k];
        p[k].resize(row.size());
        for (std::size_t e = 0; e < row.size(); ++e) {
            const double a = row[layouts_[k] == nullptr ? e : layouts_[k]->place(e)];
            p[k][e] = std::isfinite(a) ? -a : 0.0;
        }
    }
    return p;
}

}  // namespace gonogo::joint
