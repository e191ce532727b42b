// What the rules of compile.cpp build systems with: blocks, layouts, rounding and clamps of a pair of networks.
#pragma once

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/affine.hpp"
#include "gonogo/numeric/interval.hpp"

#include "joint/compile.hpp"
#include "ops/elementwise.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

using linear::Block;
using linear::BlockId;
using linear::MapPointer;
using linear::Step;
using numeric::Interval;

// Places of the elements of a tensor [n, c, h, w] in the order n, h, w, c.
inline std::vector<std::int64_t> channels_last(const Shape& d) {
    std::vector<std::int64_t> order;
    for (std::int64_t n = 0; n < d[0]; ++n) {
        for (std::int64_t c = 0; c < d[1]; ++c) {
            for (std::int64_t h = 0; h < d[2]; ++h) {
                for (std::int64_t w = 0; w < d[3]; ++w) order.push_back(((n * d[2] + h) * d[3] + w) * d[1] + c);
            }
        }
    }
    return order;
}

class CompilerBlocks {
  protected:
    CompilerBlocks(const Graph& reference, const Graph& graph, const Pairing& pairing, const Deployment* deployment)
        : r_(reference), g_(graph), pairing_(pairing), device_(deployment) {
        program_.tensors.resize(g_.tensors.size());
        for (std::size_t n = 0; n < g_.nodes.size(); ++n) {
            const NodeView view(g_, static_cast<NodeId>(n));
            channels_first_ = channels_first_ || (view.has("layout") && view.text("layout") == "NCHW");
        }
    }

    // ---- blocks

    Layout layout_of(const Shape& d) const {
        const std::int64_t n = element_count(d);
        if (d.size() == 4 && channels_first_) return {{d[0] * d[2], d[3], d[1]}, channels_last(d)};
        if (d.size() == 4) return {{d[0] * d[1], d[2], d[3]}, {}};
        if (d.empty()) return {{1, 1, 1}, {}};
        return {{d.back() == 0 ? 0 : n / d.back(), 1, d.back()}, {}};
    }

    Variables& variables(TensorId t) { return program_.tensors[at(t)]; }
    bool known(TensorId t) { return t != absent && variables(t).r >= 0; }

    BlockId affine(const std::string& name, const Block& block, std::vector<linear::AffineTerm> terms,
                   std::vector<double> bias_lo = {}, std::vector<double> bias_hi = {}, linear::Noise noise = {}) {
        Step s;
        s.kind = Step::Kind::affine;
        s.name = name;
        s.terms = std::move(terms);
        s.bias_lo = std::move(bias_lo);
        s.bias_hi = std::move(bias_hi);
        s.noise = std::move(noise);
        return program_.system.add(block, std::move(s));
    }
    BlockId relate(const std::string& name, const Block& block, linear::RelationPointer relation,
                   std::vector<BlockId> inputs) {
        Step s;
        s.kind = Step::Kind::relation;
        s.name = name;
        s.relation = std::move(relation);
        s.inputs = std::move(inputs);
        return program_.system.add(block, std::move(s));
    }
    BlockId group(const std::string& name, const Block& block, linear::GroupPointer relation,
                  std::vector<BlockId> inputs) {
        Step s;
        s.kind = Step::Kind::group;
        s.name = name;
        s.group = std::move(relation);
        s.inputs = std::move(inputs);
        return program_.system.add(block, std::move(s));
    }
    MapPointer same(const Block& block, double sign = 1.0) const { return linear::diagonal_map(block, sign); }

    // The value of the deployed network, r + d.
    BlockId sum(const std::string& name, const Block& block, BlockId r, BlockId d) {
        return affine(name, block, {{r, same(block)}, {d, same(block)}});
    }

    // A block's elements in the order of another layout of the same tensor.
    BlockId relaid(BlockId b, const Layout& from, const Layout& to) {
        if (b < 0 || (from.block == to.block && from.order == to.order)) return b;
        std::vector<linear::SparseEntry> entries;
        for (std::size_t i = 0; i < at(from.block.size()); ++i)
            entries.push_back({static_cast<std::int64_t>(to.place(i)), static_cast<std::int64_t>(from.place(i)), 1.0});
        return affine("layout", to.block, {{b, linear::sparse_map(from.block, to.block, std::move(entries), 0.0)}});
    }
    Variables relaid(const Variables& x, const Layout& to) {
        return {.r = relaid(x.r, x.layout, to),
                .d = relaid(x.d, x.layout, to),
                .v = relaid(x.v, x.layout, to),
                .layout = to};
    }

    // ---- rounding and clamps

    bool exact(const NodeView& view) const { return device_ == nullptr || device_->exact(view); }
    // `psi` is the reference's clamp there.
    RealClamp device_clamp(const NodeView& view, RealClamp psi) const {
        return exact(view) ? psi : device_->clamp(view);
    }
    Rounding device_rounding(const NodeView& view) const { return exact(view) ? Rounding{} : device_->rounding(view); }

