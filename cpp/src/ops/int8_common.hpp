// What the integer profiles share: storage and activation ranges, checked access to quantisation parameters and
// constants, exact int32 accumulators and 256-entry tables. No rounding rule lives here: a profile adds
// its own requantisation on top.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gonogo/numeric/integer_dot.hpp"
#include "gonogo/numeric/parallel.hpp"
#include "gonogo/ops/int8.hpp"

#include "ops/window.hpp"

namespace gonogo::int8 {

// ---- ranges and parameters ------------------------------------------------------------------------------------------

inline std::int32_t clamp(std::int64_t value, ClampRange range) {
    return static_cast<std::int32_t>(value < range.lo ? range.lo : (value > range.hi ? range.hi : value));
}

// [-128, 127] or [0, 255]. Throws UnsupportedTypeError for any other type.
ClampRange storage_range(const NodeView& node, const Tensor& tensor);

// Storage range of the output cut by the node's fused activation, as TFLite computes it: a bound b of the activation
// becomes zero_point + round_half_away(fl32(b / scale)). Without an attribute `activation` the storage range.
ClampRange activation_range(const NodeView& node);
ClampRange activation_range(const NodeView& node, std::string_view activation);

// Parameters of a tensor that must be int8 or uint8, quantised per tensor with a positive finite scale and a zero point
// inside the storage range. Throws UnsupportedTypeError or QuantizationError.
struct Affine {
    float scale = 1.0F;
    std::int32_t zero_point = 0;
};
Affine per_tensor(const NodeView& node, const Tensor& tensor);

// The integers of a constant of type int8, uint8 or int32. Throws ModelError when the values are absent or too few.
std::vector<std::int32_t> constant_integers(const NodeView& node, const Tensor& tensor);

// max |q - zero_point| over the storage range.
std::int64_t largest_centred(ClampRange storage, std::int32_t zero_point);

// ---- exact accumulators ---------------------------------------------------------------------------------------------

// sum_k (w_k - zw_c) (x_k - z_x) + b_c for every output of a dense, conv2d or depthwise_conv2d node with constant
// weights. Construction proves, per channel, sum |w - zw| * max |q - z_x| + |b| < 2^31, so that no partial sum in any
// order leaves int32; otherwise it throws OverflowRiskError naming node and channel.
class LinearAccumulator {
  public:
    static LinearAccumulator dense(const NodeView& node);
    static LinearAccumulator conv2d(const NodeView& node);
    static LinearAccumulator depthwise_conv2d(const NodeView& node);

    std::int64_t inputs() const { return window_.batch * window_.in_h * window_.in_w * window_.in_c; }
    std::int64_t outputs() const { return window_.batch * window_.out_h * window_.out_w * window_.out_c; }
    std::int64_t channels() const { return window_.out_c; }
    // Proved bound on |accumulator| of a channel, over all inputs of the storage type.
    std::int64_t bound(std::int64_t channel) const { return bound_[static_cast<std::size_t>(channel)]; }

    // Accumulators in the order of the output tensor.
    void point(const std::int32_t* x, std::int32_t* acc) const { sums_->point(x, acc); }
    // Exact minimum and maximum of every accumulator over the box of inputs.
    void range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* acc_lo, std::int32_t* acc_hi) const {
        sums_->range(lo, hi, acc_lo, acc_hi);
    }

    // values[i] = f(channel of i, values[i]) for all outputs, in place: the profile's requantisation.
    template <class F>
    void finish(std::int32_t* values, F&& f) const {
        const std::int64_t inner = window_.channels_first ? window_.out_h * window_.out_w : 1;
        if (inner > 1) {
            numeric::parallel_for(outputs() / inner, 8192 / inner + 1, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t row = first; row < last; ++row) {
                    std::int32_t* const at = values + row * inner;
                    for (std::int64_t i = 0; i < inner; ++i) at[i] = f(row % channels(), at[i]);
                }
            });
            return;
        }
        const std::int64_t n = channels();
        numeric::parallel_for(outputs() / n, 8192 / n + 1, [&](std::int64_t first, std::int64_t last) {
            for (std::int32_t* at = values + first * n; at != values + last * n; at += n) {
                for (std::int64_t c = 0; c < n; ++c) at[c] = f(c, at[c]);
            }
        });
    }

  private:
    void load(const NodeView& node, std::int64_t channel_axis);

    Window window_;  // a dense layer is a 1x1 window over one column of rows
    bool depthwise_ = false;
    std::int64_t groups_ = 1;
    std::int64_t taps_ = 0;  // products per output
    std::shared_ptr<const numeric::IntegerConvolution> sums_;
    std::vector<std::int64_t> bound_;
};

// ---- unary tables ---------------------------------------------------------------------------------------------------

// A function of one stored integer, given by enumeration of the input's storage range.
class UnaryTable {
  public:
    UnaryTable(ClampRange domain, std::vector<std::int32_t> values);

    std::int32_t operator()(std::int32_t q) const { return values_[index(q)]; }
    // Exact minimum and maximum over [lo, hi].
    void range(std::int32_t lo, std::int32_t hi, std::int32_t& out_lo, std::int32_t& out_hi) const;

  private:
    std::size_t index(std::int32_t q) const { return static_cast<std::size_t>(clamp(q, domain_) - domain_.lo); }
    ClampRange domain_;
    std::vector<std::int32_t> values_;
    int direction_ = 0;  // +1 non-decreasing, -1 non-increasing, 0 neither
};

// `point` and `range` of an element-wise table over `elements` elements of the node's first input.
Int8Kernel unary_kernel(UnaryTable table, std::int64_t elements, ClampRange clamp, Envelope envelope);

}  // namespace gonogo::int8
