#include "gonogo/engines/error.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "gonogo/semantics/box.hpp"

#include "engines/error/match.hpp"
#include "engines/error/pair_rules.hpp"
#include "engines/error/propagate.hpp"
#include "engines/error/saturation.hpp"
#include "engines/error/search.hpp"
#include "ops/elementwise.hpp"
#include "ops/ort/ort.hpp"
#include "semantics/quantizer.hpp"

namespace gonogo {

namespace {

using namespace joint;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::vector<std::int64_t> without_ones(const Shape& shape) {
    std::vector<std::int64_t> out;
    std::copy_if(shape.begin(), shape.end(), std::back_inserter(out), [](std::int64_t d) { return d != 1; });
    return out;
}

void check_inputs_agree(const Graph& reference, const Graph& deployed) {
    if (reference.inputs.size() != deployed.inputs.size()) {
        throw ShapeError(deployed.source + " has " + std::to_string(deployed.inputs.size()) +
                         " inputs, the reference " + reference.source + " has " +
                         std::to_string(reference.inputs.size()));
    }
    const auto names = [](const Graph& g) {
        std::vector<std::string> list;
        for (const TensorId t : g.inputs) list.push_back(g.tensor(t).name);
        return list;
    };
    std::vector<std::string> own = names(deployed);
    std::vector<std::string> other = names(reference);
    if (own != other && std::is_permutation(own.begin(), own.end(), other.begin())) {
        throw ShapeError(deployed.source + " and its reference " + reference.source +
                         " have the same inputs in another order; export both with one order");
    }
    for (std::size_t k = 0; k < deployed.inputs.size(); ++k) {
        const Tensor& d = deployed.tensor(deployed.inputs[k]);
        const Tensor& r = reference.tensor(reference.inputs[k]);
        if (without_ones(d.dims) != without_ones(r.dims)) {
            throw ShapeError("input '" + d.name + "' of " + deployed.source + " has shape " + to_string(d.dims) +
                             ", the reference's input '" + r.name + "' has " + to_string(r.dims) +
                             "; both models must take the same input in the same layout");
        }
    }
}

class ErrorRun {
  public:
    ErrorRun(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed,
             std::span<const IntervalTensor> box, const ErrorOptions& options)
        : options_(options),
          box_(box),
          reference_(reference),
          program_(deployed, options.profile),
          pairing_(match(*reference, *deployed)) {}

    ErrorResult run() {
        const Graph& d = program_.graph();
        result_.notes = pairing_.notes;
        reference_.run(box_, real_);
        std::vector<DeviceRange> inputs;
        for (std::size_t k = 0; k < box_.size(); ++k) inputs.push_back(quantize_box(d.tensor(d.inputs[k]), box_[k]));
        program_.run(std::span<const DeviceRange>(inputs), integer_);
        deployed_.resize(d.tensors.size());
        for (std::size_t t = 0; t < integer_.size(); ++t) {
            if (!integer_[t].integers.lo.empty() || integer_[t].floats.size() > 0)
                deployed_[t] = real_range(d.tensors[t], integer_[t]);
        }
        choose_targets();
        const JointPass pass(reference_.graph(), program_, pairing_, {real_, deployed_});
        std::vector<IntervalTensor> difference(d.tensors.size());
        start(difference);
        pass.run(difference);
        for (const Target& t : targets_) report(t, difference[static_cast<std::size_t>(t.deployed)]);
        find_witnesses();
        if (options_.attribute) attribute(pass);
        result_.saturation = find_saturation(program_, integer_);
        state_assumptions();
        return std::move(result_);
    }

  private:
    // Difference at the inputs: the quantiser's rounding, then its clamp; nothing for float inputs.
    void start(std::vector<IntervalTensor>& difference) const {
        const Graph& d = program_.graph();
        for (std::size_t k = 0; k < d.inputs.size(); ++k) {
            const auto at = static_cast<std::size_t>(d.inputs[k]);
            const Tensor& t = d.tensors[at];
            IntervalTensor delta(t.dims);
            if (t.is_quantized()) {
                const double step = numeric::mul_up(static_cast<double>(t.quantization->scale()), quantizer_steps);
                const ClampRange limits = storage_limits(t);
                const RealClamp phi{dequantized(*t.quantization, limits.lo), dequantized(*t.quantization, limits.hi)};
                for (std::size_t i = 0; i < delta.size(); ++i) {
                    const Interval r = load(box_[k], i);
                    store(delta, i,
                          meet(clamp_pair(r, {-step, step}, phi, {-infinity, infinity}), load(deployed_[at], i) - r));
                }
            }
            difference[at] = std::move(delta);
        }
    }

