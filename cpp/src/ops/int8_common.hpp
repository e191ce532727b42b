// What the integer profiles share: storage and activation ranges, checked access to quantisation parameters and
// constants, exact accumulators and tables of unary functions. No rounding rule lives here: a profile adds
// its own requantisation on top.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
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

// Integers of int8, uint8 or int16. Throws UnsupportedTypeError for any other type.
ClampRange storage_range(const NodeView& node, const Tensor& tensor);

// Storage range of the output cut by the node's fused activation, as TFLite computes it: a bound b of the activation
// becomes zero_point + round_half_away(fl32(b / scale)). Without an attribute `activation` the storage range.
ClampRange activation_range(const NodeView& node);
ClampRange activation_range(const NodeView& node, std::string_view activation);

// Parameters of a tensor that must be int8, uint8 or int16, quantised per tensor with a positive finite scale and a
// zero point inside the storage range. Throws UnsupportedTypeError or QuantizationError.
struct Affine {
    float scale = 1.0F;
    std::int32_t zero_point = 0;
};
Affine per_tensor(const NodeView& node, const Tensor& tensor);

// The integers of a constant of type int8, uint8, int16 or int32. Throws ModelError when the values are absent or too
// few.
std::vector<std::int32_t> constant_integers(const NodeView& node, const Tensor& tensor);
// The same of a bias, int32 or int64. Throws OverflowRiskError from 2^47 on, beyond what the device's kernels take.
std::vector<std::int64_t> bias_integers(const NodeView& node, const Tensor& tensor);

// max |q - zero_point| over the storage range.
std::int64_t largest_centred(ClampRange storage, std::int32_t zero_point);

// ---- exact accumulators ---------------------------------------------------------------------------------------------

// Geometry and integers of a dense, conv2d or depthwise_conv2d node with constant weights. Throws when they don't fit.
struct LinearLayer {
    Window window;  // a dense layer is a 1x1 window over one column of rows
    bool depthwise = false;
    std::int64_t groups = 1;
    std::int64_t taps = 0;              // products per output
    std::vector<std::int16_t> weights;  // zero point removed, in the file's order
    std::vector<std::int64_t> masses;   // sum of |weights| of every output channel
    std::vector<std::int64_t> bias;     // of every output channel; zeros where there is none

    static LinearLayer dense(const NodeView& node);
    static LinearLayer conv2d(const NodeView& node);
    static LinearLayer depthwise_conv2d(const NodeView& node);

    std::int64_t inputs() const { return window.batch * window.in_h * window.in_w * window.in_c; }
    std::int64_t outputs() const { return window.batch * window.out_h * window.out_w * window.out_c; }
    std::int64_t channels() const { return window.out_c; }
    // The sums of weights times inputs from `lowest` to lowest + 255 and of `start`, one per channel or null.
    numeric::IntegerConvolution sums(std::int32_t lowest, std::int32_t zero, const std::int32_t* start) const;

    // f(channel, i) for all outputs i of the output tensor.
    template <class F>
    void each(F&& f) const {
        const std::int64_t n = channels();
        const std::int64_t inner = window.channels_first ? window.out_h * window.out_w : 1;
        if (inner > 1) {
            numeric::parallel_for(outputs() / inner, 8192 / inner + 1, [&](std::int64_t first, std::int64_t last) {
                for (std::int64_t row = first; row < last; ++row) {
                    for (std::int64_t i = 0; i < inner; ++i) f(row % n, row * inner + i);
                }
            });
            return;
        }
        numeric::parallel_for(outputs() / n, 8192 / n + 1, [&](std::int64_t first, std::int64_t last) {
            for (std::int64_t row = first; row < last; ++row) {
                for (std::int64_t c = 0; c < n; ++c) f(c, row * n + c);
            }
        });
    }

  private:
    void load(const NodeView& node, std::int64_t channel_axis);
};

// sum_k (w_k - zw_c) (x_k - z_x) + b_c for every output of a layer with 8-bit inputs. Construction proves, per channel,
// sum |w - zw| * max |q - z_x| + |b| < 2^31, so that no partial sum in any order leaves int32; otherwise it throws
// OverflowRiskError naming node and channel.
class LinearAccumulator {
  public:
    LinearAccumulator(const NodeView& node, LinearLayer layer);

    std::int64_t channels() const { return layer_.channels(); }
    // Proved bounds on |accumulator| of every channel, over all inputs of the storage type.
    std::span<const std::int64_t> bounds() const { return bounds_; }

    // f(channel, accumulator) for every output, in the order of the output tensor.
    template <class F>
    void point(const std::int32_t* x, std::int32_t* out, F&& f) const {
        sums_->point(x, out);
        finish(out, f);
    }
    // The same for the exact minimum and maximum of every accumulator over the box of inputs.
    template <class F>
    void range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi,
               F&& f) const {
        sums_->range(lo, hi, out_lo, out_hi);
        finish(out_lo, f);
        finish(out_hi, f);
    }

  private:
    template <class F>
    void finish(std::int32_t* values, F&& f) const {
        layer_.each([&](std::int64_t c, std::int64_t i) { values[i] = f(c, values[i]); });
    }

    LinearLayer layer_;  // without its weights
    std::shared_ptr<const numeric::IntegerConvolution> sums_;
    std::vector<std::int64_t> bounds_;
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
    int direction_ = 0;                                          // +1 non-decreasing, -1 non-increasing, 0 neither
    std::vector<std::pair<std::int32_t, std::int32_t>> blocks_;  // least and greatest of every 256 values, for 0
};

// A kernel that treats rows apart, by `state`: its rows, their depth, point_row and range_row.
template <class State>
void set_rows(Int8Kernel& kernel, const std::shared_ptr<State>& state) {
    kernel.point = [state](std::span<const std::int32_t* const> x, std::int32_t* y) {
        for (std::int64_t r = 0; r < state->rows; ++r) state->point_row(x[0] + r * state->depth, y + r * state->depth);
    };
    kernel.range = [state](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                           std::int32_t* out_lo, std::int32_t* out_hi) {
        for (std::int64_t r = 0; r < state->rows; ++r) {
            const std::int64_t at = r * state->depth;
            state->range_row(lo[0] + at, hi[0] + at, out_lo + at, out_hi + at);
        }
    };
}

// `point` and `range` of an element-wise table over `elements` elements of the node's first input.
Int8Kernel unary_kernel(UnaryTable table, std::int64_t elements, ClampRange clamp, Envelope envelope);

}  // namespace gonogo::int8
