#include "semantics/float_program.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/error.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "ops/averaging.hpp"
#include "ops/elementwise.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

bool reads(const OperatorRecord& op, std::size_t input) {
    return input == 0 || op.joint == JointKind::add || op.joint == JointKind::multiply || op.name == "concat";
}

bool clamps(const NodeView& view) {
    return view.op().name == "relu" || view.op().name == "relu6" || view.op().name == "clip";
}

// Premise of theorem 83.
void check_scales(const NodeView& view) {
    if (view.op().name == "batch_norm" || !view.input(1).is_quantized()) return;
    for (const float s : view.input(1).quantization->scales) {
        if (s != 0.0F && std::fabs(s) < std::numeric_limits<float>::min()) {
            throw QuantizationError(view.message("weights '" + view.input(1).name +
                                                 "' have a subnormal scale, which devices may take for zero; quantise "
                                                 "them again"));
        }
    }
}

// Theorem 36 counts one rounding for a product and one for each addition. A device that multiplies sums by a factor
// rounds (and overflows, and underflows) once more, where it likes.
void check_factors(const NodeView& view) {
    if (view.op().name != "dense" || view.integer("factored") == 0) return;
    throw UnsupportedOperatorError(
        view.message("alpha or beta multiplies the layer's sums on the device, which rounds once more than the bound "
                     "on float arithmetic counts; multiply weights and bias by them and set both to 1"));
}

double magnitude(const IntervalTensor& x) {
    double most = 0.0;
    for (std::size_t i = 0; i < x.size(); ++i) most = std::max({most, std::fabs(x.lo[i]), std::fabs(x.hi[i])});
    return most;
}

}  // namespace

FloatProgram::FloatProgram(std::shared_ptr<const Graph> graph, FloatingPoint format)
    : graph_(std::move(graph)), format_(format), errors_(format), steps_(graph_->nodes.size()) {
    for (std::size_t n = 0; n < graph_->nodes.size(); ++n) prepare(NodeView(*graph_, static_cast<NodeId>(n)));
}

// Theorem 83 (weights stored as integers). The device's weight is fl(s (q - z)) with s zero or normal and |q - z| <
// 2^16. Proof: q - z is exact in float32, s (q - z) is in binary64 (at most 40 bits) and is rounded once, here as
// there. It is zero or at least |s|, so flushing takes nothing from it.
AffineMap FloatProgram::map(const NodeView& view) const {
    check_factors(view);
    AffineMap map = affine_map(view);
    check_scales(view);
    const auto store = [&](double& x) {
        x = FloatErrors::rounded(format_.weights, x);
        if (!std::isfinite(x)) {
            throw OverflowRiskError(
                view.message("a weight or bias is beyond the format that weights are stored in; "
                             "store them in a wider one"));
        }
    };
    for (double& w : map.weights) store(w);
    for (std::size_t c = 0; c < map.bias_lo.size(); ++c) {
        store(map.bias_lo[c]);
        map.bias_hi[c] = map.bias_lo[c];
    }
    return map;
}

std::vector<double> FloatProgram::constant(const NodeView& view, const Tensor& tensor) const {
    std::vector<double> values = real_values(view, tensor);
    for (double& v : values) {
        v = FloatErrors::rounded(format_.activations, FloatErrors::rounded(format_.weights, v));
        if (!std::isfinite(v))
            throw OverflowRiskError(view.message("constant '" + tensor.name + "' is beyond the activations' format"));
    }
    return values;
}

RealClamp FloatProgram::clamp(const NodeView& view) const {
    const RealClamp c = activation_clamp(view);
    return {FloatErrors::rounded(format_.activations, c.lo), FloatErrors::rounded(format_.activations, c.hi)};
}

double FloatProgram::input_error(double magnitude) const {
    // Inputs are float32 numbers; narrower formats round them.
    return format_.activations == numeric::binary32 || format_.activations == numeric::binary64
               ? 0.0
               : errors_.stored(magnitude);
}

