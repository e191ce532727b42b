// add, sub, mul of XNNPACK; what it refuses runs on the built-in kernels, which are TFLite Micro's, in 16 bits.
#include "ops/tflm/binary.hpp"

#include <cmath>

#include "gonogo/error.hpp"

#include "ops/litert/litert.hpp"
#include "ops/ort/float_steps.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

using numeric::Interval;
using tflm::Ends;
using tflm::Operand;

// y = (a w_a +- b w_b + 2^(k-1)) >> k: ratios r = fl32(s / s_out), k = 20 - floor(log2(max r)), w = rne(r 2^k). The
// greater w lies in [2^20, 2^21], so |a w_a +- b w_b| < 2^30; r < 2^8 gives k >= 13, r >= 2^-10 gives k <= 30. Monotone
// in each operand.
struct Weighted {
    std::int64_t wa = 0, wb = 0;
    int shift = 0;

    std::int64_t value(std::int64_t a, std::int64_t b) const {
        return (a * wa + b * wb + (std::int64_t{1} << (shift - 1))) >> shift;
    }
    Ends range(Ends a, Ends b) const { return {value(a.lo, wb < 0 ? b.hi : b.lo), value(a.hi, wb < 0 ? b.lo : b.hi)}; }
};

// Theorem. With c = w / 2^k and f = (a s_a +- b s_b) / s_out: |y - f| <= 1/2 + |a| |c_a - s_a / s_out| + |b| |c_b - s_b
// / s_out|, taken at the largest |a| and |b|: the only rounding of the sum is the shift.
Int8Kernel weighted_sum(const NodeView& node, bool minus, Int8Kernel (*builtin)(const NodeView&)) {
    const Operand a = tflm::operand(node, 0);
    const Operand b = tflm::operand(node, 1);
    const float out = tflm::tflite_tensor(node, node.output()).scale;
    const float ra = a.q.scale / out;
    const float rb = b.q.scale / out;
    const auto taken = [](float r) { return r >= 0x1p-10F && r < 0x1p8F; };
    if (!taken(ra) || !taken(rb)) return builtin(node);
    Weighted w;
    w.shift = 20 - std::ilogb(std::max(ra, rb));
    const auto weight = [&](float r) {  // both steps are exact but the rounding: r has 24 bits
        return static_cast<std::int64_t>(std::nearbyint(std::ldexp(static_cast<double>(r), w.shift)));
    };
    w.wa = weight(ra);
    w.wb = minus ? -weight(rb) : weight(rb);
    const auto drift = [&](const Operand& o, std::int64_t used) {
        const Interval c = Interval::point(std::ldexp(static_cast<double>(std::abs(used)), -w.shift));
        return Interval::point(static_cast<double>(o.reach())) *
               Interval::point((c - tflm::ratio(o.q.scale, out)).magnitude());
    };
    const Interval total = Interval::point(0.5) + drift(a, w.wa) + drift(b, w.wb);
    return tflm::binary(node, a, b, {total.hi, 0.0}, w);
}

// y = rne(fl32(fl32(a b) s)), s = fl32(fl32(s_a s_b) / s_out): variant D; a b is exact in float32. Non-decreasing in
// the product, whose range is the hull of its corners.
struct FloatProduct {
    float factor;

    std::int64_t rounded(std::int64_t product) const {
        return ort::round_clamped(static_cast<float>(product) * factor, {-ort::wide, ort::wide}, 0);
    }
    std::int64_t value(std::int64_t a, std::int64_t b) const { return rounded(a * b); }
    Ends range(Ends a, Ends b) const {
        const auto [lo, hi] = std::minmax({a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi});
        return {rounded(lo), rounded(hi)};
    }
};

// LiteRT computes mul's multiplier in float32.
Int8Kernel float_ratio_product(const NodeView& node) {
    const float scales = tflm::operand(node, 0).q.scale * tflm::operand(node, 1).q.scale;
    return tflm::product(node, static_cast<double>(scales / tflm::tflite_tensor(node, node.output()).scale));
}

// The built-in add and mul are TFLite Micro's in vectors of 16-bit integers that wrap around. `steps` bounds the result
// without zero point, but for the rounding: two steps at most, as every multiplier here errs by less than 2^-30.
void need_16_bits(const NodeView& node, double steps) {
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    if (!(steps * (1.0 + 0x1p-20) + 2.0 + std::abs(out.zero_point) < 32767.0)) {
        throw OverflowRiskError(node.message("the result can reach " + std::to_string(steps) +
                                             " output steps, and LiteRT's built-in kernel keeps 16 bits; use a larger "
                                             "output scale"));
    }
}

double largest(const Operand& o) {
    return static_cast<double>(o.reach()) * o.scale();
}

}  // namespace

Int8Kernel litert_add(const NodeView& node) {
    const double sum = largest(tflm::operand(node, 0)) + largest(tflm::operand(node, 1));
    need_16_bits(node, sum / static_cast<double>(tflm::tflite_tensor(node, node.output()).scale));
    return tflm_add(node);
}

Int8Kernel litert_mul(const NodeView& node) {
    const double product = largest(tflm::operand(node, 0)) * largest(tflm::operand(node, 1));
    need_16_bits(node, product / static_cast<double>(tflm::tflite_tensor(node, node.output()).scale));
    return float_ratio_product(node);
}

Int8Kernel litert_ref_mul(const NodeView& node) {
    return float_ratio_product(node);
}

Int8Kernel xnnpack_add(const NodeView& node) {
    return weighted_sum(node, false, litert_add);
}

Int8Kernel xnnpack_sub(const NodeView& node) {
    return weighted_sum(node, true, tflm_sub);
}

Int8Kernel xnnpack_mul(const NodeView& node) {
    const Operand a = tflm::operand(node, 0);
    const Operand b = tflm::operand(node, 1);
    const float out = tflm::tflite_tensor(node, node.output()).scale;
    const float ratio = a.q.scale * b.q.scale / out;
    if (!(ratio >= 0x1p-16F && ratio < 0x1p8F)) return litert_mul(node);
    const FloatProduct p{ort::requantisation_factor(node, a.q.scale, b.q.scale, out)};
    return tflm::binary(node, a, b, {ort::half, ort::six_roundings}, p);
}

}  // namespace gonogo
