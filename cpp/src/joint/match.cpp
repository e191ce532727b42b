#include "joint/match.hpp"

#include <algorithm>

#include "gonogo/semantics/real.hpp"

#include "ops/affine.hpp"
#include "ops/averaging.hpp"
#include "ops/movement.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

bool is_clamp(std::string_view op) {
    return op == "relu" || op == "relu6" || op == "clip";
}

RealClamp clamp_of(const NodeView& view) {
    const std::string_view op = view.op().name;
    if (op == "relu") return {0.0, infinity};
    if (op == "relu6") return {0.0, 6.0};
    if (op == "clip") {
        const double hi = view.number("max");
        return {std::min(view.number("min"), hi), hi};
    }
    return activation_clamp(view);
}

namespace {

bool looks_through(std::string_view op) {
    return op == "reshape" || op == "identity" || op == "quantize" || op == "dequantize";
}

// clamp b after clamp a.
RealClamp after(RealClamp a, RealClamp b) {
    const auto cut = [&](double x) { return std::min(std::max(x, b.lo), b.hi); };
    return {cut(a.lo), cut(a.hi)};
}

bool same_family(std::string_view a, std::string_view b) {
    const auto average = [](std::string_view op) {
        return op == "average_pool2d" || op == "global_average_pool" || op == "mean";
    };
    return a == b || (is_clamp(a) && is_clamp(b)) || (average(a) && average(b));
}

bool same_operation(const NodeView& r, const NodeView& d) {
    const std::string_view op = d.op().name;
    switch (d.op().joint) {
        case JointKind::affine:
            return same_geometry(affine_map(r), affine_map(d));
        case JointKind::average:
        case JointKind::maximum: {
            const Averaging a = averaging_of(r);
            const Averaging b = averaging_of(d);
            return a.begin == b.begin && a.elements == b.elements && a.divisor == b.divisor;
        }
        case JointKind::movement: {
            if (r.input_count() != d.input_count() && op == "concat") return false;
            const Movement a = movement_of(r);
            const Movement b = movement_of(d);
            return a.plain == b.plain && a.sources.size() == b.sources.size() &&
                   std::equal(a.sources.begin(), a.sources.end(), b.sources.begin(),
                              [](const Movement::Source& x, const Movement::Source& y) {
                                  return x.input == y.input && x.element == y.element;
                              });
        }
        case JointKind::softmax:
            return r.input(0).elements() == d.input(0).elements() && !r.input(0).dims.empty() &&
                   !d.input(0).dims.empty() && r.number("beta") == d.number("beta") &&
                   checked_axis(r, r.integer("axis"), r.input(0).dims.size()) + 1 == r.input(0).dims.size() &&
                   checked_axis(d, d.integer("axis"), d.input(0).dims.size()) + 1 == d.input(0).dims.size() &&
                   r.input(0).dims.back() == d.input(0).dims.back();
        case JointKind::add:
        case JointKind::multiply:
            return r.output().dims == d.output().dims;
        case JointKind::univariate:
            return op != "leaky_relu" || r.number("alpha") == d.number("alpha");
        default:
            return false;
    }
}

class Matcher {
  public:
    Matcher(const Graph& reference, const Graph& deployed)
        : r_(reference), d_(deployed), used_(reference.nodes.size(), false) {
        pairing_.reference_of.assign(d_.tensors.size(), absent);
        pairing_.matches.resize(d_.nodes.size());
    }

    Pairing run() {
        const std::size_t inputs = std::min(r_.inputs.size(), d_.inputs.size());
        for (std::size_t i = 0; i < inputs; ++i) {
            if (r_.tensor(r_.inputs[i]).elements() == d_.tensor(d_.inputs[i]).elements())
                set(d_.inputs[i], r_.inputs[i]);
        }
        for (std::size_t n = 0; n < d_.nodes.size(); ++n) visit(static_cast<NodeId>(n));
        return std::move(pairing_);
    }

  private:
    TensorId of(TensorId t) const { return pairing_.reference_of[static_cast<std::size_t>(t)]; }
    void set(TensorId d, TensorId r) { pairing_.reference_of[static_cast<std::size_t>(d)] = canonical(r_, r); }

