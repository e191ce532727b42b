// What operators do with fixed-point integers. Sums and products are exact: their reach is checked before anything
// runs.
#include <algorithm>
#include <cmath>

#include "gonogo/error.hpp"

#include "ops/averaging.hpp"
#include "ops/elementwise.hpp"
#include "ops/movement.hpp"
#include "semantics/fixed_map.hpp"
#include "semantics/fixed_program.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

using Ranges = std::span<const FixedRange* const>;

double magnitude(const FixedGrid& g) {
    return std::max(std::fabs(static_cast<double>(g.lo)), std::fabs(static_cast<double>(g.hi)));
}

// Both ends of an affine node's sums.
template <class Sum, class Range>
auto runner(IntegerMap<Sum> map, std::size_t outputs) {
    return [map = std::move(map), outputs](Ranges in, Range& out) {
        out.lo.resize(outputs);
        out.hi.resize(outputs);
        const FixedRange& v = *in[0];
        map.apply(v.lo.data(), v.hi.data(), out.lo.data());
        if (v.lo == v.hi) {
            out.hi = out.lo;
        } else {
            map.apply(v.hi.data(), v.lo.data(), out.hi.data());
        }
    };
}

// An output element's channel.
std::int64_t channel(const AffineMap& map, std::size_t weight) {
    const std::int64_t out_group = map.depthwise ? map.window.out_c : map.window.out_c / map.groups;
    const auto i = static_cast<std::int64_t>(weight);
    if (map.depthwise) return i % out_group;
    return i / (map.terms() * out_group) * out_group + i % out_group;
}

}  // namespace

FixedWord FixedProgram::constant_word(const NodeView& view) const {
    const FixedLayer& own = layer(view);
    if (view.op().joint == JointKind::add) return own.bias.value_or(format_.bias);
    if (view.op().joint == JointKind::movement) return own.output.value_or(format_.activations);
    return own.weights.value_or(format_.weights);
}

std::vector<double> FixedProgram::constant(const NodeView& view, const Tensor& tensor) const {
    std::vector<double> values = real_values(view, tensor);
    const FixedGrid grid = grid_of(constant_word(view));
    const std::optional<int> shift = layer(view).shift;
    for (double& v : values)
        v = shift ? std::ldexp(1.0, -*shift) : grid.value(rounded_real(v, 0.0, grid, format_.constant_rounding));
    return values;
}

AffineMap FixedProgram::map(const NodeView& view) const {
    AffineMap map = affine_map(view);
    const FixedLayer& own = layer(view);
    const FixedGrid weights = grid_of(own.weights.value_or(format_.weights));
    const FixedGrid bias = grid_of(own.bias.value_or(format_.bias));
    map.weight_uncertainty = 0.0;
    for (double& w : map.weights) {
        w = own.shift ? std::ldexp(1.0, -*own.shift)
                      : weights.value(rounded_real(w, 0.0, weights, format_.constant_rounding));
    }
    for (std::size_t c = 0; c < map.bias_lo.size(); ++c) {
        // A number whose exact value is known to within an interval, of a batch_norm, is rounded from the middle.
        const double middle = 0.5 * map.bias_lo[c] + 0.5 * map.bias_hi[c];
        map.bias_lo[c] = map.bias_hi[c] =
            own.shift ? 0.0 : bias.value(rounded_real(middle, 0.0, bias, format_.constant_rounding));
    }
    return map;
}

FixedProgram::Operand FixedProgram::operand(const NodeView& view, std::size_t k) const {
    Operand o;
    const Tensor& t = view.input(k);
    if (!t.is_constant) {
        o.grid = grid(view.node().inputs[k]);
        return o;
    }
    const std::optional<int> shift = layer(view).shift;
    o.grid = shift ? FixedGrid{*shift, 1, 1} : grid_of(constant_word(view));
    for (const double v : constant(view, t)) {
        o.constant.push_back(static_cast<std::int64_t>(std::ldexp(v, o.grid.fraction)));
    }
    o.grid.lo = o.grid.hi = 0;
    for (const std::int64_t n : o.constant) o.grid.lo = std::min(o.grid.lo, n), o.grid.hi = std::max(o.grid.hi, n);
    return o;
}

