#include "semantics/fixed_program.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/error.hpp"
#include "gonogo/numeric/rounding.hpp"
#include "gonogo/semantics/real.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

void check_word(const std::string& where, const FixedWord& w) {
    const int least = w.is_signed ? 2 : 1;
    if (w.bits < least || w.bits > 53) {
        throw QuantizationError(where + ": a word of " + std::to_string(w.bits) + " bits; use " +
                                std::to_string(least) + " to 53");
    }
    if (w.fraction_bits < -64 || w.fraction_bits > 128) {
        throw QuantizationError(where + ": " + std::to_string(w.fraction_bits) + " fraction bits; use -64 to 128");
    }
}

// A fused activation, or what the node itself is.
RealClamp clamp_of_node(const NodeView& view) {
    const std::string_view op = view.op().name;
    if (op == "relu") return {0.0, infinity};
    if (op == "relu6") return {0.0, 6.0};
    if (op == "clip") {
        const double hi = view.number("max");
        return {std::min(view.number("min"), hi), hi};
    }
    return activation_clamp(view);
}

bool is_number(const FixedGrid& grid, double x) {
    const double n = std::ldexp(x, grid.fraction);
    return n == std::floor(n) && std::fabs(n) < 0x1p53;
}

}  // namespace

FixedProgram::FixedProgram(std::shared_ptr<const Graph> graph, FixedPoint format)
    : graph_(std::move(graph)),
      format_(std::move(format)),
      grids_(graph_->tensors.size()),
      steps_(graph_->nodes.size()) {
    const std::string where = graph_->source + ": fixed point";
    check_word(where + ", input", format_.input);
    check_word(where + ", weights", format_.weights);
    check_word(where + ", bias", format_.bias);
    check_word(where + ", activations", format_.activations);
    const double gain = format_.input_gain;
    int exponent = 0;
    if (!(gain >= 0x1p-64 && gain <= 0x1p64))
        throw QuantizationError(where + ": the input's gain must be a positive number from 2^-64 to 2^64");
    if (std::frexp(gain, &exponent) != 0.5 && (format_.input_exact || format_.input.bits > 50)) {
        throw QuantizationError(where +
                                ": with exact inputs, or an input word beyond 50 bits, the input's gain must be a "
                                "power of two");
    }
    for (const auto& [name, layer] : format_.layers) {
        if (std::none_of(graph_->nodes.begin(), graph_->nodes.end(), [&](const Node& n) { return n.name == name; }))
            throw QuantizationError(where + ": there is no node '" + name + "' to give words to");
        for (const auto* word : {&layer.weights, &layer.bias, &layer.output})
            if (word->has_value()) check_word(where + ", node '" + name + "'", **word);
    }
    for (const TensorId t : graph_->inputs) grids_[at(t)] = grid_of(format_.input);
    for (std::size_t n = 0; n < graph_->nodes.size(); ++n) prepare(NodeView(*graph_, static_cast<NodeId>(n)));
}

const FixedLayer& FixedProgram::layer(const NodeView& view) const {
    static const FixedLayer none;
    const auto found = format_.layers.find(view.node().name);
    return found == format_.layers.end() ? none : found->second;
}