// Beyond an overflow there may be no number at all (inf - inf, 0 inf), and no clamp or bounded function mends that:
// what reads an unbounded operand is unbounded.
FloatProgram::ErrorOf FloatProgram::error_of(const NodeView& view) const {
    const ErrorOf error = error_of_finite(view);
    if (!error) return {};
    return [error](const FloatSizes& s) { return s.operands < numeric::infinity ? error(s) : numeric::infinity; };
}

FloatProgram::ErrorOf FloatProgram::error_of_finite(const NodeView& view) const {
    const FloatErrors errors = errors_;
    const std::string_view op = view.op().name;
    switch (view.op().joint) {
        case JointKind::affine: {
            const AffineMap map = this->map(view);
            const std::int64_t terms = map.terms();
            const std::int64_t out_group = map.depthwise ? map.window.out_c : map.window.out_c / map.groups;
            std::vector<double> sums(at(map.window.out_c), 0.0);
            for (std::size_t i = 0; i < map.weights.size(); ++i) {
                const auto w = static_cast<std::int64_t>(i);
                const std::int64_t c =
                    map.depthwise ? w % out_group : w / (terms * out_group) * out_group + w % out_group;
                sums[at(c)] = numeric::add_up(sums[at(c)], std::fabs(map.weights[i]));
            }
            const double most = sums.empty() ? 0.0 : *std::max_element(sums.begin(), sums.end());
            return [errors, terms, most](const FloatSizes& s) {
                const double operands = numeric::mul_up(static_cast<double>(terms), s.operands);
                return errors.dot(terms + 1, s.mass, s.magnitude, most, operands);
            };
        }
        case JointKind::add:
            return [errors](const FloatSizes& s) { return errors.elementwise(s.magnitude, 1.0); };
        case JointKind::multiply: {
            double most = 0.0;
            for (std::size_t k = 0; k < 2; ++k) {
                if (!view.input(k).is_constant) continue;
                for (const double c : constant(view, view.input(k))) most = std::max(most, std::fabs(c));
            }
            return [errors, most](const FloatSizes& s) {
                return errors.elementwise(s.magnitude, std::max(most, s.operands));
            };
        }
        case JointKind::average: {
            const Averaging plan = averaging_of(view);
            const std::int64_t n = *std::max_element(plan.divisor.begin(), plan.divisor.end());
            return [errors, n](const FloatSizes& s) { return errors.average(n, s.mass); };
        }
        case JointKind::softmax: {
            const std::int64_t n = view.input(0).dims.back();
            const double beta = view.number("beta");
            return [errors, n, beta](const FloatSizes& s) {
                return errors.softmax(n, beta, s.operands, std::min(1.0, s.magnitude));
            };
        }
        case JointKind::maximum:
            return [errors](const FloatSizes&) { return errors.selection(); };
        case JointKind::movement:
            return {};
        default:
            break;
    }
    if (clamps(view)) {
        double moved = 0.0;
        if (op == "clip") {
            for (const double limit : {view.number("min"), view.number("max")}) {
                const double stored = FloatErrors::rounded(format_.activations, limit);
                if (stored != limit) moved = std::max(moved, std::fabs(numeric::sub_up(stored, limit)));
            }
            moved = moved == 0.0 ? 0.0 : numeric::next_up(moved);
        }
        return [errors, moved](const FloatSizes&) { return numeric::add_up(errors.selection(), moved); };
    }
    if (op == "tanh" || op == "sigmoid") {
        // The argument may have been flushed: neither function is steeper than 1.
        return [errors](const FloatSizes&) { return errors.function(1.0); };
    }
    throw UnsupportedOperatorError(view.message("has no floating-point rule yet. End the model before it"));
}

void FloatProgram::prepare(const NodeView& view) {
    if (is_folded(*graph_, view.node()) || view.op().name == "argmax") return;
    for (const TensorId t : {view.node().inputs[0], view.node().outputs[0]}) {
        if (graph_->tensor(t).dtype != DType::float32) {
            throw UnsupportedTypeError(
                view.message("tensor '" + graph_->tensor(t).name +
                             "' isn't float32; floating point needs the model before quantisation"));
        }
    }
    if (view.op().name == "batch_norm") {
        throw UnsupportedOperatorError(
            view.message("devices differ in how they normalise; fold it into the layer before, as converters do"));
    }
    if (view.op().real == nullptr) throw UnsupportedOperatorError(view.message("has no real rule"));
    Step& step = steps_[at(view.id())];
    step.error = error_of(view);
    step.real = view.op().real(view);
    step.clamp = clamp(view);
    if (view.op().joint == JointKind::affine) {
        step.map = map(view);
        step.map.pack();
    }
    step.constants.resize(view.input_count());
    for (std::size_t k = 0; k < view.input_count(); ++k) {
        if (!view.has_input(k) || !view.input(k).is_constant || !reads(view.op(), k)) continue;
        step.constants[k] = IntervalTensor(view.input(k).dims);
        step.constants[k].lo = step.constants[k].hi = constant(view, view.input(k));
    }
}

