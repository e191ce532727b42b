// The float32 steps that ONNX Runtime's kernels are made of, and operands that may be constants. All of it assumes
// round-to-nearest (the engines run under EnvironmentGuard) and no contraction.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <vector>

#include "ops/int8_common.hpp"

namespace gonogo::ort {

using int8::Affine;

// Nearest integer of |v| <= 2^22, ties to even: adding 1.5 * 2^23 leaves no bits below 1.
inline float nearest_even(float v) {
    constexpr float shift = 12582912.0F;
    return (v + shift) - shift;
}

// Limit for results without clamp: far outside every 8-bit type, and inside the domain of nearest_even.
inline constexpr float wide = 4194304.0F;

// Storage limits with the zero point removed, as float32 (exact: integers below 2^10).
struct FloatRange {
    float lo, hi;
    static FloatRange of(ClampRange range, std::int32_t zero_point) {
        return {static_cast<float>(range.lo - zero_point), static_cast<float>(range.hi - zero_point)};
    }
};

// min(max(v, lo), hi) as MAXPS and MINPS compute it: NaN gives lo.
inline float limit(float v, FloatRange r) {
    const float above = v > r.lo ? v : r.lo;
    return above < r.hi ? above : r.hi;
}

// Variant D: rne(clamp(v)) + zero point. Clamping first changes nothing: rne is monotone and keeps integers.
inline std::int32_t round_clamped(float v, FloatRange r, std::int32_t zero_point) {
    return static_cast<std::int32_t>(nearest_even(limit(v, r))) + zero_point;
}

// QuantizeLinear: divides in float32.
struct Quantizer {
    float scale;
    std::int32_t zero_point;
    FloatRange range;

    Quantizer(Affine q, ClampRange storage)
        : scale(q.scale), zero_point(q.zero_point), range(FloatRange::of(storage, q.zero_point)) {}
    std::int32_t operator()(float v) const { return round_clamped(v / scale, range, zero_point); }
    std::int32_t unclamped(float v) const { return round_clamped(v / scale, {-wide, wide}, zero_point); }
};

// DequantizeLinear: the difference is exact, one rounding.
inline float dequantize(std::int32_t q, Affine a) {
    return static_cast<float>(q - a.zero_point) * a.scale;
}

inline bool is_normal(float v) {
    return v >= 0x1p-126F && v <= 0x1.fffffep127F;
}

// fl(fl(sx * sw) / sy): the requantisation factor of QLinearConv, QLinearMatMul, QGemm and QLinearMul. Throws
// QuantizationError unless every step is a normal number: then each has a relative error of at most 2^-24.
float requantisation_factor(const NodeView& node, float sx, float sw, float sy);

// A relative bound for up to six float32 roundings: (1 + 2^-24)^6 - 1 < 2^-21.
inline constexpr double six_roundings = 0x1p-21;
// Absolute part of every float32 kernel: half for the last rounding, and an allowance for results below 2^-126.
inline constexpr double half = 0.5 + 0x1p-100;

// An input as integers: the engine's pointer, or an own copy of a constant.
class Operand {
  public:
    Operand(const NodeView& node, std::size_t index)
        : index_(index),
          affine_(int8::per_tensor(node, node.input(index))),
          storage_(int8::storage_range(node, node.input(index))),
          dims_(node.input(index).dims) {
        if (node.input(index).is_constant) {
            constant_ =
                std::make_shared<const std::vector<std::int32_t>>(int8::constant_integers(node, node.input(index)));
        }
    }
    const std::int32_t* data(std::span<const std::int32_t* const> in) const {
        return constant_ ? constant_->data() : in[index_];
    }
    Affine affine() const { return affine_; }
    ClampRange storage() const { return storage_; }
    const Shape& dims() const { return dims_; }
    // max |q - zero_point|
    double largest() const { return static_cast<double>(int8::largest_centred(storage_, affine_.zero_point)); }

  private:
    std::size_t index_;
    Affine affine_;
    ClampRange storage_;
    Shape dims_;
    std::shared_ptr<const std::vector<std::int32_t>> constant_;
};

// Throws unless the node runs on integers: first input and output are int8 or uint8 with per-tensor scales.
void need_integers(const NodeView& node);
// Throws unless the first input is computed: the engine passes no pointer for constants.
void need_activation(const NodeView& node);
// As both of these, and input and output of one type: otherwise the runtime leaves the operator in float32.
void need_fused(const NodeView& node);
// True when input and output have the same type, scale and zero point: elements move unchanged.
bool same_parameters(const Tensor& a, const Tensor& b);

// The table of DequantizeLinear, then QuantizeLinear, between two parameter sets; the identity when they are the same.
std::vector<std::int32_t> conversion_table(const NodeView& node, const Tensor& from, const Tensor& to);

}  // namespace gonogo::ort
