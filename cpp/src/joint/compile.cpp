#include "joint/compile.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/numeric/affine.hpp"
#include "gonogo/numeric/interval.hpp"

#include "joint/compiler_blocks.hpp"
#include "joint/functions.hpp"
#include "ops/averaging.hpp"
#include "ops/elementwise.hpp"
#include "ops/movement.hpp"

namespace gonogo::joint {

namespace {

class Compiler : private CompilerBlocks {
  public:
    Compiler(const Graph& reference, const Graph& graph, const Pairing& pairing, const Deployment* deployment)
        : CompilerBlocks(reference, graph, pairing, deployment) {}

    Program run() {
        for (std::size_t t = 0; t < g_.tensors.size(); ++t) program_.tensors[t].layout = layout_of(g_.tensors[t].dims);
        for (std::size_t k = 0; k < g_.inputs.size(); ++k) input(k);
        for (std::size_t n = 0; n < g_.nodes.size(); ++n) node(static_cast<NodeId>(n));
        return std::move(program_);
    }

  private:
    // ---- nodes

    void node(NodeId id) {
        const Match& m = pairing_.matches[at(id)];
        const Node& node = g_.node(id);
        if (m.kind == Match::Kind::none || is_folded(g_, node)) return;
        const NodeView view(g_, id);
        if (!known(node.inputs[0]) && !constant_first(view)) return;
        if (m.kind == Match::Kind::one_sided) {
            one_sided(view);
            return;
        }
        const NodeView reference(r_, m.reference_node);
        for (std::size_t k = 0; k < m.reference_input.size(); ++k) {
            const TensorId t = node.inputs[k];
            if (t != absent && !g_.tensor(t).is_constant && reads(view, k) && !known(t)) return;
        }
        switch (view.op().joint) {
            case JointKind::affine:
                linear_node(view, reference, m);
                return;
            case JointKind::add:
                add(view, reference, m);
                return;
            case JointKind::multiply:
                multiply(view, reference, m);
                return;
            case JointKind::movement:
                move(view, reference, m);
                return;
            case JointKind::average:
                average(view, m);
                return;
            case JointKind::maximum:
                maximum(view, m);
                return;
            case JointKind::softmax:
                softmax(view, m);
                return;
            case JointKind::univariate:
                univariate(view, reference, m);
                return;
            case JointKind::none:
                return;
        }
    }

    // A constant on the left of variables.
    bool constant_first(const NodeView& view) const {
        const auto constant = [&](TensorId t) { return t != absent && g_.tensor(t).is_constant; };
        const std::vector<TensorId>& inputs = view.node().inputs;
        return constant(inputs[0]) && reads(view, 1) && !std::all_of(inputs.begin(), inputs.end(), constant);
    }

    static bool reads(const NodeView& view, std::size_t k) {
        return k == 0 || view.op().joint == JointKind::add || view.op().joint == JointKind::multiply ||
               view.op().name == "concat";
    }

    // quantize, dequantize, reshape, identity, and an activation that the reference has fused into an earlier operator.
    void one_sided(const NodeView& view) {
        Variables x = relaid(variables(view.node().inputs[0]), variables(view.node().outputs[0]).layout);
        if (is_clamp(view.op().name) && device_ != nullptr) {
            const std::string& name = view.output().name;
            x.d =
                relate(name, x.layout.block,
                       linear::clamp_pair_relation(exact(view) ? no_clamp : clamp_of(view), no_clamp), {x.r, x.d, x.v});
            x.v = sum(name, x.layout.block, x.r, x.d);
        }
        step_without_reference(view, x);
    }