FixedKernel FixedProgram::affine(const NodeView& view) const {
    const AffineMap map = this->map(view);
    const FixedGrid& x = grid(view.node().inputs[0]);
    const FixedLayer& own = layer(view);
    const int weight_bits = own.shift.value_or(own.weights.value_or(format_.weights).fraction_bits);
    const int bias_bits = own.shift ? 0 : own.bias.value_or(format_.bias).fraction_bits;
    FixedKernel k;
    k.fraction = x.fraction + weight_bits;
    const bool biased = std::any_of(map.bias_lo.begin(), map.bias_lo.end(), [](double b) { return b != 0.0; });
    if (biased) k.fraction = std::max(k.fraction, bias_bits);
    std::vector<double> reach(at(map.window.out_c), 0.0);
    const int up = k.fraction - x.fraction;
    std::vector<std::int64_t> weights;
    for (std::size_t i = 0; i < map.weights.size(); ++i) {
        const double w = std::ldexp(map.weights[i], up);
        reach[at(channel(map, i))] += std::fabs(w) * magnitude(x);
        const bool fits = std::fabs(w) < 0x1p62;
        weights.push_back(fits ? static_cast<std::int64_t>(w) : 0);
        if (!fits) k.reach = HUGE_VAL;  // refused
    }
    std::vector<double> bias;
    for (std::size_t c = 0; c < reach.size(); ++c) {
        bias.push_back(std::ldexp(map.bias_lo[c], k.fraction));
        k.reach = std::max(k.reach, reach[c] + std::fabs(bias[c]));
    }
    const auto make = [&]<class Sum>(Sum) {
        IntegerMap<Sum> integers{map.window, map.depthwise, map.groups, std::move(weights), {}};
        for (const double b : bias)
            integers.bias.push_back(k.reach < most_wide_reach ? static_cast<Sum>(b) : Sum{0});  // else it is refused
        return integers;
    };
    const std::size_t outputs = at(view.output().elements());
    if (k.reach * reach_slack < most_reach) {
        k.run = runner<std::int64_t, FixedRange>(make(std::int64_t{}), outputs);
    } else {
        k.run_wide = runner<Int128, WideRange>(make(Int128{}), outputs);
    }
    return k;
}

FixedKernel FixedProgram::binary(const NodeView& view) const {
    const bool product = view.op().joint == JointKind::multiply;
    const bool minus = view.op().name == "sub";
    Operand a = operand(view, 0);
    Operand b = operand(view, 1);
    FixedKernel k;
    k.fraction = product ? a.grid.fraction + b.grid.fraction : std::max(a.grid.fraction, b.grid.fraction);
    const double up_a = product ? 1.0 : std::ldexp(1.0, k.fraction - a.grid.fraction);
    const double up_b = product ? 1.0 : std::ldexp(1.0, k.fraction - b.grid.fraction);
    k.reach = product ? magnitude(a.grid) * magnitude(b.grid) : magnitude(a.grid) * up_a + magnitude(b.grid) * up_b;
    const auto shift_a = static_cast<std::int64_t>(std::min(up_a, 0x1p62));
    const auto shift_b = static_cast<std::int64_t>(std::min(up_b, 0x1p62));
    const Walk walk(view.input(0).dims, view.input(1).dims, view.output().dims);
    const std::size_t outputs = at(view.output().elements());
    k.run = [=, a = std::move(a.constant), b = std::move(b.constant)](Ranges in, FixedRange& out) {
        out.lo.resize(outputs);
        out.hi.resize(outputs);
        const std::vector<std::int64_t>& al = a.empty() ? in[0]->lo : a;
        const std::vector<std::int64_t>& ah = a.empty() ? in[0]->hi : a;
        const std::vector<std::int64_t>& bl = b.empty() ? in[1]->lo : b;
        const std::vector<std::int64_t>& bh = b.empty() ? in[1]->hi : b;
        walk.each([&](std::size_t o, std::size_t i, std::size_t j) {
            if (product) {
                const auto [lo, hi] = std::minmax({al[i] * bl[j], al[i] * bh[j], ah[i] * bl[j], ah[i] * bh[j]});
                out.lo[o] = lo;
                out.hi[o] = hi;
            } else {
                out.lo[o] = al[i] * shift_a + (minus ? -bh[j] : bl[j]) * shift_b;
                out.hi[o] = ah[i] * shift_a + (minus ? -bl[j] : bh[j]) * shift_b;
            }
        });
    };
    return k;
}