    // Outputs, then the logits: what a final softmax or argmax reads.
    void choose_targets() {
        const Graph& d = program_.graph();
        const Graph& r = reference_.graph();
        if (!options_.tensor.empty()) {
            const TensorId t = d.find(options_.tensor);
            if (!d.tensor(t).is_constant) add_target(t, pairing_.reference_of[static_cast<std::size_t>(t)]);
            if (targets_.empty()) {
                throw UnsupportedOperatorError(
                    d.source + ": tensor '" + options_.tensor +
                    "' can't be compared: it is a constant, a decision, or nothing in the reference corresponds to it");
            }
            return;
        }
        if (d.outputs.size() != r.outputs.size()) {
            throw ShapeError(d.source + " has " + std::to_string(d.outputs.size()) + " outputs, the reference " +
                             r.source + " has " + std::to_string(r.outputs.size()) + "; name the tensor to compare");
        }
        for (std::size_t k = 0; k < d.outputs.size(); ++k) {
            TensorId t = d.outputs[k];
            TensorId other = r.outputs[k];
            if (decision(d, t)) {
                result_.notes.push_back("output '" + d.tensor(t).name +
                                        "' is a decision (argmax); the error bound is that of its input");
                t = d.node(d.tensor(t).producer).inputs[0];
                if (decision(r, other)) other = r.node(r.tensor(other).producer).inputs[0];
            }
            other = canonical(r, other);
            // The reference's own output k, whatever the matching made of it.
            if (pairing_.reference_of[static_cast<std::size_t>(t)] != other) {
                result_.notes.push_back("output '" + d.tensor(t).name +
                                        "': the matching doesn't lead to the reference's output '" +
                                        r.tensor(other).name + "'; two separate ranges are subtracted");
            }
            const std::size_t before = targets_.size();
            add_target(t, other);
            if (targets_.size() == before) {
                throw ShapeError(d.source + ": output '" + d.tensor(t).name + "' " + to_string(d.tensor(t).dims) +
                                 " can't be compared with the reference's '" + r.tensor(other).name + "' " +
                                 to_string(r.tensor(other).dims) + "; name the tensor to compare");
            }
        }
        const std::size_t outputs = targets_.size();
        for (std::size_t k = 0; k < outputs; ++k) {
            TensorId t = targets_[k].deployed;
            while (d.tensor(t).producer >= 0 && is_relay(d, t)) t = d.node(d.tensor(t).producer).inputs[0];
            if (d.tensor(t).producer < 0 || d.node(d.tensor(t).producer).op->name != "softmax") continue;
            const TensorId logits = d.node(d.tensor(t).producer).inputs[0];
            const TensorId other = pairing_.reference_of[static_cast<std::size_t>(logits)];
            if (other != absent) add_target(logits, other);
        }
    }

    static bool decision(const Graph& g, TensorId t) {
        return g.tensor(t).producer >= 0 && g.node(g.tensor(t).producer).op->name == "argmax";
    }
    static bool is_relay(const Graph& g, TensorId t) {
        const std::string_view op = g.node(g.tensor(t).producer).op->name;
        return op == "dequantize" || op == "quantize" || op == "reshape" || op == "identity";
    }

    void add_target(TensorId d, TensorId r) {
        if (r == absent) return;
        const IntervalTensor& v = deployed_[static_cast<std::size_t>(d)];
        if (v.size() == 0 || v.size() != real_[static_cast<std::size_t>(r)].size()) return;
        targets_.push_back({d, r});
    }

    void report(const Target& target, const IntervalTensor& difference) {
        const Tensor& t = program_.graph().tensor(target.deployed);
        TensorError e;
        e.name = t.name;
        e.reference_name = reference_.graph().tensor(target.reference).name;
        e.shape = t.dims;
        e.joint = difference.size() > 0 &&
                  pairing_.reference_of[static_cast<std::size_t>(target.deployed)] == target.reference;
        const IntervalTensor& v = deployed_[static_cast<std::size_t>(target.deployed)];
        const IntervalTensor& r = real_[static_cast<std::size_t>(target.reference)];
        for (std::size_t i = 0; i < v.size(); ++i) {
            const Interval d = e.joint ? load(difference, i) : load(v, i) - load(r, i);
            e.lower.push_back(d.lo);
            e.upper.push_back(d.hi);
            e.bound.push_back(d.magnitude());
        }
        result_.tensors.push_back(std::move(e));
    }