    void step_without_reference(const NodeView& view, const Variables& x) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Block& block = x.layout.block;
        if (device_ == nullptr) {
            variables(out).r = x.r;
            return;
        }
        const Rounding rounding = device_rounding(view);
        BlockId d = x.d;
        BlockId v = x.v;
        if (rounding) {
            v = affine(name, block, {{x.v, same(block)}}, {}, {}, own_noise(rounding, {x.v}));
            d = affine(name, block, {{x.d, same(block)}}, {}, {}, noise_of(rounding, v));
        }
        finish(view, x.r, d, v, no_clamp, rounding != nullptr);
    }

    // The map's window in the order height, width, channels, its bias spread over the pixels.
    static MapPointer map_of(AffineMap map) {
        map.window.channels_first = false;
        return linear::window_map(std::move(map));
    }
    // Places of the elements [n][c][pixels] in the order n, pixels, c.
    static std::vector<std::int64_t> order_of(const Window& w, std::int64_t channels, std::int64_t pixels) {
        return w.channels_first ? channels_last({w.batch, channels, pixels, 1}) : std::vector<std::int64_t>{};
    }
    static std::vector<double> spread(const std::vector<double>& per_channel, std::int64_t pixels) {
        std::vector<double> all;
        for (std::int64_t p = 0; p < pixels; ++p) all.insert(all.end(), per_channel.begin(), per_channel.end());
        return all;
    }

    AffineMap reference_map(const NodeView& reference, const Match& m) const {
        AffineMap map = affine_map(reference);
        if (m.absorbed_norm < 0) return map;
        const AffineMap norm = affine_map(NodeView(r_, m.absorbed_norm));
        std::vector<double> lo(norm.weights.size()), hi(norm.weights.size());
        for (std::size_t c = 0; c < lo.size(); ++c) {
            const double rad = numeric::mul_up(norm.weight_uncertainty, std::fabs(norm.weights[c]));
            lo[c] = numeric::sub_down(norm.weights[c], rad);
            hi[c] = numeric::add_up(norm.weights[c], rad);
        }
        if (!compose_channels(map, lo, hi, norm.bias_lo, norm.bias_hi)) {
            throw ModelError(r_.where(m.absorbed_norm) +
                             ": a channel's scale is too close to zero or infinity to be folded");
        }
        return map;
    }

    void linear_node(const NodeView& view, const NodeView& reference, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const AffineMap map = reference_map(reference, m);
        const MapPointer own = map_of(map);
        const Window& w = map.window;
        const Variables x = relaid(variables(view.node().inputs[0]), {own->in(), order_of(w, w.in_c, w.in_h * w.in_w)});
        const Block& block = own->out();
        const std::int64_t pixels = block.height * block.width;
        const BlockId r = affine(name, block, {{x.r, own}}, spread(map.bias_lo, pixels), spread(map.bias_hi, pixels));
        BlockId d = -1;
        BlockId v = -1;
        if (device_ != nullptr) {
            const AffineMap device = exact(view) ? map : device_->map(view);
            const MapPointer weights = map_of(device);
            const Rounding rounding = device_rounding(view);
            v = affine(name, block, {{x.v, weights}}, spread(device.bias_lo, pixels), spread(device.bias_hi, pixels),
                       own_noise(rounding, {x.v}));
            // v' - r' = Wq d + (Wq - W) r + (bq - b) + e.
            const AffineMap change = difference(device, map);
            std::vector<linear::AffineTerm> terms{{x.d, weights}, {x.r, map_of(change)}};
            linear::Noise noise = noise_of(rounding, v);
            for (const AffineMap* side : {&map, &device}) {  // where the device is exact both are one matrix
                if (side->weight_uncertainty > 0.0 && !exact(view)) noise = with_uncertainty(noise, *side, x.r);
            }
            d = affine(name, block, std::move(terms), spread(change.bias_lo, pixels), spread(change.bias_hi, pixels),
                       std::move(noise));
        }
        const Layout made{block, order_of(w, w.out_c, w.out_h * w.out_w)};
        const Layout& layout = variables(out).layout;
        finish(view, relaid(r, made, layout), relaid(d, made, layout), relaid(v, made, layout), m.reference_clamp,
               true);
    }

