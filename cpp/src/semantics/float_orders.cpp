// Some of the evaluations that a floating-point device may perform, exactly as it would: witnesses, not bounds.
#include <algorithm>
#include <cmath>

#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/interval.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "ops/averaging.hpp"
#include "ops/elementwise.hpp"
#include "ops/movement.hpp"
#include "semantics/float_program.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

using Order = FloatProgram::Order;

// Operations of one format on numbers of it held in binary64, which has more than twice the digits: rounding twice is
// innocuous for + and x.
class Arithmetic {
  public:
    Arithmetic(const numeric::FloatFormat& format, bool flushes)
        : format_(format),
          single_(format == numeric::binary32),
          twice_(format == numeric::binary64),
          least_(flushes ? numeric::smallest_normal(format) : 0.0) {}

    double round(double x) const {
        const double y =
            twice_ ? x : (single_ ? static_cast<double>(static_cast<float>(x)) : FloatErrors::rounded(format_, x));
        return std::fabs(y) < least_ ? 0.0 : y;
    }
    double read(double x) const { return std::fabs(x) < least_ ? 0.0 : x; }
    double add(double a, double b) const { return round(a + b); }
    double multiply(double a, double b) const { return round(a * b); }
    // fl(a b + c): the product is exact in binary64, the sum is rounded to odd there before it is rounded again.
    double fused(double a, double b, double c) const {
        if (twice_) return a * b + c;  // in two roundings, which fusing doesn't exclude
        const auto [s, e] = numeric::detail::two_sum(a * b, c);
        if (e == 0.0 || !numeric::detail::is_finite(e)) return round(s);
        std::int64_t bits = std::bit_cast<std::int64_t>(s);
        if (bits % 2 == 0) bits += (e > 0.0) == (s > 0.0) ? 1 : -1;
        return round(std::bit_cast<double>(bits));
    }

  private:
    numeric::FloatFormat format_;
    bool single_, twice_;
    double least_;
};

// One dot product: the terms first, then the bias, or the bias first.
double sum_of(const Arithmetic& a, Order order, std::span<const double> w, std::span<const double> x, double bias) {
    const std::size_t n = w.size();
    const auto chain = [&](double start, std::size_t first, std::size_t step, bool fused) {
        double s = start;
        for (std::size_t i = first; i < n; i += step)
            s = fused ? a.fused(w[i], x[i], s) : a.add(s, a.multiply(w[i], x[i]));
        return s;
    };
    switch (order) {
        case Order::reversed: {
            double s = 0.0;
            for (std::size_t i = n; i-- > 0;) s = a.add(s, a.multiply(w[i], x[i]));
            return a.add(s, bias);
        }
        case Order::pairwise: {
            std::vector<double> level(n);
            for (std::size_t i = 0; i < n; ++i) level[i] = a.multiply(w[i], x[i]);
            level.push_back(bias);
            while (level.size() > 1) {
                std::vector<double> next;
                for (std::size_t i = 0; i + 1 < level.size(); i += 2) next.push_back(a.add(level[i], level[i + 1]));
                if (level.size() % 2 == 1) next.push_back(level.back());
                level = std::move(next);
            }
            return level[0];
        }
        case Order::lanes:
        case Order::fused_lanes: {
            double lane[8];
            for (std::size_t l = 0; l < 8; ++l) lane[l] = chain(0.0, l, 8, order == Order::fused_lanes);
            double s = lane[0];
            for (std::size_t l = 1; l < 8; ++l) s = a.add(s, lane[l]);
            return a.add(s, bias);
        }
        default:
            return chain(bias, 0, 1, order == Order::fused);
    }
}

struct Gather {
    std::vector<double> w, x;
};

// The terms of one output of a map, those inside the image.
void gather(const AffineMap& map, const std::vector<double>& in, std::int64_t pixel, std::int64_t channel, Gather& to) {
    const Window& w = map.window;
    to.w.clear();
    to.x.clear();
    const std::int64_t n = pixel / (w.out_h * w.out_w);
    const std::int64_t oh = pixel / w.out_w % w.out_h;
    const std::int64_t ow = pixel % w.out_w;
    const std::int64_t in_group = map.depthwise ? 1 : w.in_c / map.groups;
    const std::int64_t out_group = w.out_c / map.groups;
    const std::int64_t g = map.depthwise ? 0 : channel / out_group;
    const Window::Taps rows = w.rows(oh);
    const Window::Taps columns = w.columns(ow);
    for (std::int64_t kh = rows.first; kh < rows.last; ++kh) {
        for (std::int64_t kw = columns.first; kw < columns.last; ++kw) {
            const std::int64_t ih = oh * w.stride_h - w.pad_top + kh * w.dilation_h;
            const std::int64_t iw = ow * w.stride_w - w.pad_left + kw * w.dilation_w;
            const std::int64_t tap = kh * w.kernel_w + kw;
            for (std::int64_t k = 0; k < in_group; ++k) {
                const std::int64_t c = map.depthwise ? channel / (w.out_c / w.in_c) : g * in_group + k;
                const std::int64_t i = w.channels_first ? ((n * w.in_c + c) * w.in_h + ih) * w.in_w + iw
                                                        : ((n * w.in_h + ih) * w.in_w + iw) * w.in_c + c;
                to.x.push_back(in[at(i)]);
                to.w.push_back(map.weights[at(map.depthwise ? tap * w.out_c + channel
                                                            : ((g * map.taps() + tap) * in_group + k) * out_group +
                                                                  channel % out_group)]);
            }
        }
    }
}

