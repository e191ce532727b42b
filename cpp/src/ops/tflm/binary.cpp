// add, sub, mul of TFLite Micro.
#include "ops/tflm/binary.hpp"

#include "gonogo/error.hpp"

#include "ops/common.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace tflm {

namespace {

// Where each output element finds its operand; empty when the order is the same.
Indices operand_indices(const Shape& operand, const Shape& out) {
    if (operand == out) return {};
    const std::vector<std::int64_t> strides = broadcast_strides(operand, out);
    Indices indices(static_cast<std::size_t>(element_count(out)));
    std::vector<std::int64_t> position(out.size(), 0);
    std::int64_t offset = 0;
    for (std::int64_t& index : indices) {
        index = offset;
        for (std::size_t d = out.size(); d-- > 0;) {
            offset += strides[d];
            if (++position[d] < out[d]) break;
            offset -= strides[d] * out[d];
            position[d] = 0;
        }
    }
    return indices;
}

}  // namespace

Operand operand(const NodeView& node, std::size_t i) {
    const Tensor& tensor = node.input(i);
    const Shape& out = node.output().dims;
    Operand o{int8_tensor(node, tensor), {}, {}};
    const std::size_t skip = out.size() - tensor.dims.size();
    bool fits = tensor.dims.size() <= out.size();
    for (std::size_t d = 0; fits && d < tensor.dims.size(); ++d) {
        fits = tensor.dims[d] == 1 || tensor.dims[d] == out[d + skip];
    }
    if (!fits) {
        throw ShapeError(node.message("operand " + to_string(tensor.dims) + " doesn't broadcast to " + to_string(out)));
    }
    o.indices = operand_indices(tensor.dims, out);
    if (tensor.is_constant) o.constant = int8::constant_integers(node, tensor);
    return o;
}

}  // namespace tflm

namespace {

using numeric::Interval;
using tflm::Ends;
using tflm::Multiplier;
using tflm::Operand;

constexpr std::int64_t unit = 1 << 20;

// y = A(A(a 2^20; M_a) +- A(b 2^20; M_b); M_o) with M_a = s_a / T, M_b = s_b / T, M_o = T / (2^20 s_out), T = 2
// max(s_a, s_b). |a 2^20| < 2^28 and M_a, M_b <= 1/2: nothing leaves int32. Every step is monotone in each operand.
struct Sum {
    Multiplier ma, mb, mo;
    bool minus;

    std::int64_t value(std::int64_t a, std::int64_t b) const {
        const std::int64_t ua = tflm::requantize(a * unit, ma);
        const std::int64_t ub = tflm::requantize(b * unit, mb);
        return tflm::requantize(minus ? ua - ub : ua + ub, mo);
    }
    Ends range(Ends a, Ends b) const { return {value(a.lo, minus ? b.hi : b.lo), value(a.hi, minus ? b.lo : b.hi)}; }
};

// Theorem (add, sub). With r(m) the rounding error of Theorem A, f = (a s_a +- b s_b) / s_out and c_a = 2^20 value(M_a)
// value(M_o): |y - f| <= r(M_o) + value(M_o) (r(M_a) + r(M_b)) + |a| |c_a - s_a / s_out| + |b| |c_b - s_b / s_out|.
// The last two terms are bounded at the largest |a| and |b|: f may cancel, so they can't be relative to it.
Int8Kernel sum(const NodeView& node, bool minus) {
    const Operand a = tflm::operand(node, 0);
    const Operand b = tflm::operand(node, 1);
    const int8::Affine out = tflm::int8_tensor(node, node.output());
    Sum s{{}, {}, {}, minus};
    const double twice = 2.0 * std::max(a.scale(), b.scale());
    s.ma = tflm::quantize_multiplier_below_one(node, a.scale() / twice);
    s.mb = tflm::quantize_multiplier_below_one(node, b.scale() / twice);
    s.mo = tflm::quantize_multiplier_below_one(node, twice / (1048576.0 * static_cast<double>(out.scale)));
    const auto drift = [&](const Operand& o, Multiplier m) {
        const Interval used = Interval::point(value_of(m)) * Interval::point(tflm::value_of(s.mo)) *
                              Interval::point(static_cast<double>(unit));
        const Interval wanted = tflm::ratio(o.q.scale, out.scale);
        return Interval::point(static_cast<double>(o.reach())) * Interval::point((used - wanted).magnitude());
    };
    const Interval inner = Interval::point(tflm::rounding_error(s.ma)) + Interval::point(tflm::rounding_error(s.mb));
    Interval total = Interval::point(tflm::rounding_error(s.mo)) + Interval::point(tflm::value_of(s.mo)) * inner;
    total += drift(a, s.ma) + drift(b, s.mb);
    return tflm::binary(node, a, b, {total.hi, 0.0}, s);
}

// y = A(a b; s_a s_b / s_out); Theorem A as it stands. The product's range is the hull of its corners.
struct Product {
    Multiplier m;

    std::int64_t value(std::int64_t a, std::int64_t b) const { return tflm::requantize(a * b, m); }
    Ends range(Ends a, Ends b) const {
        const auto [lo, hi] = std::minmax({a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi});
        return {tflm::requantize(lo, m), tflm::requantize(hi, m)};
    }
};

}  // namespace

Int8Kernel tflm_add(const NodeView& node) {
    return sum(node, false);
}

Int8Kernel tflm_sub(const NodeView& node) {
    return sum(node, true);
}

Int8Kernel tflm_mul(const NodeView& node) {
    const Operand a = tflm::operand(node, 0);
    const Operand b = tflm::operand(node, 1);
    const double s_out = static_cast<double>(tflm::int8_tensor(node, node.output()).scale);
    const Product p{tflm::quantize_multiplier(a.scale() * b.scale() / s_out)};
    tflm::check_shift(node, a.reach() * b.reach(), p.m, "product");
    const Interval exact = Interval::point(a.scale()) * Interval::point(b.scale()) / Interval::point(s_out);
    return tflm::binary(node, a, b, tflm::requantize_error(p.m, exact), p);
}

}  // namespace gonogo