    // Weights of either side known to within rho |W| only (batch_norm, alone or folded) move Wq r - W r by at most
    // rho |W| |r|, which the difference of the numbers doesn't hold.
    static linear::Noise with_uncertainty(const linear::Noise& noise, const AffineMap& map, BlockId r) {
        const MapPointer slack = map_of(uncertainty(map));
        return [noise, slack, r](const linear::Values& v, std::span<const double> lo, std::span<const double> hi,
                                 std::span<const double> mass, std::span<double> out) {
            std::fill(out.begin(), out.end(), 0.0);
            if (noise) noise(v, lo, hi, mass, out);
            std::vector<double> more(out.size());
            slack->mass(v.magnitude(r).data(), more.data());
            for (std::size_t i = 0; i < out.size(); ++i) out[i] = numeric::add_up(out[i], more[i]);
        };
    }

    // Operand k of a binary node: variables, or a constant of either network.
    struct Operand {
        bool constant = false;
        Variables x;
        std::vector<double> r, d;  // constants: the reference's values, and the device's
    };
    Operand operand(const NodeView& view, const NodeView& reference, const Match& m, std::size_t k) {
        Operand o;
        const TensorId t = view.node().inputs[k];
        if (g_.tensor(t).is_constant) {
            o.constant = true;
            o.r = real_values(reference, reference.input(m.reference_input[k]));
            o.d = exact(view) ? o.r : device_->constant(view, view.input(k));
        } else {
            o.x = variables(t);
        }
        return o;
    }

    // The operand's elements at the places of the output, broadcast.
    MapPointer broadcast_map(const Layout& from, const Layout& to, const std::vector<std::size_t>& element,
                             double sign) const {
        bool plain = from.block == to.block;
        for (std::size_t o = 0; plain && o < element.size(); ++o) plain = element[o] == o;
        if (plain && from.order == to.order) return same(to.block, sign);
        std::vector<linear::SparseEntry> entries;
        for (std::size_t o = 0; o < element.size(); ++o)
            entries.push_back(
                {static_cast<std::int64_t>(to.place(o)), static_cast<std::int64_t>(from.place(element[o])), sign});
        return linear::sparse_map(from.block, to.block, std::move(entries), 0.0);
    }

    struct Elements {
        std::vector<std::size_t> a, b;
    };
    static Elements walk(const NodeView& view) {
        const auto n = at(view.output().elements());
        Elements e{std::vector<std::size_t>(n), std::vector<std::size_t>(n)};
        Walk(view.input(0).dims, view.input(1).dims, view.output().dims)
            .each([&](std::size_t o, std::size_t i, std::size_t j) { e.a[o] = i, e.b[o] = j; });
        return e;
    }

    void add(const NodeView& view, const NodeView& reference, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Layout& layout = variables(out).layout;
        const Elements elements = walk(view);
        std::vector<linear::AffineTerm> r_terms, d_terms, v_terms;
        const auto n = at(layout.block.size());
        std::vector<Interval> r_bias(n, Interval::point(0.0)), d_bias = r_bias, v_bias = r_bias;
        for (std::size_t k = 0; k < 2; ++k) {
            const double sign = k == 1 && view.op().name == "sub" ? -1.0 : 1.0;
            const std::vector<std::size_t>& from = k == 0 ? elements.a : elements.b;
            const Operand x = operand(view, reference, m, k);
            if (!x.constant) {
                const MapPointer map = broadcast_map(x.x.layout, layout, from, sign);
                r_terms.push_back({x.x.r, map});
                d_terms.push_back({x.x.d, map});
                v_terms.push_back({x.x.v, map});
                continue;
            }
            for (std::size_t o = 0; o < n; ++o) {
                const std::size_t p = layout.place(o);
                const Interval a = Interval::point(sign * x.r[from[o]]);
                const Interval b = Interval::point(sign * x.d[from[o]]);
                r_bias[p] = r_bias[p] + a;
                v_bias[p] = v_bias[p] + b;
                d_bias[p] = d_bias[p] + (b - a);
            }
        }
        const auto make = [&](std::vector<linear::AffineTerm> terms, const std::vector<Interval>& bias,
                              linear::Noise noise) {
            std::vector<double> lo, hi;
            for (const Interval& b : bias) lo.push_back(b.lo), hi.push_back(b.hi);
            return affine(name, layout.block, std::move(terms), std::move(lo), std::move(hi), std::move(noise));
        };
        const BlockId r = make(std::move(r_terms), r_bias, {});
        BlockId d = -1;
        BlockId v = -1;
        if (device_ != nullptr) {
            const Rounding rounding = device_rounding(view);
            std::vector<BlockId> read;
            for (const linear::AffineTerm& t : v_terms) read.push_back(t.x);
            v = make(std::move(v_terms), v_bias, own_noise(rounding, read));
            d = make(std::move(d_terms), d_bias, noise_of(rounding, v));
        }
        finish(view, r, d, v, m.reference_clamp, true);
    }