    void visit(NodeId id) {
        const Node& node = d_.node(id);
        const std::string_view op = node.op->name;
        if (is_folded(d_, node) || op == "argmax") return;
        Match& m = pairing_.matches[static_cast<std::size_t>(id)];
        const TensorId from = of(node.inputs[0]);
        if (looks_through(op)) {
            if (from == absent) return;
            const Tensor& in = d_.tensor(node.inputs[0]);
            const Tensor& out = d_.tensor(node.outputs[0]);
            // A kernel that only moves integers changes the value if the parameters differ.
            const bool moves = op == "reshape" || op == "identity";
            if (moves && in.is_quantized() &&
                (in.dtype != out.dtype || in.quantization->scales != out.quantization->scales ||
                 in.quantization->zero_points != out.quantization->zero_points)) {
                pairing_.notes.push_back(
                    d_.where(id) + ": input and output have different quantisation parameters; no counterpart assumed");
                return;
            }
            m.kind = Match::Kind::one_sided;
            pairing_.reference_of[static_cast<std::size_t>(node.outputs[0])] = from;
            return;
        }
        if (&r_ == &d_ && values_known(node)) {
            accept(id, id, m);
            return;
        }
        NodeId best = -1;
        int best_score = -1;
        for (std::size_t k = 0; k < r_.nodes.size() && &r_ != &d_; ++k) {
            if (used_[k] || !same_family(r_.nodes[k].op->name, op)) continue;
            const auto candidate = static_cast<NodeId>(k);
            if (!inputs_match(candidate, id, m) || !same_operation(NodeView(r_, candidate), NodeView(d_, id))) continue;
            const int score = resemblance(candidate, id);
            if (score > best_score) best = candidate, best_score = score;
        }
        if (best >= 0 && inputs_match(best, id, m)) {
            accept(best, id, m);
            return;
        }
        // An activation that the reference has fused into its previous operator: the value is already clamped there.
        if (is_clamp(op) && from != absent) {
            m.kind = Match::Kind::one_sided;
            pairing_.reference_of[static_cast<std::size_t>(node.outputs[0])] = from;
            return;
        }
        pairing_.notes.push_back(d_.where(id) +
                                 ": no counterpart in the reference; from here on two separate ranges are subtracted");
    }

    // Have all values that the node computes with a counterpart? One lost upstream is lost from there on.
    bool values_known(const Node& node) const {
        return std::all_of(node.inputs.begin(), node.inputs.end(), [&](TensorId t) {
            if (t == absent || d_.tensor(t).is_constant || of(t) != absent) return true;
            return d_.tensor(t).dtype != DType::float32 && !d_.tensor(t).is_quantized();  // a shape
        });
    }

    // Between branches of the same form: the one that ends in the same output, else the one of the same name, else the
    // first. A wrong guess is sound, it only bounds the difference of another pair than the user would choose.
    int resemblance(NodeId r, NodeId d) const {
        const TensorId a = r_.node(r).outputs[0];
        const TensorId b = d_.node(d).outputs[0];
        const auto place = [](const Graph& g, TensorId t) {
            const auto at = std::find(g.outputs.begin(), g.outputs.end(), t);
            return at == g.outputs.end() ? std::ptrdiff_t{-1} : at - g.outputs.begin();
        };
        return (place(r_, a) == place(d_, b) ? 2 : 0) + (r_.tensor(a).name == d_.tensor(b).name ? 1 : 0);
    }

