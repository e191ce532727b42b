// softmax of LiteRT's built-in kernels on x86-64 (XNNPACK doesn't take it): T[d] = expf(fl32(-fl32(s_in beta) d)), d =
// max
// - q; S = sum of T in float32, in order; y = round(fl32(T v)), ties away, v = fl32(1 / fl32(S / 256)); stored: y -
// 128.
#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "gonogo/error.hpp"

#include "ops/common.hpp"
#include "ops/litert/faithful.hpp"
#include "ops/litert/litert.hpp"
#include "ops/tflm/requantize.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

using litert::Floats;
using numeric::Interval;

struct Softmax {
    std::int64_t depth = 0;
    std::int64_t rows = 0;
    std::vector<Floats> table;    // what T[d] may be
    std::vector<Interval> power;  // power[k + 255] encloses exp(beta s k), |k| <= 255
    double error = 0.0;           // E of the theorem
    std::string message;

    static std::int32_t stored(float t, float sum) {
        const float inverse = 1.0F / (sum * 0x1p-8F);
        return int8::clamp(static_cast<std::int64_t>(std::round(t * inverse)) - 128, {-128, 127});
    }
    // What the device may store for the integers x. Sum, quotient and product round monotonically: the ends of the
    // table's entries give the ends of the outputs.
    void bracket(const std::int32_t* x, std::int32_t* lo, std::int32_t* hi) const {
        const std::int32_t greatest = *std::max_element(x, x + depth);
        Floats sum{0.0F, 0.0F};
        const auto entry = [&](std::int64_t j) { return table[at(greatest - x[j])]; };
        for (std::int64_t j = 0; j < depth; ++j) sum = {sum.lo + entry(j).lo, sum.hi + entry(j).hi};
        for (std::int64_t j = 0; j < depth; ++j) {
            lo[j] = stored(entry(j).lo, sum.hi);
            hi[j] = stored(entry(j).hi, sum.lo);
        }
    }
    void point_row(const std::int32_t* x, std::int32_t* y) const {
        std::vector<std::int32_t> hi(at(depth));
        bracket(x, y, hi.data());
        if (!std::equal(hi.begin(), hi.end(), y)) {
            throw UnsupportedOperatorError(message +
                                           "at this input the device's answer depends on the last bits of its expf");
        }
    }
    void range_row(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi) const;
};

// p_k = 1 / (1 + sum_{j != k} exp(beta s (x_j - x_k))) is greatest at (hi_k, lo_j) and least at (lo_k, hi_j); the
// device's value before the last rounding is within `error` of 256 p_k.
void Softmax::range_row(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo,
                        std::int32_t* out_hi) const {
    if (std::equal(lo, lo + depth, hi)) return bracket(lo, out_lo, out_hi);
    const auto rounded = [](double v) {
        return int8::clamp(static_cast<std::int64_t>(std::round(std::min(std::max(v, -1.0), 512.0))) - 128,
                           {-128, 127});
    };
    for (std::int64_t k = 0; k < depth; ++k) {
        Interval least = Interval::point(1.0);
        Interval most = Interval::point(1.0);
        for (std::int64_t j = 0; j < depth; ++j) {
            if (j == k) continue;
            least = least + power[at(lo[j] - hi[k] + 255)];
            most = most + power[at(hi[j] - lo[k] + 255)];
        }
        const Interval scale = Interval::point(256.0);
        out_hi[k] = rounded((scale / least + Interval::point(error)).hi);
        out_lo[k] = rounded((scale / most - Interval::point(error)).lo);
    }
}

}  // namespace

// Theorem. Let e_d = exp(-beta s_in d), n the row length, p the real softmax and t = T_i / sum T exactly. As for TFLite
// Micro's softmax, with the table in both places: |t - p| <= max_d |T_d - e_d| + max_{d>0} |T_d - e_d| / (1 / (n - 1) +
// e_d + T_d). The float32 sum of non-negative terms errs by at most (n - 1) 2^-24 relatively, quotient and product by
// 2^-24 each, the factor 256 is exact: the value v before the rounding satisfies |v - 256 t| <= 256 (n + 2) 2^-24 for n
// <= 2^16. So |v - 256 p| <= E, the sum of both, and |y - 256 p| <= 1/2 + E. The maxima are enumerated with interval
// arithmetic over both ends of every entry (Assumption L).
Int8Kernel litert_softmax(const NodeView& node) {
    const int8::Affine in = tflm::tflite_tensor(node, node.input(0));
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    if (out.scale != 1.0F / 256.0F || out.zero_point != -128) {
        throw QuantizationError(node.message("the runtime's softmax needs the output scale 1/256 and zero point -128"));
    }
    const Shape& dims = node.input(0).dims;
    const std::size_t axis = checked_axis(node, node.has("axis") ? node.integer("axis") : -1, dims.size());
    if (axis + 1 != dims.size())
        throw UnsupportedOperatorError(node.message("the runtime's softmax runs over the last axis"));
    if (node.output().elements() != node.input(0).elements())
        throw ShapeError(node.message("output and input differ in size"));
    const auto self = std::make_shared<Softmax>();
    self->depth = dims.back();
    self->rows = self->depth == 0 ? 0 : node.input(0).elements() / self->depth;
    self->message = node.message("");
    if (self->depth > (1 << 16)) throw UnsupportedOperatorError(node.message("more than 65,536 classes"));
    const auto beta = static_cast<float>(node.has("beta") ? node.number("beta") : 1.0);
    if (!(beta > 0.0F) || !std::isfinite(beta * in.scale * 256.0F))
        throw QuantizationError(node.message("beta must be positive, and beta times the scale finite"));

    const Interval step = Interval::point(static_cast<double>(beta)) * Interval::point(static_cast<double>(in.scale));
    for (std::int64_t k = -255; k <= 255; ++k)
        self->power.push_back(numeric::exp(Interval::point(static_cast<double>(k)) * step));
    const float factor = -in.scale * beta;
    const Interval others =
        Interval::point(1.0) / Interval::point(static_cast<double>(std::max<std::int64_t>(self->depth - 1, 1)));
    double numerator = 0.0;
    double denominator = 0.0;
    for (std::int64_t d = 0; d <= 255; ++d) {
        self->table.push_back(litert::exponential(factor * static_cast<float>(d)));
        const Interval exact = self->power[at(255 - d)];
        const Interval used{static_cast<double>(self->table.back().lo), static_cast<double>(self->table.back().hi)};
        const Interval apart = Interval::point((used - exact).magnitude());
        numerator = std::max(numerator, apart.hi);
        if (d > 0) denominator = std::max(denominator, (apart / (others + exact + used)).hi);
    }
    const Interval sum = Interval::point(static_cast<double>(self->depth + 2)) * Interval::point(0x1.01p-24);
    const Interval error = Interval::point(256.0) * (Interval::point(numerator) + Interval::point(denominator) + sum);
    self->error = error.hi;

    Int8Kernel kernel;
    kernel.clamp = {-128, 127};
    kernel.envelope = {(error + Interval::point(0.5)).hi, 0.0};
    kernel.point = [self](std::span<const std::int32_t* const> x, std::int32_t* y) {
        for (std::int64_t r = 0; r < self->rows; ++r) self->point_row(x[0] + r * self->depth, y + r * self->depth);
    };
    kernel.range = [self](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                          std::int32_t* out_lo, std::int32_t* out_hi) {
        for (std::int64_t r = 0; r < self->rows; ++r) {
            const std::int64_t from = r * self->depth;
            self->range_row(lo[0] + from, hi[0] + from, out_lo + from, out_hi + from);
        }
    };
    return kernel;
}

}  // namespace gonogo
