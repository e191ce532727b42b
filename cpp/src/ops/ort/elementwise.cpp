// add, sub, mul with numpy broadcasting.
#include "ops/elementwise.hpp"

#include <cmath>
#include <memory>

#include "gonogo/error.hpp"

#include "ops/ort/float_steps.hpp"
#include "ops/ort/ort.hpp"

namespace gonogo {

namespace {

using int8::Affine;

using ort::Operand;

struct Pair {
    Operand a, b;
    Affine out;
    ClampRange storage;
    ort::FloatRange range;
    Walk walk;

    explicit Pair(const NodeView& node)
        : a(node, 0),
          b(node, 1),
          out(int8::per_tensor(node, node.output())),
          storage(int8::storage_range(node, node.output())),
          range(ort::FloatRange::of(storage, out.zero_point)),
          walk(a.dims(), b.dims(), node.output().dims) {}
    bool one_type() const { return a.storage().lo == b.storage().lo && a.storage().lo == storage.lo; }
};

// f(qa, qb) is the float32 value that is rounded (zero point not included), monotone in each argument on its own.
// `sign` = -1: decreasing in b; 0: any sign (all four corners are taken).
template <class F>
Int8Kernel pair_kernel(std::shared_ptr<const Pair> self, F f, int sign, Envelope envelope) {
    Int8Kernel kernel;
    kernel.clamp = self->storage;
    kernel.envelope = envelope;
    kernel.point = [self, f](std::span<const std::int32_t* const> in, std::int32_t* out) {
        const std::int32_t* a = self->a.data(in);
        const std::int32_t* b = self->b.data(in);
        self->walk.each([&](std::size_t i, std::size_t ia, std::size_t ib) { out[i] = f(a[ia], b[ib], self->range); });
    };
    const auto enclose = [self, f, sign](ort::FloatRange range) {
        return [self, f, sign, range](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                                      std::int32_t* out_lo, std::int32_t* out_hi) {
            const std::int32_t* al = self->a.data(lo);
            const std::int32_t* ah = self->a.data(hi);
            const std::int32_t* bl = self->b.data(lo);
            const std::int32_t* bh = self->b.data(hi);
            self->walk.each([&](std::size_t i, std::size_t ia, std::size_t ib) {
                if (sign != 0) {
                    out_lo[i] = f(al[ia], sign > 0 ? bl[ib] : bh[ib], range);
                    out_hi[i] = f(ah[ia], sign > 0 ? bh[ib] : bl[ib], range);
                    return;
                }
                const std::int32_t corner[4] = {f(al[ia], bl[ib], range), f(al[ia], bh[ib], range),
                                                f(ah[ia], bl[ib], range), f(ah[ia], bh[ib], range)};
                out_lo[i] = *std::min_element(corner, corner + 4);
                out_hi[i] = *std::max_element(corner, corner + 4);
            });
        };
    };
    kernel.range = enclose(self->range);
    kernel.unclamped_range = enclose({-ort::wide, ort::wide});
    return kernel;
}

std::shared_ptr<const Pair> make_pair(const NodeView& node) {
    ort::need_integers(node);
    return std::make_shared<const Pair>(node);
}

// DequantizeLinear, one float32 operation, QuantizeLinear: what the runtime does when it doesn't fuse.
// Theorem. D and the operation round once each, the quotient once: |v - f| <= 2^-22 (|f_a| + |f_b|), where f_a, f_b are
// the operands (for mul: their product) over s_y; bounded by the largest representable operands.
template <class Operation>
Int8Kernel float_kernel(std::shared_ptr<const Pair> self, Operation operation, int sign, bool product) {
    const ort::Quantizer q(self->out, self->storage);
    const Affine a = self->a.affine();
    const Affine b = self->b.affine();
    const double ra = self->a.largest() * static_cast<double>(a.scale);
    const double rb = self->b.largest() * static_cast<double>(b.scale);
    const double largest = (product ? ra * rb : ra + rb) / static_cast<double>(q.scale);
    const auto f = [=](std::int32_t qa, std::int32_t qb, ort::FloatRange range) {
        return ort::round_clamped(operation(ort::dequantize(qa, a), ort::dequantize(qb, b)) / q.scale, range,
                                  q.zero_point);
    };
    return pair_kernel(std::move(self), f, sign, {ort::half + largest * 0x1.01p-22, 0.0});
}

// How QLinearAdd's AVX2 kernel orders its fused operations. `vector` is the operand that varies inside the innermost
// span, `scalar` the one that doesn't; with two vectors `first` is a.
struct AddSteps {
    float ra, rb, fixed_ab, fixed_ba;
    float zero_point;

