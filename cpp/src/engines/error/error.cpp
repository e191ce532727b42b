#include "gonogo/engines/error.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <optional>
#include <stdexcept>
#include <string_view>

#include "gonogo/semantics/box.hpp"

#include "engines/error/saturation.hpp"
#include "engines/error/search.hpp"
#include "joint/compile.hpp"
#include "joint/integer_deployment.hpp"
#include "joint/make_deployment.hpp"
#include "linear/phases.hpp"
#include "linear/split.hpp"
#include "linear/turns.hpp"
#include "ops/elementwise.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

using namespace joint;

constexpr std::string_view limit_reached =
    "the limit of multiplications was reached: later layers are bounded by intervals alone; a higher limit gives "
    "sharper "
    "bounds";

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

}  // namespace

class ErrorSession::Run {
  public:
    Run(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed, std::vector<IntervalTensor> box,
        const ErrorOptions& options)
        : options_(options),
          box_(std::move(box)),
          reference_(reference),
          deployment_(make_deployment(deployed, options.device)),
          device_(*deployment_),
          pairing_(match(*reference, *deployed)) {}

    void first() {
        result_.notes = pairing_.notes;
        reference_.run(box_, real_);
        deployed_ = device_.ranges(box_);
        choose_targets();
        find_bounds();
        for (const Target& t : targets_) report(t);
        find_witnesses();
        if (options_.attribute) attribute();
        if (const auto* integers = dynamic_cast<const IntegerDeployment*>(&device_))
            result_.saturation = find_saturation(integers->program(), integers->integer_ranges(box_));
        result_.assumptions = device_.assumptions();
    }

    bool advance(double seconds) {
        if (options_.method == Method::interval) return true;
        if (interrupted_)
            throw std::runtime_error("splitting was interrupted by an error before; start another session to go on");
        // Parts on their way through a round are lost when it throws, and with them what makes the range one of all.
        interrupted_ = true;
        const bool done = split_for(seconds);
        interrupted_ = false;
        return done;
    }

    const ErrorResult& result() const { return result_; }

  private:
    bool split_for(double seconds) {
        const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
        if (!splitter_) begin_splitting();
        if (splitter_ == nullptr) return true;
        // Enough parts at once to keep all threads busy; large networks do that with one.
        const std::int64_t parts = joint_.system.blocks.back().size() > 0 && states_are_small() ? 32 : 1;
        using Clock = std::chrono::steady_clock;
        while (!decided() && !splitter_->finished() && Clock::now() < end) {
            const auto start = Clock::now();
            splitter_->round(parts, enough());
            take_bounds();
            const auto split = Clock::now();
            splitting_ += std::chrono::duration<double>(split - start).count();
            // Two thirds of the time are for the bounds, one for the witnesses.
            if (2.0 * searching_ > splitting_ || decided()) continue;
            search_->more(std::max<std::int64_t>(evaluations_ / 8, 8));
            take_witnesses();
            searching_ += std::chrono::duration<double>(Clock::now() - split).count();
        }
        result_.parts = splitter_->parts();
        if (sharpening_ && (sharpening_->finished() || sharpening_->stage() > Method::linear))
            std::erase(result_.notes, limit_reached);
        return decided() || splitter_->finished();
    }

    void find_bounds() {
        joint_ = compile(reference_.graph(), device_.graph(), pairing_, &device_);
        state_.push_back(known_state(start(joint_, box_), real_, deployed_));
        const linear::Solver solver(joint_.system);
        complete_ = solver.run(state_, {.method = options_.method, .multiplies = options_.multiplies});
        if (!complete_) result_.notes.emplace_back(limit_reached);
        if (options_.method == Method::interval) return;
        for (const Target& t : targets_) {
            const Variables& x = joint_.tensors[static_cast<std::size_t>(t.deployed)];
            if (x.d < 0) continue;
            std::vector<std::vector<std::int64_t>> all(1);
            for (std::int64_t e = 0; e < x.layout.block.size(); ++e) all[0].push_back(e);
            double enough = infinity;  // the outputs themselves are always worth it
            solver.refine(state_, x.d, all, enough, false,
                          options_.method == Method::optimised ? linear::most_rounds : 0);
        }
    }

