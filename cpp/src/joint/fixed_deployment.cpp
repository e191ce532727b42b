#include "joint/fixed_deployment.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/rounding.hpp"

namespace gonogo::joint {

namespace {

// The ends of n 2^-fraction in binary64, one step outward beyond 53 bits.
IntervalTensor real_values(const FixedGrid& grid, const FixedRange& range, const Shape& shape) {
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    IntervalTensor out(shape);
    for (std::size_t i = 0; i < out.size() && i < range.lo.size(); ++i) {
        out.lo[i] = grid.value(range.lo[i]);
        out.hi[i] = grid.value(range.hi[i]);
        if (range.lo[i] < -exact || range.lo[i] > exact) out.lo[i] = numeric::next_down(out.lo[i]);
        if (range.hi[i] < -exact || range.hi[i] > exact) out.hi[i] = numeric::next_up(out.hi[i]);
    }
    return out;
}

std::string text(const FixedWord& w) {
    return std::string(w.is_signed ? "signed" : "unsigned") + " words of " + std::to_string(w.bits) + " bits, " +
           std::to_string(w.fraction_bits) + " of them after the point";
}

std::string_view text(FixedRounding rounding) {
    switch (rounding) {
        case FixedRounding::half_up:
            return "to nearest, ties upward";
        case FixedRounding::half_away:
            return "to nearest, ties away from zero";
        case FixedRounding::half_even:
            return "to nearest, ties to even";
        case FixedRounding::floor:
            return "downward";
    }
    return "";
}

}  // namespace

// computed - exact lies in [-below, above], that is within `error` of `shift`.
FixedDeployment::Split FixedDeployment::split(const NodeView& node) const {
    const FixedProgram::Step& step = program_.step(node.id());
    const double shift = 0.5 * step.above - 0.5 * step.below;
    return {shift, std::max(numeric::sub_up(step.above, shift), numeric::add_up(step.below, shift))};
}

// The middle of the rounding belongs to the bias; what is left to either side of it is noise.
AffineMap FixedDeployment::map(const NodeView& node) const {
    AffineMap map = program_.map(node);
    const double shift = split(node).shift;
    for (std::size_t c = 0; c < map.bias_lo.size(); ++c) {
        map.bias_lo[c] = numeric::add_down(map.bias_lo[c], shift);
        map.bias_hi[c] = numeric::add_up(map.bias_hi[c], shift);
    }
    return map;
}

Rounding FixedDeployment::rounding(const NodeView& node) const {
    const FixedProgram::Step& step = program_.step(node.id());
    const bool affine = node.op().joint == JointKind::affine;
    return constant_rounding(affine ? split(node).error : std::max(step.below, step.above));
}

double FixedDeployment::quantum(const NodeView& node) const {
    return std::ldexp(1.0, -program_.grid(node.node().outputs[0]).fraction);
}

Deployment::Input FixedDeployment::input(std::size_t) const {
    const FixedPoint& format = program_.format();
    const FixedGrid word = grid_of(format.input);
    Input in;
    in.gain_lo = in.gain_hi = format.input_gain;
    if (format.input_exact) return in;
    const double step = std::ldexp(1.0, -word.fraction);
    in.rounding = constant_rounding(format.rounding == FixedRounding::floor ? step : 0.5 * step);
    in.clamp = {word.value(word.lo), word.value(word.hi)};
    return in;
}

// Between two numbers that the input can be: a power of two, for the gain is one.
double FixedDeployment::input_unit() const {
    return std::ldexp(1.0, -program_.format().input.fraction_bits) / program_.format().input_gain;
}

bool FixedDeployment::admits(std::size_t, double lo, double hi) const {
    return !program_.format().input_exact || std::ceil(lo / input_unit()) <= std::floor(hi / input_unit());
}

std::vector<IntervalTensor> FixedDeployment::ranges(std::span<const IntervalTensor> box) const {
    std::vector<FixedRange> inputs;
    for (std::size_t k = 0; k < box.size(); ++k) inputs.push_back(program_.read(k, box[k].lo, box[k].hi));
    std::vector<FixedRange> integers;
    program_.run(std::move(inputs), integers);
    std::vector<IntervalTensor> real(integers.size());
    for (std::size_t t = 0; t < real.size(); ++t) {
        if (!integers[t].lo.empty())
            real[t] = real_values(program_.grid(static_cast<TensorId>(t)), integers[t], graph().tensors[t].dims);
    }
    return real;
}

double FixedDeployment::settle(std::size_t, double x, double lo, double hi) const {
    x = std::min(std::max(x, lo), hi);
    if (!program_.format().input_exact) return x;
    // The box holds a number of the word.
    const double unit = input_unit();
    double n = std::floor(x / unit + 0.5);
    if (n * unit > hi) n = std::floor(hi / unit);
    if (n * unit < lo) n = std::ceil(lo / unit);
    return n * unit;
}

double FixedDeployment::input_step(std::size_t) const {
    return program_.format().input_exact ? 0.0 : input_unit();
}

std::vector<Enclosure> FixedDeployment::evaluate(std::span<const std::vector<double>> point,
                                                 std::span<const TensorId> tensors, int) const {
    std::vector<FixedRange> inputs;
    for (std::size_t k = 0; k < point.size(); ++k) inputs.push_back(program_.read(k, point[k], point[k]));
    std::vector<FixedRange> values;
    program_.run(std::move(inputs), values);
    std::vector<Enclosure> out;
    for (const TensorId t : tensors) {
        IntervalTensor v = real_values(program_.grid(t), values[static_cast<std::size_t>(t)], graph().tensor(t).dims);
        out.push_back({std::move(v.lo), std::move(v.hi)});
    }
    return out;
}

std::vector<std::string> FixedDeployment::assumptions() const {
    const FixedPoint& format = program_.format();
    std::vector<std::string> list;
    list.push_back("the device computes in fixed point: every operator's result is formed exactly, rounded once, " +
                   std::string(text(format.rounding)) + ", and " +
                   (format.wrap ? "never leaves its word (proved)" : "saturated") + "; activations are " +
                   text(format.activations));
    list.push_back("weights are " + text(format.weights) + ", biases " + text(format.bias) + ", rounded " +
                   std::string(text(format.constant_rounding)) + " and saturated");
    if (program_.accumulator_bits() > 0) {
        list.push_back("accumulators hold " + std::to_string(program_.accumulator_bits()) + " bits with sign (node '" +
                       program_.widest() + "' is the widest)");
    }
    if (format.input_exact) {
        list.push_back("inputs are numbers of the device's input word already, " + text(format.input));
    } else {
        list.push_back("inputs are real numbers that the device rounds to " + text(format.input));
    }
    return list;
}

}  // namespace gonogo::joint
