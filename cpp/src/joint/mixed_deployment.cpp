#include "joint/mixed_deployment.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/error.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "joint/match.hpp"
#include "ops/elementwise.hpp"

namespace gonogo::joint {

namespace {

using numeric::Interval;

constexpr const char* input_name = "input";
constexpr double finer = 256.0;  // steps of a 16-bit result within one of 8 bits

double fine_step(const Tensor& t) {
    return static_cast<double>(t.quantization->scale()) / finer;
}

// The 16-bit integers that the 8-bit ones are cut into: exact, as they are products of 24 and 17 bits.
RealClamp fine_limits(const Tensor& t) {
    const ClampRange stored = storage_limits(t);
    const double step = fine_step(t);
    const auto zero = static_cast<double>(t.quantization->zero_point());
    return {step * finer * (stored.lo - zero), step * (finer * (stored.hi - zero) + finer - 1.0)};
}

// A quotient of float32 numbers below 2^17 is never as close to a tie as its own rounding in binary64.
double nearest_multiple(double x, double step) {
    return std::isfinite(x) ? step * std::round(x / step) : x;
}

RealClamp fused(const NodeView& view) {
    return is_clamp(view.op().name) ? no_clamp : clamp_of(view);
}

// What `rounding` makes of numbers of these magnitudes; infinity where it says nothing.
std::vector<double> errors(const Rounding& rounding, std::span<const double> values) {
    std::vector<double> magnitude(values.size()), error(values.size(), 0.0);
    std::transform(values.begin(), values.end(), magnitude.begin(), [](double v) { return std::fabs(v); });
    if (rounding) rounding({magnitude, magnitude, unlimited}, error);
    for (double& e : error) {
        if (!(e >= 0.0)) e = unlimited;
    }
    return error;
}

std::vector<IntervalTensor> boxes(const Graph& g, std::span<const std::vector<double>> point) {
    std::vector<IntervalTensor> out;
    for (std::size_t k = 0; k < point.size(); ++k) {
        out.emplace_back(g.tensor(g.inputs[k]).dims);
        out.back().lo = out.back().hi = point[k];
    }
    return out;
}

}  // namespace

MixedDeployment::MixedDeployment(std::shared_ptr<const Graph> graph, MixedIntegers format)
    : base_(graph, format.profile), program_(graph), format_(std::move(format)), finer_(graph->tensors.size(), false) {
    for (const auto& entry : format_.keep) check(entry.first);
    for (const TensorId t : graph->inputs) finer_[static_cast<std::size_t>(t)] = kept(input_name) != nullptr;
    for (const Node& node : graph->nodes) {
        const bool reads = std::any_of(node.inputs.begin(), node.inputs.end(),
                                       [&](TensorId t) { return t != absent && finer_[static_cast<std::size_t>(t)]; });
        for (const TensorId t : node.outputs) finer_[static_cast<std::size_t>(t)] = reads || kept(node.name) != nullptr;
    }
}

const Kept* MixedDeployment::kept(const std::string& name) const {
    const auto found = format_.keep.find(name);
    return found == format_.keep.end() ? nullptr : &found->second;
}

void MixedDeployment::check(const std::string& name) const {
    const Graph& g = graph();
    if (name == input_name) {
        for (const TensorId t : g.inputs) {
            if (!g.tensor(t).is_quantized()) {
                throw QuantizationError(g.source + ": input '" + g.tensor(t).name +
                                        "' is float32 already; name the node that quantises it");
            }
        }
        return;
    }
    const auto node = std::find_if(g.nodes.begin(), g.nodes.end(), [&](const Node& n) { return n.name == name; });
    if (node == g.nodes.end()) throw QuantizationError(g.source + ": there is no node '" + name + "' to keep finer");
    const NodeView view(g, static_cast<NodeId>(node - g.nodes.begin()));
    if (!view.output().is_quantized() || moves(view)) {
        throw QuantizationError(view.message("there is nothing to keep: the result is " +
                                             std::string(moves(view) ? "what it reads" : "no 8-bit number")));
    }
}

Rounding MixedDeployment::rounding(const NodeView& node) const {
    const Kept* keep = kept(node.node().name);
    if (keep == nullptr) return base_.rounding(node);
    return *keep == Kept::real ? Rounding{} : constant_rounding(0.5 * fine_step(node.output()));
}

RealClamp MixedDeployment::clamp(const NodeView& node) const {
    const Kept* keep = kept(node.node().name);
    if (keep == nullptr) return base_.clamp(node);
    const RealClamp psi = fused(node);
    if (*keep == Kept::real) return psi;
    const double step = fine_step(node.output());
    const Interval limits =
        clamped({nearest_multiple(psi.lo, step), nearest_multiple(psi.hi, step)}, fine_limits(node.output()));
    return {limits.lo, limits.hi};
}

Deployment::Input MixedDeployment::input(std::size_t k) const {
    const Kept* keep = kept(input_name);
    if (keep == nullptr) return base_.input(k);
    Input in;
    if (*keep == Kept::real) return in;
    const Tensor& t = graph().tensor(graph().inputs[k]);
    in.rounding = constant_rounding(0.5 * fine_step(t));
    in.clamp = fine_limits(t);
    return in;
}

double MixedDeployment::input_step(std::size_t k) const {
    const Kept* keep = kept(input_name);
    if (keep == nullptr) return base_.input_step(k);
    return *keep == Kept::real ? 0.0 : base_.input_step(k) / finer;
}

// `result` encloses psi(f) and becomes an enclosure of phi(f + e).
void MixedDeployment::finish(const NodeView& node, IntervalTensor& result, Steps steps) const {
    const Kept* keep = kept(node.node().name);
    if ((keep != nullptr && *keep == Kept::real) || moves(node)) return;
    const RealClamp psi = fused(node);
    const RealClamp phi = clamp(node);
    const Rounding rounding = this->rounding(node);
    const std::vector<double> below = errors(rounding, result.lo);
    const std::vector<double> above = errors(rounding, result.hi);
    const std::vector<double> least = errors(rounding, std::vector<double>(result.size(), 0.0));
    const Tensor& out = node.output();
    const double step = !out.is_quantized() ? 0.0
                        : keep != nullptr   ? fine_step(out)
                                            : static_cast<double>(out.quantization->scale());
    for (std::size_t i = 0; i < result.size(); ++i) {
        Interval f = load(result, i);
        // The kernel stores a multiple of the step: a nearest one is half a step away at most.
        const bool stores = step > 0.0 && least[i] >= 0.5 * step;
        if (!stores || steps == Steps::all) f = {numeric::sub_down(f.lo, below[i]), numeric::add_up(f.hi, above[i])};
        if (stores) {
            f = f / Interval::point(step);
            f = steps == Steps::all ? Interval{std::ceil(f.lo), std::floor(f.hi)}
                                    : Interval{std::round(f.lo), std::round(f.hi)};
            f = {step * f.lo, step * f.hi};
        }
        // At a limit of psi f may have been any number beyond.
        if (!(result.lo[i] > psi.lo)) f.lo = -unlimited;
        if (!(result.hi[i] < psi.hi)) f.hi = unlimited;
        store(result, i, clamped(f, phi));
    }
}

std::vector<IntervalTensor> MixedDeployment::walk(std::span<const IntervalTensor> inputs,
                                                  const std::vector<IntervalTensor>& base, Steps steps) const {
    const Kept* keep = kept(input_name);
    std::vector<IntervalTensor> read;
    for (std::size_t k = 0; k < inputs.size(); ++k) {
        if (keep == nullptr) {
            read.push_back(base[static_cast<std::size_t>(graph().inputs[k])]);
            continue;
        }
        read.push_back(inputs[k]);
        if (*keep == Kept::real) continue;
        const double step = fine_step(graph().tensor(graph().inputs[k]));
        for (std::size_t i = 0; i < read[k].size(); ++i) {
            const Interval q = load(read[k], i) / Interval::point(step);
            // Ties go either way in a box; at a point to one side.
            const Interval n = steps == Steps::nearest ? Interval{std::round(q.lo), std::round(q.hi)}
                                                       : Interval{std::ceil(q.lo - 0.5), std::floor(q.hi + 0.5)};
            store(read[k], i, clamped({step * n.lo, step * n.hi}, fine_limits(graph().tensor(graph().inputs[k]))));
        }
    }
    std::vector<IntervalTensor> values;
    program_.run(read, values, [&](NodeId id, IntervalTensor& result) {
        const NodeView view(graph(), id);
        const auto t = static_cast<std::size_t>(view.node().outputs[0]);
        if (finer_[t]) {
            finish(view, result, steps);
        } else if (base[t].size() == result.size()) {
            result = base[t];
        }
    });
    return values;
}

std::vector<IntervalTensor> MixedDeployment::ranges(std::span<const IntervalTensor> box) const {
    return walk(box, base_.ranges(box), Steps::all);
}

std::vector<Enclosure> MixedDeployment::evaluate(std::span<const std::vector<double>> point,
                                                 std::span<const TensorId> tensors, int variant) const {
    std::vector<TensorId> all(graph().tensors.size());
    for (std::size_t t = 0; t < all.size(); ++t) all[t] = static_cast<TensorId>(t);
    std::vector<Enclosure> integers = base_.evaluate(point, all, variant);
    std::vector<IntervalTensor> base(all.size());
    for (std::size_t t = 0; t < all.size(); ++t) {
        if (integers[t].lo.empty()) continue;
        base[t] = IntervalTensor(graph().tensors[t].dims);
        base[t].lo = std::move(integers[t].lo);
        base[t].hi = std::move(integers[t].hi);
    }
    std::vector<IntervalTensor> values = walk(boxes(graph(), point), base, Steps::nearest);
    std::vector<Enclosure> out;
    for (const TensorId t : tensors) {
        const IntervalTensor& v = values[static_cast<std::size_t>(t)];
        out.push_back({v.lo, v.hi});
    }
    return out;
}

std::vector<std::string> MixedDeployment::assumptions() const {
    std::vector<std::string> list = base_.assumptions();
    for (const auto& [name, keep] : format_.keep) {
        list.push_back("'" + name + "' keeps " +
                       (keep == Kept::real ? "real numbers: nothing is rounded, and only its own activation cuts"
                                           : "16 bits: the tensor's range at 256 times its resolution, rounded once"));
    }
    list.emplace_back(
        "what reads kept numbers computes with them as they are and rounds no more than its profile's kernel; the "
        "witness is of the device that rounds to nearest there");
    return list;
}

}  // namespace gonogo::joint
