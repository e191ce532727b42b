#include "engines/error/propagate.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "gonogo/numeric/parallel.hpp"

#include "engines/error/pair_rules.hpp"
#include "ops/elementwise.hpp"

namespace gonogo::joint {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr RealClamp no_clamp{-infinity, infinity};
constexpr std::int64_t elements_of_a_task = 4096;

// The deployed clamp in real units: integers in [lo, hi] stand for exactly these binary64 numbers.
RealClamp dequantized_clamp(const Tensor& t, ClampRange range) {
    return {dequantized(*t.quantization, range.lo), dequantized(*t.quantization, range.hi)};
}

}  // namespace

JointPass::JointPass(const Graph& reference, const IntegerProgram& deployed, const Pairing& pairing,
                     const Ranges& ranges)
    : r_(reference),
      program_(deployed),
      d_(deployed.graph()),
      pairing_(pairing),
      ranges_(ranges),
      steps_(d_.nodes.size()) {
    for (std::size_t n = 0; n < d_.nodes.size(); ++n) prepare(static_cast<NodeId>(n));
}

const IntervalTensor& JointPass::reference_value(TensorId deployed) const {
    return ranges_.reference[static_cast<std::size_t>(pairing_.reference_of[static_cast<std::size_t>(deployed)])];
}

void JointPass::prepare_constants(const NodeView& deployed, const NodeView& reference, const Match& m,
                                  Step& step) const {
    step.constant_r.resize(m.reference_input.size());
    step.constant_d.resize(m.reference_input.size());
    for (std::size_t k = 0; k < m.reference_input.size(); ++k) {
        if (!deployed.has_input(k) || !deployed.input(k).is_constant) continue;
        const std::vector<double> v = real_values(deployed, deployed.input(k));
        IntervalTensor& r = step.constant_r[k];
        r = IntervalTensor(deployed.input(k).dims);
        r.lo = real_values(reference, reference.input(m.reference_input[k]));
        r.hi = r.lo;
        step.constant_d[k] = r;
        for (std::size_t e = 0; e < v.size(); ++e) {
            store(step.constant_d[k], e, Interval::point(v[e]) - load(r, e));
        }
    }
}

const IntervalTensor& JointPass::value_of(const Step& step, const Node& node, std::size_t k) const {
    const bool constant = k < step.constant_r.size() && step.constant_r[k].size() > 0;
    return constant ? step.constant_r[k] : reference_value(node.inputs[k]);
}