    // z_c - (r_a z_a + r_b z_b), with the product named first fused.
    AddSteps(Affine a, Affine b, Affine c)
        : ra(a.scale / c.scale),
          rb(b.scale / c.scale),
          fixed_ab(static_cast<float>(c.zero_point) -
                   std::fma(ra, static_cast<float>(a.zero_point), rb * static_cast<float>(b.zero_point))),
          fixed_ba(static_cast<float>(c.zero_point) -
                   std::fma(rb, static_cast<float>(b.zero_point), ra * static_cast<float>(a.zero_point))),
          zero_point(static_cast<float>(c.zero_point)) {}
    // Both operands vary, or only a: b enters first.
    float b_first(float a, float b) const { return std::fma(a, ra, std::fma(b, rb, fixed_ab)); }
    // Only b varies: a enters first.
    float a_first(float a, float b) const { return std::fma(b, rb, std::fma(a, ra, fixed_ba)); }
};

// The runtime aligns the dimensions that both operands have, from the last. In the innermost of them that isn't one for
// both, an operand of length one is a scalar; when there is none, each output is a span of its own and a is the scalar.
// An operand of rank 0 counts as one dimension of length one.
bool first_is_scalar(const Shape& a, const Shape& b) {
    for (std::size_t i = 1; i <= std::max<std::size_t>(std::min(a.size(), b.size()), 1); ++i) {
        const std::int64_t da = a.empty() ? 1 : a[a.size() - i];
        const std::int64_t db = b.empty() ? 1 : b[b.size() - i];
        if (da > 1 || db > 1) return da == 1;
    }
    return true;
}

// The runtime may move transposes across a broadcast add when the graph has NCHW windows, which changes the order.
bool layout_matters(const NodeView& node, const Pair& pair) {
    if (pair.a.dims() == pair.b.dims() || node.output().dims.size() < 3) return false;
    if (element_count(pair.a.dims()) == 1 || element_count(pair.b.dims()) == 1) return false;
    for (const Node& n : node.graph().nodes) {
        const auto layout = n.attributes.find("layout");
        if (layout != n.attributes.end() && std::get<std::string>(layout->second) == "NCHW") return true;
    }
    return false;
}

}  // namespace

// Theorem (QLinearAdd). v is built from r_a = fl(s_a / s_c), r_b and the fixed part with one rounding per step, seven
// in all, each relative to an intermediate of at most S = |z_c| + r_a (|a| + |z_a|) + r_b (|b| + |z_b|): |v - f - z_c|
// <= 8 * 2^-24 S. fma is monotone, so v grows with a and with b, and rne(v) keeps that.
Int8Kernel ort_add(const NodeView& node) {
    const auto self = make_pair(node);
    if (!self->one_type()) {
        return float_kernel(self, [](float x, float y) { return x + y; }, 1, false);
    }
    const AddSteps steps(self->a.affine(), self->b.affine(), self->out);
    const double reach = 255.0 + 510.0 * (static_cast<double>(steps.ra) + static_cast<double>(steps.rb));
    if (!ort::is_normal(steps.ra) || !ort::is_normal(steps.rb) || !(reach < 0x1p21)) {
        throw QuantizationError(node.message("the scales of the operands and of the output are too far apart"));
    }
    const bool a_scalar = first_is_scalar(self->a.dims(), self->b.dims());
    if (layout_matters(node, *self)) {
        for (std::int32_t qa = self->storage.lo; qa <= self->storage.hi; ++qa) {
            for (std::int32_t qb = self->storage.lo; qb <= self->storage.hi; ++qb) {
                const auto a = static_cast<float>(qa);
                const auto b = static_cast<float>(qb);
                if (ort::nearest_even(steps.b_first(a, b)) != ort::nearest_even(steps.a_first(a, b))) {
                    throw UnsupportedOperatorError(node.message(
                        "a broadcast add whose rounding depends on the memory layout that ONNX Runtime "
                        "chooses (first for " +
                        std::to_string(qa) + " + " + std::to_string(qb) + "); fold the smaller operand into a bias"));
                }
            }
        }
    }
    // The zero point is inside v, and added before rounding.
    const auto f = [steps, a_scalar, z = self->out.zero_point](std::int32_t qa, std::int32_t qb,
                                                               ort::FloatRange range) {
        const auto a = static_cast<float>(qa);
        const auto b = static_cast<float>(qb);
        const float v = a_scalar ? steps.a_first(a, b) : steps.b_first(a, b);
        const auto zero = static_cast<float>(z);
        return static_cast<std::int32_t>(ort::nearest_even(ort::limit(v, {range.lo + zero, range.hi + zero})));
    };
    return pair_kernel(self, f, 1, {ort::half + reach * 0x1p-21, 0.0});
}

Int8Kernel ort_sub(const NodeView& node) {
    return float_kernel(make_pair(node), [](float x, float y) { return x - y; }, -1, false);
}

// Theorem (QLinearMul). P = (a - z_a)(b - z_b) is exact in int32 and in float32 (|P| <= 65025). v = fl(fl(P r) + z_c),
// r = fl(fl(s_a s_b) / s_c): three relative roundings on f and one on f + z_c, so |v - f - z_c| <= 2^-21 |f| + 2^-15.
// v is monotone in P, and P takes its extremes at the corners of the box.
Int8Kernel ort_mul(const NodeView& node) {
    const auto self = make_pair(node);
    if (!self->one_type()) {
        return float_kernel(self, [](float x, float y) { return x * y; }, 0, true);
    }
    const Affine a = self->a.affine();
    const Affine b = self->b.affine();
    const float factor = ort::requantisation_factor(node, a.scale, b.scale, self->out.scale);
    if (!(static_cast<double>(factor) * 65025.0 < 0x1p30)) {
        throw QuantizationError(node.message("the product leaves int32 at the output's scale; the scale is too small"));
    }
    const auto f = [a, b, factor, z = self->out.zero_point](std::int32_t qa, std::int32_t qb, ort::FloatRange range) {
        const auto product = static_cast<float>((qa - a.zero_point) * (qb - b.zero_point));
        const auto zero = static_cast<float>(z);
        const float v = product * factor + zero;
        return static_cast<std::int32_t>(ort::nearest_even(ort::limit(v, {range.lo + zero, range.hi + zero})));
    };
    return pair_kernel(self, f, 0, {ort::half + 0x1p-15, ort::six_roundings});
}

}  // namespace gonogo