    void multiply(const NodeView& view, const NodeView& reference, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Layout& layout = variables(out).layout;
        const Elements elements = walk(view);
        const Operand a = operand(view, reference, m, 0);
        const Operand b = operand(view, reference, m, 1);
        const auto n = at(layout.block.size());
        BlockId r = -1;
        BlockId d = -1;
        BlockId v = -1;
        const Rounding rounding = device_rounding(view);
        if (a.constant || b.constant) {
            const Operand& x = a.constant ? b : a;
            const Operand& c = a.constant ? a : b;
            const std::vector<std::size_t>& from = a.constant ? elements.b : elements.a;
            const std::vector<std::size_t>& of = a.constant ? elements.a : elements.b;
            std::vector<linear::SparseEntry> own, device, change;
            for (std::size_t o = 0; o < n; ++o) {
                const auto p = static_cast<std::int64_t>(layout.place(o));
                const auto e = static_cast<std::int64_t>(x.x.layout.place(from[o]));
                own.push_back({p, e, c.r[of[o]]});
                device.push_back({p, e, c.d[of[o]]});
                change.push_back({p, e, c.d[of[o]] - c.r[of[o]]});  // half an ulp: the map's uncertainty
            }
            const auto map = [&](std::vector<linear::SparseEntry> entries, double rho) {
                bool plain = x.x.layout.block == layout.block;
                std::vector<double> scales(n);
                for (const linear::SparseEntry& e : entries) {
                    plain = plain && e.output == e.element;
                    scales[at(e.output)] = e.weight;
                }
                return plain ? linear::diagonal_map(layout.block, std::move(scales), rho)
                             : linear::sparse_map(x.x.layout.block, layout.block, std::move(entries), rho);
            };
            r = affine(name, layout.block, {{x.x.r, map(std::move(own), 0.0)}});
            if (device_ != nullptr) {
                const MapPointer weights = map(std::move(device), 0.0);
                v = affine(name, layout.block, {{x.x.v, weights}}, {}, {}, own_noise(rounding, {x.x.v}));
                d = affine(name, layout.block, {{x.x.d, weights}, {x.x.r, map(std::move(change), 0x1p-53)}}, {}, {},
                           noise_of(rounding, v));
            }
        } else {
            const auto spread_out = [&](const Operand& o, const std::vector<std::size_t>& from, BlockId block) {
                const MapPointer map = broadcast_map(o.x.layout, layout, from, 1.0);
                return o.x.layout.block == layout.block && map->in() == map->out() && o.x.layout.order == layout.order
                           ? block
                           : affine(name, layout.block, {{block, map}});
            };
            const BlockId ra = spread_out(a, elements.a, a.x.r);
            const BlockId rb = spread_out(b, elements.b, b.x.r);
            r = relate(name, layout.block, product_relation(), {ra, rb});
            if (device_ != nullptr) {
                const BlockId va = spread_out(a, elements.a, a.x.v);
                const BlockId vb = spread_out(b, elements.b, b.x.v);
                const BlockId vp = relate(name, layout.block, product_relation(), {va, vb});
                const BlockId dp = relate(name, layout.block, product_pair_relation(),
                                          {ra, spread_out(a, elements.a, a.x.d), rb, spread_out(b, elements.b, b.x.d)});
                v = affine(name, layout.block, {{vp, same(layout.block)}}, {}, {}, own_noise(rounding, {va, vb}));
                d = affine(name, layout.block, {{dp, same(layout.block)}}, {}, {}, noise_of(rounding, v));
            }
        }
        finish(view, r, d, v, m.reference_clamp, true);
    }

