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
    Operand o{tflite_tensor(node, tensor), int8::storage_range(node, tensor), {}, {}};
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

// y = A(A(a U; M_a) +- A(b U; M_b); M_o) with M_a = s_a / T, M_b = s_b / T, M_o = T / (U s_out), T = 2 max(s_a, s_b); U
// = 2^20, 2^15 of int16. |a U| <= 2^30 and M_a, M_b <= 1/2: nothing leaves int32. Every step is monotone in each
// operand.
struct Sum {
    std::int64_t unit;
    Multiplier ma, mb, mo;
    bool minus;

    std::int64_t value(std::int64_t a, std::int64_t b) const {
        const std::int64_t ua = tflm::requantize(a * unit, ma);
        const std::int64_t ub = tflm::requantize(b * unit, mb);
        return tflm::requantize(minus ? ua - ub : ua + ub, mo);
    }
    Ends range(Ends a, Ends b) const { return {value(a.lo, minus ? b.hi : b.lo), value(a.hi, minus ? b.lo : b.hi)}; }
};

// Theorem (add, sub). With r(m) the rounding error of Theorem A, f = (a s_a +- b s_b) / s_out and c_a = U value(M_a)
// value(M_o): |y - f| <= r(M_o) + value(M_o) (r(M_a) + r(M_b)) + |a| |c_a - s_a / s_out| + |b| |c_b - s_b / s_out|.
// The last two terms are bounded at the largest |a| and |b|: f may cancel, so they can't be relative to it.
Int8Kernel sum(const NodeView& node, bool minus) {
    const Operand a = tflm::operand(node, 0);
    const Operand b = tflm::operand(node, 1);
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    Sum s{std::int64_t{1} << (node.output().dtype == DType::int16 ? 15 : 20), {}, {}, {}, minus};
    const double twice = 2.0 * std::max(a.scale(), b.scale());
    s.ma = tflm::quantize_multiplier_below_one(node, a.scale() / twice);
    s.mb = tflm::quantize_multiplier_below_one(node, b.scale() / twice);
    s.mo = tflm::quantize_multiplier_below_one(node,
                                               twice / (static_cast<double>(s.unit) * static_cast<double>(out.scale)));
    const auto drift = [&](const Operand& o, Multiplier m) {
        const Interval used = Interval::point(value_of(m)) * Interval::point(tflm::value_of(s.mo)) *
                              Interval::point(static_cast<double>(s.unit));
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

Int8Kernel tflm::product(const NodeView& node, double ratio) {
    const Operand a = operand(node, 0);
    const Operand b = operand(node, 1);
    const Product p{quantize_multiplier(ratio)};
    check_shift(node, a.reach() * b.reach(), p.m, "product");
    const Interval exact =
        Interval::point(a.scale()) * tflm::ratio(b.q.scale, tflite_tensor(node, node.output()).scale);
    return binary(node, a, b, requantize_error(p.m, exact), p);
}

Int8Kernel tflm_mul(const NodeView& node) {
    const double product = tflm::operand(node, 0).scale() * tflm::operand(node, 1).scale();
    return tflm::product(node, product / static_cast<double>(tflm::tflite_tensor(node, node.output()).scale));
}

}  // namespace gonogo