    void find_witnesses() {
        std::int64_t macs = 1;
        for (std::size_t n = 0; n < program_.graph().nodes.size(); ++n) {
            const NodeView view(program_.graph(), static_cast<NodeId>(n));
            if (view.op().work != nullptr) {
                const Work w = view.op().work(view);
                macs += w.macs.constant() + w.other_operations.constant();
            }
        }
        const std::int64_t evaluations = std::clamp<std::int64_t>(options_.search_multiplies / macs, 8, 4000);
        SearchResult found = search(reference_, program_, box_, targets_, evaluations, options_.seed);
        result_.evaluations = found.evaluations;
        for (std::size_t k = 0; k < targets_.size(); ++k) {
            TensorError& e = result_.tensors[k];
            e.witness = std::move(found.witnesses[k].value);
            e.worst_witness = found.witnesses[k].worst;
            e.worst_input = std::move(found.witnesses[k].input);
            for (std::size_t i = 0; i < e.bound.size(); ++i) {
                // The invariant of every run. A breach is a defect of gonogo and must never pass as a result.
                if (e.witness[i] > e.bound[i]) {
                    throw std::logic_error("tensor '" + e.name + "', element " + std::to_string(i) +
                                           ": a witness exceeds the bound; please report this");
                }
            }
        }
    }

    // What each layer would contribute alone; see LayerShare.
    void attribute(const JointPass& pass) {
        const Graph& d = program_.graph();
        // Softmax squeezes everything into [0, 1] and would hide the layers: prefer the logits, which come last.
        const TensorId output = targets_.back().deployed;
        if (!result_.tensors.back().joint) return;
        result_.attributed = result_.tensors.back().name;
        std::vector<IntervalTensor> input(d.tensors.size());
        start(input);
        double sum = 0.0;
        for (NodeId id = -1; id < static_cast<NodeId>(d.nodes.size()); ++id) {
            if (id >= 0 && pairing_.matches[static_cast<std::size_t>(id)].kind != Match::Kind::both &&
                !(d.node(id).op->name == "quantize" &&
                  pairing_.matches[static_cast<std::size_t>(id)].kind == Match::Kind::one_sided)) {
                continue;
            }
            const IntervalTensor difference = pass.run_alone(input, id, output);
            double alone = 0.0;
            for (std::size_t i = 0; i < difference.size(); ++i)
                alone = std::max(alone, load(difference, i).magnitude());
            sum += alone;
            result_.per_layer.push_back({id < 0 ? "input" : d.node(id).name,
                                         id < 0 ? "quantize" : std::string(d.node(id).op->name), alone, 0.0});
            if (id >= 0 && d.node(id).outputs[0] == output) break;
        }
        for (LayerShare& layer : result_.per_layer)
            layer.share = sum > 0.0 && std::isfinite(sum) ? layer.alone / sum : 0.0;
    }

    void state_assumptions() {
        const Graph& d = program_.graph();
        result_.assumptions.push_back(assumption_of(options_.profile));
        for (std::size_t n = 0; n < d.nodes.size(); ++n) {
            for (const LeftOut& gap : program_.kernel(static_cast<NodeId>(n)).left_out) {
                result_.assumptions.push_back("profile " + std::string(name_of(gap.profile)) +
                                              " isn't among the mixture: " + gap.reason);
            }
        }
        const bool ort = options_.profile == Profile::ort || options_.profile == Profile::any;
        for (const TensorId t : d.inputs) {
            if (d.tensor(t).is_quantized()) {
                result_.assumptions.push_back("input '" + d.tensor(t).name +
                                              "' is quantised to a nearest integer, ties either way, and saturated");
            } else {
                result_.assumptions.push_back(
                    "input '" + d.tensor(t).name +
                    "' reaches both networks as the same float32 numbers; ends of the box that aren't were widened");
            }
        }
        for (std::size_t n = 0; ort && n < d.nodes.size(); ++n) {
            const std::string text = ort_machine_assumption(NodeView(d, static_cast<NodeId>(n)));
            if (!text.empty()) result_.assumptions.push_back(text);
        }
    }

    ErrorOptions options_;
    std::span<const IntervalTensor> box_;
    RealProgram reference_;
    IntegerProgram program_;
    Pairing pairing_;
    std::vector<IntervalTensor> real_;
    std::vector<DeviceRange> integer_;
    std::vector<IntervalTensor> deployed_;
    std::vector<Target> targets_;
    ErrorResult result_;
};

}  // namespace

ErrorResult error(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed,
                  std::span<const IntervalTensor> box, const ErrorOptions& options) {
    if (reference == nullptr) reference = deployed;
    check_inputs_agree(*reference, *deployed);
    check_box(*deployed, box);
    const std::vector<IntervalTensor> settled = settle_box(*deployed, box);
    return ErrorRun(std::move(reference), std::move(deployed), settled, options).run();
}

}  // namespace gonogo