    void move(const NodeView& view, const NodeView& reference, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Layout& layout = variables(out).layout;
        const Movement movement = movement_of(view);
        const double fill = movement_of(reference).fill;
        const auto n = at(layout.block.size());
        const std::size_t inputs = view.op().name == "concat" ? view.input_count() : 1;
        std::vector<std::vector<linear::SparseEntry>> entries(inputs);
        std::vector<Operand> operands;
        for (std::size_t k = 0; k < inputs; ++k) operands.push_back(operand(view, reference, m, k));
        std::vector<Interval> r_bias(n, Interval::point(0.0)), d_bias = r_bias, v_bias = r_bias;
        for (std::size_t o = 0; o < n; ++o) {
            const Movement::Source s = movement.source(o);
            const std::size_t p = layout.place(o);
            if (s.input < 0) {
                r_bias[p] = Interval::point(fill);
                v_bias[p] = Interval::point(exact(view) ? fill : movement.fill);
                d_bias[p] = v_bias[p] - r_bias[p];
                continue;
            }
            const Operand& x = operands[at(s.input)];
            if (x.constant) {
                r_bias[p] = Interval::point(x.r[at(s.element)]);
                v_bias[p] = Interval::point(x.d[at(s.element)]);
                d_bias[p] = v_bias[p] - r_bias[p];
            } else {
                entries[at(s.input)].push_back(
                    {static_cast<std::int64_t>(p), static_cast<std::int64_t>(x.x.layout.place(at(s.element))), 1.0});
            }
        }
        std::vector<linear::AffineTerm> r_terms, d_terms, v_terms;
        for (std::size_t k = 0; k < inputs; ++k) {
            if (operands[k].constant) continue;
            const Variables& x = operands[k].x;
            const MapPointer map = linear::sparse_map(x.layout.block, layout.block, std::move(entries[k]), 0.0);
            r_terms.push_back({x.r, map});
            d_terms.push_back({x.d, map});
            v_terms.push_back({x.v, map});
        }
        const auto make = [&](std::vector<linear::AffineTerm> terms, const std::vector<Interval>& bias,
                              linear::Noise noise) {
            std::vector<double> lo, hi;
            for (const Interval& b : bias) lo.push_back(b.lo), hi.push_back(b.hi);
            return affine(name, layout.block, std::move(terms), std::move(lo), std::move(hi), std::move(noise));
        };
        const BlockId r = make(std::move(r_terms), r_bias, {});
        BlockId d = -1;
        BlockId v = -1;
        if (device_ != nullptr) {
            const Rounding rounding = device_rounding(view);
            std::vector<BlockId> read;
            for (const linear::AffineTerm& t : v_terms) read.push_back(t.x);
            v = make(std::move(v_terms), v_bias, own_noise(rounding, read));
            d = make(std::move(d_terms), d_bias, noise_of(rounding, v));
        }
        finish(view, r, d, v, m.reference_clamp, true);
    }