void FixedProgram::prepare(const NodeView& view) {
    if (is_folded(*graph_, view.node()) || view.op().name == "argmax") return;
    Step step;
    step.kernel = kernel(view);
    const FixedKernel& k = step.kernel;
    const bool wide = k.run_wide != nullptr;
    const double most = wide ? most_wide_reach : most_reach;
    if (!(k.reach * reach_slack < most)) {
        throw OverflowRiskError(view.message("sums may need more than " + std::string(wide ? "121" : "63") +
                                             " bits; use shorter words, fewer fraction bits"));
    }
    int bits = 0;
    std::frexp(k.reach * reach_slack, &bits);
    if (bits + 1 > accumulator_bits_ && !k.picks) {
        accumulator_bits_ = bits + 1;
        widest_ = view.node().name;
    }
    const FixedLayer& own = layer(view);
    if (own.shift && view.op().name != "mul" && view.op().name != "batch_norm") {
        throw QuantizationError(view.message("fixed point: `shift` replaces the constant of a mul or batch_norm node"));
    }
    FixedGrid& grid = grids_[at(view.node().outputs[0])];
    const RealClamp clamp = clamp_of_node(view);
    const std::int64_t reach = wide ? 0 : static_cast<std::int64_t>(std::ceil(k.reach * reach_slack));
    bool keeps = own.exact_output;
    if (keeps && wide) {
        throw OverflowRiskError(
            view.message("an exact output may need more than 63 bits; give it a word, or use shorter ones"));
    }
    if (own.output) {
        grid = grid_of(*own.output);
    } else if (own.exact_output || (k.picks && k.divisor.empty())) {
        keeps = true;
        grid = k.picks ? FixedGrid{k.fraction, k.least, k.most} : FixedGrid{k.fraction, -reach, reach};
    } else {
        grid = grid_of(format_.activations);
    }
    if (keeps && !k.divisor.empty()) {
        throw QuantizationError(view.message("fixed point: an average has no exact output; give its output a word"));
    }
    // Limits that aren't numbers of the grid are rounded like results: rounding is monotone, so it may come first.
    const auto limit = [&](double x, std::int64_t unlimited) {
        return std::isinf(x) ? unlimited : rounded_real(x, 0.0, grid, format_.rounding);
    };
    step.least = limit(clamp.lo, grid.lo);
    step.most = limit(clamp.hi, grid.hi);
    const bool on_grid =
        (std::isinf(clamp.lo) || is_number(grid, clamp.lo)) && (std::isinf(clamp.hi) || is_number(grid, clamp.hi));
    const bool clamps = view.op().name == "relu" || view.op().name == "relu6" || view.op().name == "clip";
    if (keeps && !k.picks && !on_grid)
        throw QuantizationError(
            view.message("fixed point: the activation's limits aren't numbers of the exact output"));
    step.clamp = {keeps && step.least == grid.lo ? -infinity : grid.value(step.least),
                  keeps && step.most == grid.hi ? infinity : grid.value(step.most)};
    if (clamps) {
        const bool outside = clamp.lo > grid.value(grid.hi) || clamp.hi < grid.value(grid.lo);
        step.clamp =
            keeps && !outside ? RealClamp{-infinity, infinity} : RealClamp{grid.value(grid.lo), grid.value(grid.hi)};
    }
    const int shift = grid.fraction - k.fraction;
    if (shift > 0 && !(std::ldexp(k.reach * reach_slack, shift) < most)) {
        throw OverflowRiskError(view.message("rounding to " + std::to_string(grid.fraction) +
                                             " fraction bits needs more than " + (wide ? "121" : "63") + " bits"));
    }
    std::int64_t divisor = 1;
    for (const std::int64_t d : k.divisor) divisor = std::max(divisor, d);
    if (shift < 0 && !(std::ldexp(static_cast<double>(divisor), -shift) < most)) {
        throw QuantizationError(view.message("fixed point: results of " + std::to_string(k.fraction) +
                                             " fraction bits can't be rounded to " + std::to_string(grid.fraction)));
    }
    if (shift < 0 || divisor > 1 || (clamps && !on_grid)) {
        const double unit = std::ldexp(1.0, -grid.fraction);
        // The result is a multiple of this; where it is a quotient, or a limit, of anything.
        const double fine = divisor > 1 || (clamps && !on_grid) ? 0.0 : std::ldexp(1.0, -k.fraction);
        const bool floors = format_.rounding == FixedRounding::floor;
        step.above = floors ? 0.0 : 0.5 * unit;
        step.below =
            floors ? numeric::sub_up(unit, fine)
                   : (format_.rounding == FixedRounding::half_up ? numeric::sub_up(0.5 * unit, fine) : 0.5 * unit);
    }
    grid.lo = step.least;
    grid.hi = step.most;
    steps_[at(view.id())] = std::move(step);
}

std::optional<FixedGrid> FixedProgram::wrapping_word(const NodeView& view, const Step& step) const {
    const FixedLayer& own = layer(view);
    if (format_.wrap && own.output) return grid_of(*own.output);
    if (format_.wrap && !own.exact_output && !step.kernel.picks) return grid_of(format_.activations);
    return std::nullopt;
}