void JointPass::prepare(NodeId id) {
    const Match& m = pairing_.matches[static_cast<std::size_t>(id)];
    if (m.kind != Match::Kind::both) return;
    Step& step = steps_[static_cast<std::size_t>(id)];
    const NodeView d(d_, id);
    const NodeView r(r_, m.reference_node);
    step.reference_pre = IntervalTensor(d.output().dims);
    IntervalTensor& pre = step.reference_pre;
    if (d.op().name == "concat" || d.op().joint == JointKind::add || d.op().joint == JointKind::multiply) {
        prepare_constants(d, r, m, step);
    }
    const IntervalTensor& x = value_of(step, d.node(), 0);
    switch (d.op().joint) {
        case JointKind::affine: {
            step.reference_map = affine_map(r);
            if (m.absorbed_norm >= 0) {
                const AffineMap norm = affine_map(NodeView(r_, m.absorbed_norm));
                std::vector<double> lo(norm.weights.size()), hi(norm.weights.size());
                for (std::size_t c = 0; c < lo.size(); ++c) {
                    const double rad = numeric::mul_up(norm.weight_uncertainty, std::fabs(norm.weights[c]));
                    lo[c] = numeric::sub_down(norm.weights[c], rad);
                    hi[c] = numeric::add_up(norm.weights[c], rad);
                }
                if (!compose_channels(step.reference_map, lo, hi, norm.bias_lo, norm.bias_hi)) {
                    throw ModelError(r_.where(m.absorbed_norm) +
                                     ": a channel's scale is too close to zero or infinity to be folded");
                }
            }
            step.deployed_map = affine_map(d);
            step.reference_map.pack();
            step.deployed_map.pack();
            step.reference_map.apply(x, pre);
            step.weight_part = IntervalTensor(pre.shape);
            difference(step.deployed_map, step.reference_map).apply(x, step.weight_part);
            if (step.reference_map.weight_uncertainty > 0.0) {  // a folded batch_norm; deployed weights are exact
                IntervalTensor magnitude(x.shape);
                for (std::size_t i = 0; i < x.size(); ++i) magnitude.lo[i] = magnitude.hi[i] = load(x, i).magnitude();
                IntervalTensor slack(pre.shape);
                uncertainty(step.reference_map).apply(magnitude, slack);
                for (std::size_t i = 0; i < pre.size(); ++i)
                    store(step.weight_part, i, load(step.weight_part, i) + Interval{-slack.hi[i], slack.hi[i]});
            }
            break;
        }
        case JointKind::add:
        case JointKind::multiply: {
            const IntervalTensor& a = x;
            const IntervalTensor& b = value_of(step, d.node(), 1);
            const Walk walk(d.input(0).dims, d.input(1).dims, d.output().dims);
            const std::string_view op = d.op().name;
            walk.each([&](std::size_t o, std::size_t i, std::size_t j) {
                const Interval u = load(a, i);
                const Interval v = load(b, j);
                store(pre, o, op == "add" ? u + v : (op == "sub" ? u - v : u * v));
            });
            break;
        }
        case JointKind::average:
            step.averaging = averaging_of(d);
            step.averaging.apply(x, pre);
            break;
        case JointKind::maximum:
            step.averaging = averaging_of(d);
            for (std::size_t o = 0; o < pre.size(); ++o) {
                Interval best{-infinity, -infinity};
                for (const std::int64_t i : step.averaging.members(o))
                    best = numeric::max(best, load(x, static_cast<std::size_t>(i)));
                store(pre, o, best);
            }
            break;
        case JointKind::movement: {
            step.movement = movement_of(d);
            const double fill = movement_of(r).fill;
            for (std::size_t o = 0; o < pre.size(); ++o) {
                const Movement::Source s = step.movement.source(o);
                store(pre, o,
                      s.input < 0 ? Interval::point(fill)
                                  : load(value_of(step, d.node(), static_cast<std::size_t>(s.input)),
                                         static_cast<std::size_t>(s.element)));
            }
            break;
        }
        default: {  // univariate, softmax: the value after the function, which the reference run has
            const IntervalTensor& y = ranges_.reference[static_cast<std::size_t>(r.node().outputs[0])];
            pre.lo = y.lo;
            pre.hi = y.hi;
        }
    }
}