    void average(const NodeView& view, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Layout& layout = variables(out).layout;
        const Variables x = variables(view.node().inputs[0]);
        const Averaging plan = averaging_of(view);
        std::vector<linear::SparseEntry> entries;
        for (std::size_t o = 0; o < at(layout.block.size()); ++o) {
            // 1 / n rounded: half an ulp, the map's uncertainty.
            const double weight = 1.0 / static_cast<double>(plan.divisor[o]);
            for (const std::int64_t i : plan.members(o))
                entries.push_back({static_cast<std::int64_t>(layout.place(o)),
                                   static_cast<std::int64_t>(x.layout.place(at(i))), weight});
        }
        const MapPointer map = linear::sparse_map(x.layout.block, layout.block, std::move(entries), 0x1p-53);
        const BlockId r = affine(name, layout.block, {{x.r, map}});
        BlockId d = -1;
        BlockId v = -1;
        if (device_ != nullptr) {
            const Rounding rounding = device_rounding(view);
            v = affine(name, layout.block, {{x.v, map}}, {}, {}, own_noise(rounding, {x.v}));
            d = affine(name, layout.block, {{x.d, map}}, {}, {}, noise_of(rounding, v));
        }
        finish(view, r, d, v, m.reference_clamp, true);
    }

    // After an operator whose result is a relation's: the device's rounding on top of it.
    void round_and_finish(const NodeView& view, BlockId r, BlockId d, RealClamp psi, BlockId read) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Block& block = variables(out).layout.block;
        BlockId v = -1;
        const Rounding rounding = device_ != nullptr ? device_rounding(view) : Rounding{};
        if (rounding) {
            v = affine(name, block, {{r, same(block)}, {d, same(block)}}, {}, {}, own_noise(rounding, {read}));
            d = affine(name, block, {{d, same(block)}}, {}, {}, noise_of(rounding, v));
        }
        finish(view, r, d, v, psi, rounding != nullptr);
    }

    void maximum(const NodeView& view, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Layout& layout = variables(out).layout;
        const Variables x = variables(view.node().inputs[0]);
        const Averaging plan = averaging_of(view);
        const auto n = at(layout.block.size());
        std::vector<std::vector<std::int64_t>> members(n);
        for (std::size_t o = 0; o < n; ++o) {
            for (const std::int64_t i : plan.members(o))
                members[layout.place(o)].push_back(static_cast<std::int64_t>(x.layout.place(at(i))));
        }
        linear::GroupRelation::Reads reads;
        for (const auto& list : members) {
            reads.begin.push_back(static_cast<std::int64_t>(reads.element.size()));
            reads.element.insert(reads.element.end(), list.begin(), list.end());
        }
        reads.begin.push_back(static_cast<std::int64_t>(reads.element.size()));
        const BlockId r = group(name, layout.block, maximum_relation(reads), {x.r});
        const BlockId d =
            device_ == nullptr ? -1 : group(name, layout.block, maximum_pair_relation(reads), {x.r, x.d, x.v});
        round_and_finish(view, r, d, m.reference_clamp, x.v);
    }

    void softmax(const NodeView& view, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Layout own = variables(out).layout;
        const Shape& dims = view.input(0).dims;
        const std::int64_t n = dims.empty() ? 1 : dims.back();
        if (checked_axis(view, view.integer("axis"), dims.size()) + 1 != dims.size()) return;
        if (n == 0) return;
        const RowsOfSoftmax all{view.output().elements() / n, n};
        const Layout flat = own.order.empty() ? own : Layout{{all.count, 1, n}, {}};
        const Variables x = relaid(variables(view.node().inputs[0]), flat);
        const double beta = view.number("beta");
        std::vector<BlockId> reads{x.r};
        const MapPointer apart = all.differences() ? row_differences(flat.block, all) : nullptr;
        if (apart) reads.push_back(affine(name, apart->out(), {{x.r, apart}}));
        const BlockId r = group(name, flat.block, softmax_relation(all, beta), reads);
        BlockId d = -1;
        if (device_ != nullptr) {
            reads = {x.r, x.d, r};
            if (apart) reads.push_back(affine(name, apart->out(), {{x.d, apart}}));
            d = group(name, flat.block, softmax_pair_relation(all, beta), reads);
        }
        round_and_finish(view, relaid(r, flat, own), relaid(d, flat, own), m.reference_clamp, x.v);
    }