    // Do the inputs of reference node r correspond to those of deployed node d? Commutative operators may swap them.
    bool inputs_match(NodeId r, NodeId d, Match& m) const {
        const Node& a = r_.node(r);
        const Node& b = d_.node(d);
        const bool weights = b.op->joint == JointKind::affine;
        const std::size_t count = weights || b.op->joint == JointKind::movement ? activations(b) : b.inputs.size();
        const auto fits = [&](std::size_t i, std::size_t k) {
            const TensorId x = a.inputs[i];
            const TensorId y = b.inputs[k];
            if (x == absent || y == absent) return false;
            if (r_.tensor(x).is_constant || d_.tensor(y).is_constant) {
                return r_.tensor(x).is_constant && d_.tensor(y).is_constant && r_.tensor(x).dims == d_.tensor(y).dims;
            }
            return of(y) != absent && canonical(r_, x) == of(y) &&
                   (b.op->joint == JointKind::affine || r_.tensor(x).dims == d_.tensor(y).dims || b.inputs.size() == 1);
        };
        if (a.inputs.size() < count) return false;
        const auto order = [&](bool swap) {
            m.reference_input.clear();
            for (std::size_t k = 0; k < count; ++k) {
                const std::size_t i = swap ? count - 1 - k : k;
                if (!fits(i, k)) return false;
                m.reference_input.push_back(i);
            }
            return true;
        };
        const bool commutes = (b.op->name == "add" || b.op->name == "mul") && count == 2;
        return order(false) || (commutes && order(true));
    }

    // Leading inputs that aren't weights or shape arguments.
    std::size_t activations(const Node& node) const {
        if (node.op->joint == JointKind::affine) return 1;
        return node.op->name == "concat" ? node.inputs.size() : 1;
    }

    void accept(NodeId r, NodeId d, Match& m) {
        used_[static_cast<std::size_t>(r)] = true;
        m.kind = Match::Kind::both;
        m.reference_node = r;
        if (m.reference_input.empty()) {
            for (std::size_t k = 0; k < d_.node(d).inputs.size(); ++k) m.reference_input.push_back(k);
        }
        const NodeView view(r_, r);
        m.reference_clamp = is_clamp(view.op().name) ? RealClamp{-infinity, infinity} : clamp_of(view);
        TensorId out = r_.node(r).outputs[0];
        for (;;) {
            const Tensor& t = r_.tensor(out);
            const bool is_output = std::find(r_.outputs.begin(), r_.outputs.end(), out) != r_.outputs.end();
            if (is_output || t.consumers.size() != 1) break;
            const NodeId next = t.consumers[0];
            const std::string_view op = r_.node(next).op->name;
            if (deployed_goes_on_with(d, op)) break;
            const bool plain = m.reference_clamp.lo == -infinity && m.reference_clamp.hi == infinity;
            if (op == "batch_norm" && plain && m.absorbed_norm < 0 && d_.node(d).op->joint == JointKind::affine &&
                normalises_channels(view, NodeView(r_, next))) {
                m.absorbed_norm = next;
            } else if (is_clamp(op) && d_.node(d).op->joint != JointKind::univariate) {
                m.reference_clamp = after(m.reference_clamp, clamp_of(NodeView(r_, next)));
            } else {
                break;
            }
            used_[static_cast<std::size_t>(next)] = true;
            out = r_.node(next).outputs[0];
        }
        set(d_.node(d).outputs[0], out);
    }

    // A batch_norm can be folded into an affine map only along the map's own output channels.
    static bool normalises_channels(const NodeView& map, const NodeView& norm) {
        const std::size_t rank = norm.input(0).dims.size();
        const bool first = map.has("layout") && map.text("layout") == "NCHW";
        return rank > 0 && checked_axis(norm, norm.integer("axis"), rank) == (first ? 1 : rank - 1);
    }

    bool deployed_goes_on_with(NodeId d, std::string_view op) const {
        const Tensor& out = d_.tensor(d_.node(d).outputs[0]);
        return std::any_of(out.consumers.begin(), out.consumers.end(),
                           [&](NodeId n) { return same_family(d_.node(n).op->name, op); });
    }

    const Graph& r_;
    const Graph& d_;
    std::vector<bool> used_;
    Pairing pairing_;
};

}  // namespace

TensorId canonical(const Graph& graph, TensorId tensor) {
    for (;;) {
        const NodeId producer = graph.tensor(tensor).producer;
        if (producer < 0 || !looks_through(graph.node(producer).op->name)) return tensor;
        tensor = graph.node(producer).inputs[0];
    }
}

Pairing match(const Graph& reference, const Graph& deployed) {
    return Matcher(reference, deployed).run();
}

}  // namespace gonogo::joint