    // The largest magnitude in the blocks of deployed values that a node reads.
    static double largest(const linear::Values& v, const std::vector<BlockId>& read) {
        double most = 0.0;
        for (const BlockId b : read) {
            for (const double m : v.magnitude(b)) most = std::max(most, m);
        }
        return most;
    }
    // Noise of the pair's difference: the same number as in the deployed value, so the same bound. (The range of that
    // value wouldn't do: it holds what was rounded already, and `rounding` wants what it was before.)
    static linear::Noise noise_of(const Rounding& rounding, BlockId value) {
        if (!rounding) return {};
        return [value](const linear::Values& v, auto, auto, auto, std::span<double> noise) {
            const std::span<const double> known = v.noise(value);
            std::copy(known.begin(), known.end(), noise.begin());
        };
    }
    // The same and a share of |x| on top of it.
    static linear::Noise with_share(const linear::Noise& noise, double share, BlockId x) {
        return [noise, share, x](const linear::Values& v, std::span<const double> lo, std::span<const double> hi,
                                 std::span<const double> mass, std::span<double> out) {
            std::fill(out.begin(), out.end(), 0.0);
            if (noise) noise(v, lo, hi, mass, out);
            const std::span<const double> size = v.magnitude(x);
            for (std::size_t i = 0; i < out.size(); ++i)
                out[i] = numeric::add_up(out[i], numeric::mul_up(share, size[i]));
        };
    }
    // Noise of the deployed value itself.
    static linear::Noise own_noise(const Rounding& rounding, const std::vector<BlockId>& read) {
        if (!rounding) return {};
        return [rounding, read](const linear::Values& v, std::span<const double> lo, std::span<const double> hi,
                                std::span<const double> mass, std::span<double> noise) {
            std::vector<double> magnitude(lo.size());
            for (std::size_t i = 0; i < lo.size(); ++i) magnitude[i] = std::max(std::fabs(lo[i]), std::fabs(hi[i]));
            rounding({magnitude, mass, largest(v, read)}, noise);
        };
    }

    // What is deployed after rounding and clamps: d = phi(r + d) - psi(r), r = psi(r).
    // `own`: nothing else reads d and v, so d's noise may be left to the clamps.
    void finish(const NodeView& view, BlockId r, BlockId d, BlockId v, RealClamp psi, bool own) {
        const TensorId out = view.node().outputs[0];
        const RealClamp phi = device_clamp(view, psi);
        Variables& y = variables(out);
        const std::string& name = g_.tensor(out).name;
        const Block& block = y.layout.block;
        y.r = identity(psi) ? r : relate(name, block, linear::clamp_relation(psi), {r});
        if (device_ == nullptr) return;
        const double quantum = own && !exact(view) ? device_->quantum(view) : 0.0;
        if (v < 0) v = sum(name, block, r, d);
        if (quantum > 0.0) program_.system.steps[at(v)].quantum = quantum;
        if (identity(psi) && identity(phi)) {
            y.d = d;
            y.v = v;
            return;
        }
        Step& difference = program_.system.steps[at(d)];
        difference.noise_apart = own && difference.kind == Step::Kind::affine && difference.noise != nullptr;
        y.before = v;
        y.clamp = phi;
        y.d = relate(name, block, linear::clamp_pair_relation(phi, psi), {r, d, v});
        if (device_->may_overflow()) y.d = affine(name, block, {{y.d, same(block)}}, {}, {}, overflow(v));
        y.v = sum(name, block, y.r, y.d);
        program_.system.steps[at(y.v)].quantum = quantum;
    }
    // Unbounded where the value is, nothing elsewhere.
    static linear::Noise overflow(BlockId value) {
        return [value](const linear::Values& v, auto, auto, auto, std::span<double> noise) {
            const std::span<const double> magnitude = v.magnitude(value);
            for (std::size_t i = 0; i < noise.size(); ++i) noise[i] = magnitude[i] < unlimited ? 0.0 : unlimited;
        };
    }

    // ---- inputs

    void input(std::size_t k) {
        const TensorId t = g_.inputs[k];
        Variables& x = variables(t);
        Step s;
        s.kind = Step::Kind::input;
        s.name = g_.tensor(t).name;
        const BlockId r = program_.system.add(x.layout.block, std::move(s));
        program_.inputs.push_back(r);
        program_.input_layouts.push_back(x.layout);
        x.r = r;
        if (device_ == nullptr) return;
        if (pairing_.reference_of[at(t)] == absent) {
            x.r = -1;
            return;
        }
        const Deployment::Input in = device_->input(k);
        const std::string& name = g_.tensor(t).name;
        const Block& block = x.layout.block;
        const auto n = at(block.size());
        // v = gain x + e, d = (gain - 1) x + e. gain - 1 may be known to within more than its own size: what it isn't
        // known to is noise, not a share of the weight.
        const bool unit = in.gain_lo == 1.0 && in.gain_hi == 1.0;
        const double gain = 0.5 * in.gain_lo + 0.5 * in.gain_hi;
        const double uncertainty = unit ? 0.0 : numeric::div_up(numeric::radius_up(gain, in.gain_lo, in.gain_hi), gain);
        const BlockId v =
            affine(name, block, {{r, linear::diagonal_map(block, std::vector<double>(n, gain), uncertainty)}}, {}, {},
                   own_noise(in.rounding, {r}));
        double mid = 0.0;
        linear::Noise noise = noise_of(in.rounding, v);
        if (!unit) {
            const Interval rest = Interval{in.gain_lo, in.gain_hi} - Interval::point(1.0);
            mid = 0.5 * rest.lo + 0.5 * rest.hi;
            const double radius = numeric::radius_up(mid, rest.lo, rest.hi);
            if (radius > 0.0) noise = with_share(noise, radius, r);
        }
        const BlockId d = affine(name, block, {{r, linear::diagonal_map(block, mid)}}, {}, {}, std::move(noise));
        if (identity(in.clamp)) {
            x.d = d;
            x.v = v;
            return;
        }
        x.d = relate(name, block, linear::clamp_pair_relation(in.clamp, no_clamp), {r, d, v});
        x.v = sum(name, block, r, x.d);
    }

    const Graph& r_;
    const Graph& g_;
    const Pairing& pairing_;
    const Deployment* device_;
    bool channels_first_ = false;
    Program program_;
};

}  // namespace gonogo::joint