void FloatProgram::run(std::span<const IntervalTensor> box, std::vector<IntervalTensor>& ranges) const {
    const Graph& g = *graph_;
    ranges.assign(g.tensors.size(), {});
    const auto widen = [](IntervalTensor& x, std::size_t i, double error, RealClamp c) {
        const numeric::Interval z{numeric::sub_down(x.lo[i], error), numeric::add_up(x.hi[i], error)};
        const bool number = error < numeric::infinity && z.lo <= z.hi;
        store(x, i, number ? clamped(z, c) : numeric::Interval{-numeric::infinity, numeric::infinity});
    };
    constexpr RealClamp none{-numeric::infinity, numeric::infinity};
    for (std::size_t k = 0; k < box.size(); ++k) {
        IntervalTensor& x = ranges[at(g.inputs[k])];
        x = box[k];
        for (std::size_t i = 0; i < x.size(); ++i)
            widen(x, i, input_error(std::max(std::fabs(x.lo[i]), std::fabs(x.hi[i]))), none);
    }
    std::vector<const IntervalTensor*> in;
    for (std::size_t n = 0; n < steps_.size(); ++n) {
        const Step& step = steps_[n];
        if (!step.real) continue;
        const NodeView view(g, static_cast<NodeId>(n));
        in.clear();
        double operands = 0.0;
        for (std::size_t k = 0; k < view.input_count(); ++k) {
            in.push_back(nullptr);
            if (!view.has_input(k) || !reads(view.op(), k)) continue;
            in.back() = view.input(k).is_constant ? &step.constants[k] : &ranges[at(view.node().inputs[k])];
            if (in.back()->size() == 0)
                throw UnsupportedOperatorError(
                    view.message("input '" + view.input(k).name + "' comes from an operator that bounds can't follow"));
            operands = std::max(operands, magnitude(*in.back()));
        }
        IntervalTensor out(view.output().dims);
        IntervalTensor mass;
        const bool affine = view.op().joint == JointKind::affine;
        if (affine) {
            step.map.apply(*in[0], out);
            AffineMap absolute = step.map;
            absolute.packed.reset();
            for (double& w : absolute.weights) w = std::fabs(w);
            for (std::size_t c = 0; c < absolute.bias_lo.size(); ++c)
                absolute.bias_lo[c] = absolute.bias_hi[c] = std::fabs(absolute.bias_lo[c]);
            IntervalTensor size = *in[0];
            for (std::size_t i = 0; i < size.size(); ++i)
                size.lo[i] = size.hi[i] = std::max(std::fabs(size.lo[i]), std::fabs(size.hi[i]));
            mass = IntervalTensor(view.output().dims);
            absolute.apply(size, mass);
        } else {
            step.real(in, out);
        }
        for (std::size_t i = 0; i < out.size(); ++i) {
            // A fused activation has cut the exact result, whose magnitude before it is bounded by the operands'.
            double m = std::max(std::fabs(out.lo[i]), std::fabs(out.hi[i]));
            if (view.op().joint == JointKind::add) m = numeric::mul_up(2.0, operands);
            if (view.op().joint == JointKind::multiply) m = numeric::mul_up(operands, operands);
            if (view.op().joint == JointKind::average) m = operands;
            const FloatSizes sizes{m, affine ? mass.hi[i] : m, operands};
            widen(out, i, step.error ? step.error(sizes) : 0.0, step.clamp);
        }
        ranges[at(view.node().outputs[0])] = std::move(out);
    }
}

}  // namespace gonogo