    // A state with what interval propagation of either network says of every tensor.
    linear::BoxState known_state(linear::BoxState state, const std::vector<IntervalTensor>& real,
                                 const std::vector<IntervalTensor>& deployed) const {
        for (std::size_t t = 0; t < joint_.tensors.size(); ++t) {
            const Variables& x = joint_.tensors[t];
            if (x.r < 0 || x.d < 0) continue;
            const IntervalTensor& r = real[static_cast<std::size_t>(pairing_.reference_of[t])];
            const IntervalTensor& v = deployed[t];
            if (r.size() == 0 || v.size() != r.size()) continue;
            IntervalTensor d(v.shape);
            for (std::size_t i = 0; i < v.size(); ++i) store(d, i, load(v, i) - load(r, i));
            set_ranges(x, x.v, v, state);
            set_ranges(x, x.d, d, state);
            if (x.before < 0) continue;
            // What a clamp hasn't cut is the value before it; a value at a limit may have been any beyond.
            IntervalTensor before = v;
            for (std::size_t i = 0; i < v.size(); ++i) {
                if (!(v.lo[i] > x.clamp.lo)) before.lo[i] = -infinity;
                if (!(v.hi[i] < x.clamp.hi)) before.hi[i] = infinity;
            }
            set_ranges(x, x.before, before, state);
        }
        return state;
    }

    // ---- splitting

    bool states_are_small() const {
        std::int64_t values = 0;
        for (const linear::Block& b : joint_.system.blocks) values += b.size();
        return values < (1 << 16);
    }

    void begin_splitting() {
        std::vector<double> lower, upper;
        for (std::size_t t = 0; t < targets_.size(); ++t) {
            const TensorError& e = result_.tensors[t];
            if (!e.joint || (t > 0 && !options_.elements.empty())) continue;
            const Variables& x = joint_.tensors[static_cast<std::size_t>(targets_[t].deployed)];
            for (std::size_t i = 0; i < e.lower.size(); ++i) {
                const bool wanted =
                    options_.elements.empty() || std::find(options_.elements.begin(), options_.elements.end(),
                                                           static_cast<std::int64_t>(i)) != options_.elements.end();
                if (!wanted) continue;
                objectives_.push_back({t, i});
                split_.push_back({x.d, static_cast<std::int64_t>(x.layout.place(i))});
                lower.push_back(e.lower[i]);
                upper.push_back(e.upper[i]);
            }
        }
        if (objectives_.empty()) return;
        const bool many = live_inputs() > linear::most_inputs_to_halve;
        const auto begin = [this, many](std::vector<double> lo, std::vector<double> hi) {
            return many ? split_bends(lo, hi) : split_box(std::move(lo), std::move(hi));
        };
        // What the limit of multiplications left out. Slopes too where bends are split; parts of a box gain more.
        const Method reached = complete_ ? options_.method : Method::interval;
        sharpening_ = std::make_unique<linear::Sharpening>(joint_.system, state_, split_, reached,
                                                           many ? Method::optimised : Method::linear);
        if (sharpening_->finished()) {
            splitter_ = begin(std::move(lower), std::move(upper));
        } else {
            splitter_ = std::make_unique<linear::Turns>(*sharpening_, state_[0], split_, std::move(lower),
                                                        std::move(upper), options_.multiplies, begin);
        }
    }

    std::unique_ptr<linear::Splitting> split_bends(const std::vector<double>& lower,
                                                   const std::vector<double>& upper) const {
        return std::make_unique<linear::Phases>(joint_.system, split_, state_[0], lower, upper);
    }

    std::unique_ptr<linear::Splitting> split_box(std::vector<double> lower, std::vector<double> upper) const {
        linear::InputBox whole;
        for (const linear::BlockId b : joint_.inputs) {
            whole.lo.push_back(state_[0].block(b).lo);
            whole.hi.push_back(state_[0].block(b).hi);
        }
        auto boxes = std::make_unique<linear::Splitter>(
            joint_.system, split_, [this](const linear::InputBox& part) { return state_of(part); });
        boxes->begin(std::move(whole), std::move(lower), std::move(upper), options_.threshold.has_value());
        return boxes;
    }

    std::int64_t live_inputs() const {
        std::int64_t count = 0;
        for (const linear::BlockId b : joint_.inputs) {
            const linear::BlockState& x = state_[0].block(b);
            for (std::size_t i = 0; i < x.lo.size(); ++i) count += x.lo[i] < x.hi[i] ? 1 : 0;
        }
        return count;
    }

    // Nothing where no number of the part can be given to the device.
    std::optional<linear::BoxState> state_of(const linear::InputBox& part) const {
        std::vector<IntervalTensor> box;
        for (std::size_t k = 0; k < box_.size(); ++k) {
            box.push_back(input_box(joint_, k, part, box_[k].shape));
            for (std::size_t e = 0; e < box[k].size(); ++e) {
                if (!device_.admits(k, box[k].lo[e], box[k].hi[e])) return std::nullopt;
            }
        }
        // The system's own interval propagation says as much of two networks in real arithmetic.
        if (std::holds_alternative<RealArithmetic>(options_.device)) return start(joint_, box);
        std::vector<IntervalTensor> real;
        reference_.run(box, real);
        return known_state(start(joint_, box), real, device_.ranges(box));
    }