FixedKernel FixedProgram::move(const NodeView& view) const {
    const std::size_t inputs = view.op().name == "concat" ? view.input_count() : 1;
    std::vector<Operand> operands;
    FixedKernel k;
    k.picks = true;
    for (std::size_t i = 0; i < inputs; ++i) {
        operands.push_back(operand(view, i));
        const int fraction = operands.back().grid.fraction;
        k.picks = k.picks && fraction == operands[0].grid.fraction;
        k.fraction = i == 0 ? fraction : std::max(k.fraction, fraction);
    }
    std::vector<std::int64_t> up;
    for (const Operand& o : operands) {
        const double factor = std::ldexp(1.0, k.fraction - o.grid.fraction);
        k.reach = std::max(k.reach, magnitude(o.grid) * factor);
        k.least = std::min(k.least, o.grid.lo);
        k.most = std::max(k.most, o.grid.hi);
        up.push_back(static_cast<std::int64_t>(std::min(factor, 0x1p62)));
    }
    Movement movement = movement_of(view);
    const double fill = std::ldexp(movement.fill, k.fraction);
    if (fill != std::floor(fill) || std::fabs(fill) > 0x1p52)
        throw QuantizationError(view.message("fixed point: the padding's value isn't a number of the word"));
    k.reach = std::max(k.reach, std::fabs(fill));
    k.least = std::min(k.least, static_cast<std::int64_t>(fill));
    k.most = std::max(k.most, static_cast<std::int64_t>(fill));
    const std::size_t outputs = at(view.output().elements());
    k.run = [operands = std::move(operands), up = std::move(up), movement = std::move(movement), outputs,
             filled = static_cast<std::int64_t>(fill)](Ranges in, FixedRange& out) {
        out.lo.resize(outputs);
        out.hi.resize(outputs);
        for (std::size_t o = 0; o < outputs; ++o) {
            const Movement::Source s = movement.source(o);
            if (s.input < 0) {
                out.lo[o] = out.hi[o] = filled;
                continue;
            }
            const auto i = static_cast<std::size_t>(s.input);
            const bool constant = !operands[i].constant.empty();
            out.lo[o] = up[i] * (constant ? operands[i].constant : in[i]->lo)[at(s.element)];
            out.hi[o] = up[i] * (constant ? operands[i].constant : in[i]->hi)[at(s.element)];
        }
    };
    return k;
}

FixedKernel FixedProgram::kernel(const NodeView& view) {
    for (const TensorId t : {view.node().inputs[0], view.node().outputs[0]}) {
        if (graph_->tensor(t).dtype != DType::float32) {
            throw UnsupportedTypeError(
                view.message("tensor '" + graph_->tensor(t).name +
                             "' isn't float32; fixed point needs the model before quantisation"));
        }
    }
    if (view.input(0).symbolic || view.output().symbolic)
        throw ShapeError(view.message("this engine needs concrete shapes"));
    const std::string_view op = view.op().name;
    const FixedGrid x = view.input(0).is_constant ? FixedGrid{} : grid(view.node().inputs[0]);
    FixedKernel k;
    k.fraction = x.fraction;
    k.reach = magnitude(x);
    k.least = x.lo;
    k.most = x.hi;
    switch (view.op().joint) {
        case JointKind::affine:
            return affine(view);
        case JointKind::add:
        case JointKind::multiply:
            return binary(view);
        case JointKind::movement:
            return move(view);
        case JointKind::average:
        case JointKind::maximum: {
            Averaging plan = averaging_of(view);
            const bool sums = view.op().joint == JointKind::average;
            double most = 1.0;
            for (std::size_t o = 0; o < plan.divisor.size(); ++o)
                most = std::max(most, static_cast<double>(plan.members(o).size()));
            if (sums) k.reach *= most, k.divisor = plan.divisor;
            k.picks = !sums;
            k.run = [plan = std::move(plan), sums](Ranges in, FixedRange& out) {
                out.lo.resize(plan.divisor.size());
                out.hi.resize(plan.divisor.size());
                for (std::size_t o = 0; o < plan.divisor.size(); ++o) {
                    const std::span<const std::int64_t> members = plan.members(o);
                    std::int64_t lo = sums ? 0 : in[0]->lo[at(members[0])];
                    std::int64_t hi = sums ? 0 : in[0]->hi[at(members[0])];
                    for (const std::int64_t i : members) {
                        lo = sums ? lo + in[0]->lo[at(i)] : std::max(lo, in[0]->lo[at(i)]);
                        hi = sums ? hi + in[0]->hi[at(i)] : std::max(hi, in[0]->hi[at(i)]);
                    }
                    out.lo[o] = lo;
                    out.hi[o] = hi;
                }
            };
            return k;
        }
        default:
            break;
    }
    if (op == "relu" || op == "relu6" || op == "clip") {
        k.picks = true;
        k.run = [](Ranges in, FixedRange& out) { out = *in[0]; };
        return k;
    }
    throw UnsupportedOperatorError(view.message(
        "has no fixed-point rule: what a device does here isn't settled by words alone. End the model before it"));
}

}  // namespace gonogo