void JointPass::before_activation(NodeId id, const std::vector<IntervalTensor>& difference, bool exact,
                                  IntervalTensor& pre) const {
    const NodeView d(d_, id);
    const Step& step = steps_[static_cast<std::size_t>(id)];
    const Match& m = pairing_.matches[static_cast<std::size_t>(id)];
    const auto is_constant = [&](std::size_t k) { return k < step.constant_d.size() && step.constant_d[k].size() > 0; };
    const auto input_difference = [&](std::size_t k) -> const IntervalTensor& {
        return is_constant(k) ? step.constant_d[k] : difference[static_cast<std::size_t>(d.node().inputs[k])];
    };
    const IntervalTensor& x = input_difference(0);
    switch (d.op().joint) {
        case JointKind::affine: {
            // v' - r' = Wq (r + d) + bq - (W r + b) = Wq d + (Wq - W) r + (bq - b).
            (exact ? step.reference_map : step.deployed_map).apply(x, pre, AffineMap::Bias::without);
            if (exact) break;
            for (std::size_t i = 0; i < pre.size(); ++i) store(pre, i, load(pre, i) + load(step.weight_part, i));
            break;
        }
        case JointKind::add:
        case JointKind::multiply: {
            const bool constant_a = is_constant(0);
            const bool constant_b = is_constant(1);
            const IntervalTensor& ra = value_of(step, d.node(), 0);
            const IntervalTensor& rb = value_of(step, d.node(), 1);
            const IntervalTensor& da = x;
            const IntervalTensor& db = input_difference(1);
            const auto own = [&](bool constant, const IntervalTensor& t, std::size_t i) {
                return exact && constant ? Interval::point(0.0) : load(t, i);
            };
            const Walk walk(d.input(0).dims, d.input(1).dims, d.output().dims);
            const std::string_view op = d.op().name;
            walk.each([&](std::size_t o, std::size_t i, std::size_t j) {
                const Interval u = own(constant_a, da, i);
                const Interval v = own(constant_b, db, j);
                store(pre, o,
                      op == "add" ? u + v : (op == "sub" ? u - v : product_pair(load(ra, i), u, load(rb, j), v)));
            });
            break;
        }
        case JointKind::average:
            step.averaging.apply(x, pre);
            break;
        case JointKind::maximum:
            // max(r + d) - max(r) lies between the smallest and the largest d of the window.
            for (std::size_t o = 0; o < pre.size(); ++o) {
                Interval all{infinity, -infinity};
                for (const std::int64_t i : step.averaging.members(o))
                    all = numeric::hull(all, load(x, static_cast<std::size_t>(i)));
                store(pre, o, all);
            }
            break;
        case JointKind::movement: {
            const Interval fill = exact ? Interval::point(0.0)
                                        : Interval::point(step.movement.fill) -
                                              Interval::point(movement_of(NodeView(r_, m.reference_node)).fill);
            for (std::size_t o = 0; o < pre.size(); ++o) {
                const Movement::Source s = step.movement.source(o);
                store(pre, o,
                      s.input < 0 ? fill
                                  : load(input_difference(static_cast<std::size_t>(s.input)),
                                         static_cast<std::size_t>(s.element)));
            }
            break;
        }
        case JointKind::softmax: {
            const auto n = static_cast<std::size_t>(d.input(0).dims.back());
            const double beta = d.number("beta");
            for (std::size_t at = 0; n > 0 && at < pre.size(); at += n) {
                softmax_row_pair(std::span(step.reference_pre.lo).subspan(at, n),
                                 std::span(step.reference_pre.hi).subspan(at, n), std::span(x.lo).subspan(at, n),
                                 std::span(x.hi).subspan(at, n), beta, 1, n, pre.lo.data() + at, pre.hi.data() + at);
            }
            break;
        }
        default: {
            const std::string_view op = d.op().name;
            const IntervalTensor& r = reference_value(d.node().inputs[0]);
            const NodeView reference(r_, m.reference_node);
            const bool clamps = is_clamp(op);
            const RealClamp psi = clamps ? clamp_of(reference) : no_clamp;
            const RealClamp phi = clamps && !exact ? clamp_of(d) : psi;
            const double alpha = op == "leaky_relu" ? d.number("alpha") : 0.0;
            for (std::size_t i = 0; i < pre.size(); ++i) {
                const Interval u = load(r, i);
                const Interval v = load(x, i);
                store(pre, i,
                      clamps ? clamp_pair(u, v, phi, psi)
                             : (op == "leaky_relu" ? leaky_relu_pair(u, v, alpha)
                                                   : (op == "sigmoid" ? sigmoid_pair(u, v) : tanh_pair(u, v))));
            }
        }
    }
}

// Adds the kernel's rounding, then the two clamps: deployed = phi(r + d + e), reference = psi(r).
void JointPass::finish(NodeId id, bool exact, IntervalTensor& pre) const {
    const NodeView d(d_, id);
    const Match& m = pairing_.matches[static_cast<std::size_t>(id)];
    const Step& step = steps_[static_cast<std::size_t>(id)];
    const bool both = m.kind == Match::Kind::both;
    const RealClamp psi = both ? m.reference_clamp : no_clamp;
    const IntervalTensor& r = both ? step.reference_pre : reference_value(d.node().outputs[0]);
    if (exact) {
        numeric::parallel_for(
            both ? static_cast<std::int64_t>(pre.size()) : 0, elements_of_a_task, [&](auto first, auto last) {
                for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i)
                    store(pre, i, clamp_pair(load(r, i), load(pre, i), psi, psi));
            });
        return;
    }
    const Tensor& out = d.output();
    if (!out.is_quantized()) {
        // To float32: the product scale * (q - zero_point) is rounded once, in some profiles a little more; movements
        // round nothing.
        const double absolute =
            d.input(0).is_quantized() ? dequantize_error(program_.profile(), *d.input(0).quantization) : 0.0;
        const double relative = d.op().name == "dequantize" ? 0x1p-24 : 0.0;
        for (std::size_t i = 0; i < pre.size(); ++i) {
            const double noise =
                relative == 0.0
                    ? 0.0
                    : numeric::add_up(absolute, numeric::mul_up(relative, (load(r, i) + load(pre, i)).magnitude()));
            store(pre, i, load(pre, i) + Interval{-noise, noise});
        }
        return;
    }
    const bool from_float = d.op().name == "quantize" && d.input(0).dtype == DType::float32;
    const bool moved = d.op().name == "reshape" || d.op().name == "identity";
    if (moved) return;
    const Int8Kernel& kernel = program_.kernel(id);
    // float32 division and rounding: half a step and at most two relative roundings, for quotients that aren't clamped
    // anyway.
    const Envelope envelope = from_float ? Envelope{0.5, 0x1p-22} : kernel.envelope;
    const RealClamp phi = dequantized_clamp(out, from_float ? storage_limits(out) : kernel.clamp);
    const double absolute = numeric::mul_up(envelope.absolute, static_cast<double>(out.quantization->scale()));
    numeric::parallel_for(static_cast<std::int64_t>(pre.size()), elements_of_a_task, [&](auto first, auto last) {
        for (auto i = static_cast<std::size_t>(first); i < static_cast<std::size_t>(last); ++i) {
            const Interval u = load(r, i);
            const Interval v = load(pre, i);
            const double noise = numeric::add_up(absolute, numeric::mul_up(envelope.relative, (u + v).magnitude()));
            store(pre, i, clamp_pair(u, v + Interval{-noise, noise}, phi, psi));
        }
    });
}