    // How large an objective may be and still needn't be looked at any more.
    std::vector<double> enough() const {
        std::vector<double> limits;
        for (const auto& [t, i] : objectives_)
            limits.push_back(options_.threshold.value_or((1.0 + options_.gap) * result_.tensors[t].witness[i]));
        return limits;
    }

    bool decided() const {
        if (!options_.threshold) return false;
        return std::any_of(objectives_.begin(), objectives_.end(), [&](const auto& o) {
            return result_.tensors[o.first].witness[o.second] > *options_.threshold;
        });
    }

    void take_bounds() {
        const std::vector<double> lower = splitter_->lower();
        const std::vector<double> upper = splitter_->upper();
        for (std::size_t k = 0; k < objectives_.size(); ++k) {
            TensorError& e = result_.tensors[objectives_[k].first];
            const std::size_t i = objectives_[k].second;
            e.lower[i] = std::max(e.lower[i], lower[k]);
            e.upper[i] = std::min(e.upper[i], upper[k]);
            e.bound[i] = numeric::Interval{e.lower[i], e.upper[i]}.magnitude();
            if (e.witness[i] > e.bound[i]) breach(e, i);
        }
    }

    // The invariant of every run. A breach is a defect of gonogo and must never pass as a result.
    [[noreturn]] static void breach(const TensorError& e, std::size_t element) {
        throw std::logic_error("tensor '" + e.name + "', element " + std::to_string(element) +
                               ": a witness exceeds the bound; please report this");
    }