template <class Integer>
std::int64_t FixedProgram::finished(const NodeView& view, const Step& step, std::size_t i, Integer n,
                                    const std::optional<FixedGrid>& word) const {
    const int shift = grid(view.node().outputs[0]).fraction - step.kernel.fraction;
    const Integer divisor = step.kernel.divisor.empty() ? 1 : step.kernel.divisor[i];
    if (shift < 0 || divisor > 1) {
        n = rounded_quotient<Integer>(shift > 0 ? n << shift : n, shift < 0 ? divisor << -shift : divisor,
                                      format_.rounding);
    } else {
        n <<= shift;
    }
    const Integer cut = std::clamp<Integer>(n, step.least, step.most);
    // An activation may come before or after the conversion to a signed word; negative numbers never reach an unsigned
    // one.
    if (word && (n > word->hi || (word->lo < 0 ? n : cut) < word->lo)) {
        throw OverflowRiskError(view.message("element " + std::to_string(i) +
                                             " may leave its word, and would wrap around; give it more bits before "
                                             "the point, let it saturate, or take a smaller box"));
    }
    return static_cast<std::int64_t>(cut);
}

FixedRange FixedProgram::read(std::size_t k, std::span<const double> lo, std::span<const double> hi) const {
    const Tensor& t = graph_->tensor(graph_->inputs[k]);
    const FixedGrid word = grid_of(format_.input);
    const FixedGrid wide{word.fraction, -2 * word.hi - 2, 2 * word.hi + 2};
    const double gain = format_.input_gain;
    const auto round = [&](double x, FixedRounding rounding) {
        // A product that underflows is far below half a step, and its sign is right.
        const auto [p, e] = numeric::detail::two_product(gain, x);
        return rounded_real(p, std::fabs(p) < 0x1p-900 ? 0.0 : e, wide, rounding);
    };
    FixedRange range;
    for (std::size_t i = 0; i < lo.size(); ++i) {
        std::int64_t a = 0;
        std::int64_t b = 0;
        const std::string where = graph_->source + ": box of input '" + t.name + "': element " + std::to_string(i);
        if (format_.input_exact) {
            a = -round(-lo[i], FixedRounding::floor);
            b = round(hi[i], FixedRounding::floor);
            if (a > b || b < word.lo || a > word.hi) {
                throw BoxError(where +
                               " holds no number of the device's input word; widen the box, or round inputs "
                               "(input_exact=False)");
            }
        } else {
            a = round(lo[i], format_.rounding);
            b = round(hi[i], format_.rounding);
        }
        if ((format_.wrap || format_.input_exact) && (a < word.lo || b > word.hi)) {
            throw OverflowRiskError(where +
                                    " leaves the device's input word; give it more bits before the point, or "
                                    "take a smaller box");
        }
        range.lo.push_back(std::clamp(a, word.lo, word.hi));
        range.hi.push_back(std::clamp(b, word.lo, word.hi));
    }
    return range;
}

void FixedProgram::run(std::vector<FixedRange> inputs, std::vector<FixedRange>& values) const {
    const Graph& g = *graph_;
    values.resize(g.tensors.size());
    for (std::size_t k = 0; k < inputs.size(); ++k) values[at(g.inputs[k])] = std::move(inputs[k]);
    std::vector<const FixedRange*> in;
    for (std::size_t n = 0; n < steps_.size(); ++n) {
        const Step& step = steps_[n];
        if (!step.kernel.run && !step.kernel.run_wide) continue;
        const NodeView view(g, static_cast<NodeId>(n));
        in.clear();
        for (const TensorId t : view.node().inputs) in.push_back(t == absent ? nullptr : &values[at(t)]);
        FixedRange& out = values[at(view.node().outputs[0])];
        const std::optional<FixedGrid> word = wrapping_word(view, step);
        const auto finish = [&](const auto& sums) {
            out.lo.resize(sums.lo.size());
            out.hi.resize(sums.hi.size());
            for (std::size_t i = 0; i < sums.lo.size(); ++i) {
                out.lo[i] = finished(view, step, i, sums.lo[i], word);
                out.hi[i] = finished(view, step, i, sums.hi[i], word);
            }
        };
        if (step.kernel.run_wide) {
            WideRange sums;
            step.kernel.run_wide(in, sums);
            finish(sums);
        } else {
            step.kernel.run(in, out);
            finish(out);
        }
    }
}

}  // namespace gonogo