IntervalTensor JointPass::step(NodeId id, const std::vector<IntervalTensor>& difference, bool exact) const {
    const Node& node = d_.node(id);
    IntervalTensor pre(d_.tensor(node.outputs[0]).dims);
    if (pairing_.matches[static_cast<std::size_t>(id)].kind == Match::Kind::both) {
        before_activation(id, difference, exact, pre);
    } else {
        pre.lo = difference[static_cast<std::size_t>(node.inputs[0])].lo;
        pre.hi = difference[static_cast<std::size_t>(node.inputs[0])].hi;
        if (is_clamp(node.op->name)) {  // an activation that the reference has fused into an earlier operator
            const IntervalTensor& r = reference_value(node.inputs[0]);
            const RealClamp phi = exact ? no_clamp : clamp_of(NodeView(d_, id));
            for (std::size_t i = 0; i < pre.size(); ++i)
                store(pre, i, clamp_pair(load(r, i), load(pre, i), phi, no_clamp));
        }
    }
    finish(id, exact, pre);
    return pre;
}

void JointPass::run(std::vector<IntervalTensor>& difference) const {
    for (NodeId id = 0; id < static_cast<NodeId>(d_.nodes.size()); ++id) {
        if (pairing_.matches[static_cast<std::size_t>(id)].kind == Match::Kind::none) continue;
        const TensorId output = d_.node(id).outputs[0];
        IntervalTensor pre = step(id, difference, false);
        // The difference of the two separate ranges encloses the same set.
        const IntervalTensor& v = ranges_.deployed[static_cast<std::size_t>(output)];
        const IntervalTensor& r = reference_value(output);
        for (std::size_t i = 0; i < pre.size(); ++i) {
            const Interval both = meet(load(pre, i), load(v, i) - load(r, i));
            // Two enclosures of one non-empty set can't be disjoint: a defect of gonogo, never a user's.
            if (both.lo > both.hi)
                throw std::logic_error(d_.where(id) +
                                       ": two enclosures of the difference don't meet; please report this");
            store(pre, i, both);
        }
        difference[static_cast<std::size_t>(output)] = std::move(pre);
    }
}

IntervalTensor JointPass::run_alone(const std::vector<IntervalTensor>& input, NodeId real, TensorId output) const {
    std::vector<IntervalTensor> difference(d_.tensors.size());
    for (const TensorId t : d_.inputs) {
        const auto at = static_cast<std::size_t>(t);
        difference[at] = real < 0 ? input[at] : IntervalTensor(d_.tensor(t).dims);
    }
    for (NodeId id = 0; id < static_cast<NodeId>(d_.nodes.size()); ++id) {
        if (pairing_.matches[static_cast<std::size_t>(id)].kind == Match::Kind::none) continue;
        const TensorId out = d_.node(id).outputs[0];
        // Before the node in question nothing differs.
        difference[static_cast<std::size_t>(out)] =
            id < real ? IntervalTensor(d_.tensor(out).dims) : step(id, difference, id != real);
        if (out == output) break;
    }
    return std::move(difference[static_cast<std::size_t>(output)]);
}

}  // namespace gonogo::joint