    // Outputs, then the logits: what a final softmax or argmax reads.
    void choose_targets() {
        const Graph& d = device_.graph();
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

    void report(const Target& target) {
        const Tensor& t = device_.graph().tensor(target.deployed);
        TensorError e;
        e.name = t.name;
        e.reference_name = reference_.graph().tensor(target.reference).name;
        e.shape = t.dims;
        const Variables& x = joint_.tensors[static_cast<std::size_t>(target.deployed)];
        e.joint = x.d >= 0 && pairing_.reference_of[static_cast<std::size_t>(target.deployed)] == target.reference;
        const IntervalTensor difference = e.joint ? ranges_of(x, x.d, state_[0], t.dims) : IntervalTensor();
        const IntervalTensor& v = deployed_[static_cast<std::size_t>(target.deployed)];
        const IntervalTensor& r = real_[static_cast<std::size_t>(target.reference)];
        for (std::size_t i = 0; i < v.size(); ++i) {
            const numeric::Interval d = e.joint ? load(difference, i) : load(v, i) - load(r, i);
            e.lower.push_back(d.lo);
            e.upper.push_back(d.hi);
            e.bound.push_back(d.magnitude());
        }
        result_.tensors.push_back(std::move(e));
    }

    void find_witnesses() {
        std::int64_t macs = 1;
        for (std::size_t n = 0; n < device_.graph().nodes.size(); ++n) {
            const NodeView view(device_.graph(), static_cast<NodeId>(n));
            if (view.op().work != nullptr) {
                const Work w = view.op().work(view);
                macs += w.macs.constant() + w.other_operations.constant();
            }
        }
        evaluations_ = std::clamp<std::int64_t>(options_.search_multiplies / macs, 8, 4000);
        Lead lead{joint_,
                  options_.method == Method::interval ? nullptr : &state_[0],
                  {},
                  {},
                  options_.elements,
                  static_cast<double>(macs)};
        for (const TensorError& e : result_.tensors) {
            lead.lower.emplace_back(e.lower);
            lead.upper.emplace_back(e.upper);
        }
        search_ = std::make_unique<Search>(reference_, device_, box_, targets_, lead, evaluations_, options_.seed);
        take_witnesses();
    }

    void take_witnesses() {
        SearchResult found = search_->result();
        result_.evaluations = found.evaluations;
        for (std::size_t k = 0; k < targets_.size(); ++k) {
            TensorError& e = result_.tensors[k];
            e.witness = std::move(found.witnesses[k].value);
            e.worst_witness = found.witnesses[k].worst;
            e.worst_input = std::move(found.witnesses[k].input);
            for (std::size_t i = 0; i < e.bound.size(); ++i) {
                if (e.witness[i] > e.bound[i]) breach(e, i);
            }
        }
    }

    // What each layer would contribute alone; see LayerShare.
    void attribute() {
        const Graph& d = device_.graph();
        // Softmax squeezes everything into [0, 1] and would hide the layers: prefer the logits, which come last.
        const TensorId output = targets_.back().deployed;
        if (!result_.tensors.back().joint) return;
        result_.attributed = result_.tensors.back().name;
        double sum = 0.0;
        for (NodeId id = -1; id < static_cast<NodeId>(d.nodes.size()); ++id) {
            if (id >= 0 && pairing_.matches[static_cast<std::size_t>(id)].kind != Match::Kind::both &&
                !(d.node(id).op->name == "quantize" &&
                  pairing_.matches[static_cast<std::size_t>(id)].kind == Match::Kind::one_sided)) {
                continue;
            }
            const double alone = bound_alone(id, output);
            sum += alone;
            result_.per_layer.push_back({id < 0 ? "input" : d.node(id).name,
                                         id < 0 ? "quantize" : std::string(d.node(id).op->name), alone, 0.0});
            if (id >= 0 && d.node(id).outputs[0] == output) break;
        }
        for (LayerShare& layer : result_.per_layer)
            layer.share = sum > 0.0 && std::isfinite(sum) ? layer.alone / sum : 0.0;
    }

    // The hypothetical network in which only this node (-1: only the input quantiser) computes as deployed.
    class Alone final : public Deployment {
      public:
        Alone(const Deployment& device, NodeId node) : device_(device), node_(node) {}
        const Graph& graph() const override { return device_.graph(); }
        AffineMap map(const NodeView& view) const override { return device_.map(view); }
        std::vector<double> constant(const NodeView& view, const Tensor& tensor) const override {
            return device_.constant(view, tensor);
        }
        Rounding rounding(const NodeView& view) const override { return device_.rounding(view); }
        RealClamp clamp(const NodeView& view) const override { return device_.clamp(view); }
        bool exact(const NodeView& view) const override { return view.id() != node_; }
        Input input(std::size_t k) const override { return node_ < 0 ? device_.input(k) : Input{}; }
        std::vector<IntervalTensor> ranges(std::span<const IntervalTensor>) const override { return {}; }
        double settle(std::size_t, double x, double, double) const override { return x; }
        std::vector<Enclosure> evaluate(std::span<const std::vector<double>>, std::span<const TensorId>,
                                        int) const override {
            return {};
        }
        std::vector<std::string> assumptions() const override { return {}; }

      private:
        const Deployment& device_;
        NodeId node_;
    };

    double bound_alone(NodeId node, TensorId output) const {
        const Alone alone(device_, node);
        const Program program = compile(reference_.graph(), device_.graph(), pairing_, &alone);
        std::vector<linear::BoxState> state{start(program, box_)};
        linear::Solver(program.system).run(state, {.method = Method::interval});
        const linear::BlockState& d = state[0].block(program.tensors[static_cast<std::size_t>(output)].d);
        return *std::max_element(d.magnitude.begin(), d.magnitude.end());
    }

    ErrorOptions options_;
    std::vector<IntervalTensor> box_;
    RealProgram reference_;
    std::unique_ptr<const Deployment> deployment_;
    const Deployment& device_;
    Pairing pairing_;
    std::vector<IntervalTensor> real_;
    std::vector<IntervalTensor> deployed_;
    Program joint_;
    std::vector<linear::BoxState> state_;
    std::vector<Target> targets_;
    std::vector<std::pair<std::size_t, std::size_t>> objectives_;  // tensor and element
    std::vector<linear::Objective> split_;
    bool complete_ = true;  // the first bounds: no limit was reached
    std::unique_ptr<linear::Sharpening> sharpening_;
    std::unique_ptr<linear::Splitting> splitter_;
    std::unique_ptr<Search> search_;
    bool interrupted_ = false;
    std::int64_t evaluations_ = 0;              // of the first search
    double splitting_ = 0.0, searching_ = 0.0;  // seconds
    ErrorResult result_;
};

ErrorSession::ErrorSession(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed,
                           std::span<const IntervalTensor> box, const ErrorOptions& options) {
    if (reference == nullptr) reference = deployed;
    check_inputs_agree(*reference, *deployed);
    check_box(*deployed, box);
    run_ = std::make_unique<Run>(std::move(reference), deployed, device_box(*deployed, box, options.device), options);
    run_->first();
}

ErrorSession::~ErrorSession() = default;
ErrorSession::ErrorSession(ErrorSession&&) noexcept = default;
ErrorSession& ErrorSession::operator=(ErrorSession&&) noexcept = default;

bool ErrorSession::advance(double seconds) {
    return run_->advance(seconds);
}

ErrorResult ErrorSession::result() const {
    return run_->result();
}

ErrorResult error(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed,
                  std::span<const IntervalTensor> box, const ErrorOptions& options) {
    return ErrorSession(std::move(reference), std::move(deployed), box, options).result();
}

}  // namespace gonogo