    void univariate(const NodeView& view, const NodeView& reference, const Match& m) {
        const TensorId out = view.node().outputs[0];
        const std::string& name = g_.tensor(out).name;
        const Variables x = relaid(variables(view.node().inputs[0]), variables(out).layout);
        const Block& block = x.layout.block;
        const std::string_view op = view.op().name;
        if (op == "quantize" || op == "dequantize") {
            step_without_reference(view, x);
            return;
        }
        if (is_clamp(op)) {
            const RealClamp psi = clamp_of(reference);
            const BlockId r = relate(name, block, linear::clamp_relation(psi), {x.r});
            BlockId d = -1;
            if (device_ != nullptr)
                d = relate(name, block, linear::clamp_pair_relation(exact(view) ? psi : clamp_of(view), psi),
                           {x.r, x.d, x.v});
            round_and_finish(view, r, d, m.reference_clamp, x.v);
            return;
        }
        const double alpha = op == "leaky_relu" ? view.number("alpha") : 0.0;
        const BlockId r = relate(name, block, function_relation(op, alpha), {x.r});
        const BlockId d =
            device_ == nullptr ? -1 : relate(name, block, function_pair_relation(op, alpha), {x.r, x.d, x.v});
        round_and_finish(view, r, d, m.reference_clamp, x.v);
    }
};

}  // namespace

Program compile(const Graph& reference, const Graph& graph, const Pairing& pairing, const Deployment* deployment) {
    return Compiler(reference, graph, pairing, deployment).run();
}

linear::BoxState start(const Program& program, std::span<const IntervalTensor> box) {
    linear::BoxState state(program.system);
    for (std::size_t k = 0; k < program.inputs.size(); ++k) {
        linear::BlockState& x = state.block(program.inputs[k]);
        x.lo.resize(box[k].size());
        x.hi.resize(box[k].size());
        for (std::size_t i = 0; i < box[k].size(); ++i) {
            const std::size_t p = program.input_layouts[k].place(i);
            x.lo[p] = box[k].lo[i];
            x.hi[p] = box[k].hi[i];
        }
    }
    return state;
}

IntervalTensor input_box(const Program& program, std::size_t k, const linear::InputBox& part, const Shape& shape) {
    IntervalTensor box(shape);
    for (std::size_t i = 0; i < box.size(); ++i) {
        box.lo[i] = part.lo[k][program.input_layouts[k].place(i)];
        box.hi[i] = part.hi[k][program.input_layouts[k].place(i)];
    }
    return box;
}

void set_ranges(const Variables& tensor, linear::BlockId block, const IntervalTensor& range, linear::BoxState& state) {
    linear::BlockState& b = state.block(block);
    b.lo.resize(range.size(), -unlimited);
    b.hi.resize(range.size(), unlimited);
    for (std::size_t i = 0; i < range.size(); ++i) {
        double& lo = b.lo[tensor.layout.place(i)];
        double& hi = b.hi[tensor.layout.place(i)];
        lo = std::max(lo, range.lo[i]);
        hi = std::min(hi, range.hi[i]);
    }
}

IntervalTensor ranges_of(const Variables& tensor, linear::BlockId block, const linear::BoxState& state,
                         const Shape& shape) {
    IntervalTensor out(shape);
    const linear::BlockState& b = state.block(block);
    for (std::size_t i = 0; i < out.size(); ++i) {
        out.lo[i] = b.lo[tensor.layout.place(i)];
        out.hi[i] = b.hi[tensor.layout.place(i)];
    }
    return out;
}

}  // namespace gonogo::joint