void softmax(const Arithmetic& sums, const NodeView& view, const std::vector<double>& x, std::vector<double>& out) {
    const auto n = static_cast<std::size_t>(view.input(0).dims.back());
    for (std::size_t row = 0; n > 0 && row < x.size(); row += n) {
        const double most = *std::max_element(&x[row], &x[row] + n);
        double total = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            const double t = sums.multiply(sums.add(x[row + i], -most), view.number("beta"));
            out[row + i] = sums.round(numeric::exp(numeric::Interval::point(t)).lo);
            total = sums.add(total, out[row + i]);
        }
        for (std::size_t i = 0; i < n; ++i) out[row + i] = sums.round(out[row + i] / total);
    }
}

}  // namespace

void FloatProgram::evaluate(std::span<const std::vector<double>> point, Order order,
                            std::vector<std::vector<double>>& values) const {
    const Graph& g = *graph_;
    values.resize(g.tensors.size());
    const Arithmetic stored(format_.activations, order == Order::flushed);
    const Arithmetic sums(order == Order::wide ? numeric::binary64 : format_.accumulator, order == Order::flushed);
    const Arithmetic rounded(format_.accumulator, order == Order::flushed);
    const Arithmetic weights(format_.weights, order == Order::flushed);
    const auto store = [&](double x) { return stored.round(rounded.round(x)); };
    for (std::size_t k = 0; k < point.size(); ++k) {
        std::vector<double>& x = values[at(g.inputs[k])];
        x = point[k];
        for (double& v : x) v = stored.round(v);
    }
    for (std::size_t n = 0; n < steps_.size(); ++n) {
        const Step& step = steps_[n];
        if (!step.real) continue;
        const NodeView view(g, static_cast<NodeId>(n));
        const auto operand = [&](std::size_t k) -> const std::vector<double>& {
            return view.input(k).is_constant ? step.constants[k].lo : values[at(view.node().inputs[k])];
        };
        const std::vector<double>& x = operand(0);
        std::vector<double> out(at(view.output().elements()));
        switch (view.op().joint) {
            case JointKind::affine: {
                const Window& w = step.map.window;
                Gather terms;
                for (std::int64_t p = 0; p < w.batch * w.out_h * w.out_w; ++p) {
                    for (std::int64_t c = 0; c < w.out_c; ++c) {
                        gather(step.map, x, p, c, terms);
                        for (double& v : terms.w) v = weights.read(v);
                        for (double& v : terms.x) v = stored.read(v);
                        const std::int64_t pixels = w.out_h * w.out_w;
                        const std::int64_t o =
                            w.channels_first ? (p / pixels * w.out_c + c) * pixels + p % pixels : p * w.out_c + c;
                        out[at(o)] = store(sum_of(sums, order, terms.w, terms.x, step.map.bias_lo[at(c)]));
                    }
                }
                break;
            }
            case JointKind::add:
            case JointKind::multiply: {
                const std::vector<double>& y = operand(1);
                const bool product = view.op().joint == JointKind::multiply;
                const double sign = view.op().name == "sub" ? -1.0 : 1.0;
                Walk(view.input(0).dims, view.input(1).dims, view.output().dims)
                    .each([&](std::size_t o, std::size_t i, std::size_t j) {
                        out[o] = stored.round(product ? x[i] * y[j] : x[i] + sign * y[j]);
                    });
                break;
            }
            case JointKind::average:
            case JointKind::maximum: {
                const Averaging plan = averaging_of(view);
                for (std::size_t o = 0; o < out.size(); ++o) {
                    const std::span<const std::int64_t> members = plan.members(o);
                    double s = x[at(members[0])];
                    for (const std::int64_t i : members.subspan(1))
                        s = view.op().joint == JointKind::maximum ? std::max(s, x[at(i)]) : sums.add(s, x[at(i)]);
                    if (view.op().joint == JointKind::average) s = sums.round(s / static_cast<double>(plan.divisor[o]));
                    out[o] = store(s);
                }
                break;
            }
            case JointKind::movement: {
                const Movement movement = movement_of(view);
                for (std::size_t o = 0; o < out.size(); ++o) {
                    const Movement::Source s = movement.source(o);
                    out[o] = s.input < 0 ? movement.fill : operand(at(s.input))[at(s.element)];
                }
                break;
            }
            case JointKind::softmax:
                softmax(rounded, view, x, out);
                for (double& v : out) v = stored.round(v);
                break;
            default: {
                const std::string_view op = view.op().name;
                for (std::size_t i = 0; i < out.size(); ++i) {
                    const numeric::Interval z = numeric::Interval::point(x[i]);
                    if (op == "tanh") {
                        out[i] = stored.round(numeric::tanh(z).lo);
                    } else if (op == "sigmoid") {
                        out[i] = stored.round(numeric::sigmoid(z).lo);
                    } else if (op == "clip") {
                        const double hi = stored.round(view.number("max"));
                        out[i] = std::min(std::max(x[i], std::min(stored.round(view.number("min")), hi)), hi);
                    } else {
                        out[i] = std::min(std::max(x[i], 0.0), op == "relu6" ? 6.0 : numeric::infinity);
                    }
                }
            }
        }
        for (double& v : out) v = std::min(std::max(v, step.clamp.lo), step.clamp.hi);
        values[at(view.node().outputs[0])] = std::move(out);
    }
}

}  // namespace gonogo
