// QLinearSoftmax: a table of float32 exponentials, a float32 sum, a quotient in binary64.
#include <algorithm>
#include <cmath>
#include <memory>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"

#include "ops/common.hpp"
#include "ops/ort/float_steps.hpp"
#include "ops/ort/ort.hpp"

namespace gonogo {

namespace {

using int8::Affine;

using numeric::Interval;

// Up to here logf of the runtime's C library was compared with the rounded logarithm, length by length.
constexpr std::int64_t longest_row = 4096;

struct Softmax {
    std::int64_t outer, length, inner;
    std::vector<float> table;     // table[k]: exp((k - 255 + shift) s_x), k = q - max + 255
    std::vector<Interval> power;  // power[d + 255] encloses exp(d s_x), |d| <= 255
    double numerator;             // floor(fl(1 / s_y))
    double slack;                 // relative error of the kernel's quotient
    std::int32_t zero_point;
    ClampRange storage;

    template <class Row>
    void rows(Row&& row) const {
        for (std::int64_t o = 0; o < outer; ++o)
            for (std::int64_t i = 0; i < inner; ++i) row(o * length * inner + i);
    }
    std::int32_t finish(double p) const {
        // p <= numerator < 2^31, so adding 2^52 rounds to the nearest even integer.
        const double rounded = (p + 0x1p52) - 0x1p52;
        return int8::clamp(static_cast<std::int64_t>(rounded) + zero_point, storage);
    }
    void point(const std::int32_t* x, std::int32_t* y) const;
    void range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi) const;
};

void Softmax::point(const std::int32_t* x, std::int32_t* y) const {
    rows([&](std::int64_t start) {
        std::int32_t greatest = x[start];
        for (std::int64_t k = 1; k < length; ++k) greatest = std::max(greatest, x[start + k * inner]);
        const auto entry = [&](std::int64_t k) {
            return table[static_cast<std::size_t>(x[start + k * inner] - greatest + 255)];
        };
        float sum = 0.0F;
        for (std::int64_t k = 0; k < length; ++k) sum += entry(k);
        for (std::int64_t k = 0; k < length; ++k) {
            // The product of two float32 is exact in binary64.
            y[start + k * inner] = finish(static_cast<double>(entry(k)) * numerator / static_cast<double>(sum));
        }
    });
}

// Theorem. With p_k = 1 / (1 + sum_{j != k} exp(s (x_j - x_k))), greatest at (hi_k, lo_j) and least at (lo_k, hi_j),
// the kernel's quotient is numerator p_k (1 + e), |e| <= slack (see ort_softmax); finish is monotone. The sums are
// rounded to nearest with at most 2^-40 relative error, which slack includes. A row of width zero is computed exactly.
void Softmax::range(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi) const {
    point(lo, out_lo);
    rows([&](std::int64_t start) {
        bool exact = true;
        for (std::int64_t k = 0; k < length; ++k) exact = exact && lo[start + k * inner] == hi[start + k * inner];
        if (exact) {
            for (std::int64_t k = 0; k < length; ++k) out_hi[start + k * inner] = out_lo[start + k * inner];
            return;
        }
        for (std::int64_t k = 0; k < length; ++k) {
            const std::int64_t at = start + k * inner;
            double least = 1.0;     // smallest denominator
            double greatest = 1.0;  // largest
            for (std::int64_t j = 0; j < length; ++j) {
                const std::int64_t other = start + j * inner;
                if (j == k) continue;
                least += power[static_cast<std::size_t>(lo[other] - hi[at] + 255)].lo;
                greatest += power[static_cast<std::size_t>(hi[other] - lo[at] + 255)].hi;
            }
            out_hi[at] = finish(std::min(numerator / least * (1.0 + slack) + 0x1p-100, 0x1p31));
            out_lo[at] = finish(std::max(numerator / greatest * (1.0 - slack) - 0x1p-100, 0.0));
        }
    });
}

// The float32 nearest to every number of the enclosure; throws when there are two.
float only_float(const NodeView& node, Interval v) {
    const auto lo = static_cast<float>(v.lo);
    const auto hi = static_cast<float>(v.hi);
    if (lo != hi) {
        throw UnsupportedOperatorError(
            node.message("the exponential table depends on the last bits of the C library for "
                         "this input scale; change the scale slightly, or end at the logits"));
    }
    return lo;
}

// table[k] = fl32(exp((k - 255 + shift) s)) with shift = max(0, logf(fl32(FLT_MAX / length)) - 5) / s, all in binary64
// but the logarithm. Roundings to binary64 are monotone, so evaluating both ends of an enclosure of the logarithm
// encloses the runtime's arguments; two ulps are added for its exp.
std::vector<float> exponentials(const NodeView& node, float scale, std::int64_t length) {
    const float share = 0x1.fffffep127F / static_cast<float>(length);
    const float log = only_float(node, numeric::log_at(static_cast<double>(share)));
    const auto s = static_cast<double>(scale);
    const double shift = std::max(0.0, static_cast<double>(log) - 5.0) / s;
    std::vector<float> table;
    for (std::int32_t k = 0; k < 256; ++k) {
        const Interval e = numeric::exp_at((static_cast<double>(k) - 255.0 + shift) * s);
        const Interval library{e.lo * (1.0 - 0x1p-51), e.hi * (1.0 + 0x1p-51)};
        table.push_back(only_float(node, library));
    }
    return table;
}

}  // namespace

// Theorem. Let f be the real softmax over s_y, Y = floor(fl(1 / s_y)) and n the row's length. A table entry is
// exp(s (q - max)) times a common factor times (1 + d), |d| <= 2^-24 + (256 s + 256) 2^-51 (rounded argument and value;
// entries below 2^-126 weigh less than 2^-200 against the greatest); the float32 sum adds (n - 1) 2^-24, the binary64
// quotient 2^-53. So the quotient is Y/(1/s_y) f (1 + e) with |e| <= slack = (n + 3) 2^-24 + (256 s + 256) 2^-49, and
// |y - f| <= 1/2 + (|Y s_y - 1| + 2 slack) |f|.
Int8Kernel ort_softmax(const NodeView& node) {
    ort::need_fused(node);
    const Tensor& in = node.input(0);
    const Tensor& out = node.output();
    const std::size_t axis = checked_axis(node, node.integer("axis"), in.dims.size());
    if (node.number("beta") != 1.0) throw UnsupportedOperatorError(node.message("beta must be 1"));
    const Affine x = int8::per_tensor(node, in);
    const Affine y = int8::per_tensor(node, out);
    const auto self = std::make_shared<Softmax>();
    self->outer = self->inner = 1;
    self->length = in.dims[axis];
    for (std::size_t d = 0; d < axis; ++d) self->outer *= in.dims[d];
    for (std::size_t d = axis + 1; d < in.dims.size(); ++d) self->inner *= in.dims[d];
    if (self->length < 1 || self->length > longest_row) {
        throw UnsupportedOperatorError(node.message("rows of " + std::to_string(self->length) + " elements; at most " +
                                                    std::to_string(longest_row) + " are supported"));
    }
    if (!(x.scale >= 0x1p-40F && x.scale <= 0x1p20F)) throw QuantizationError(node.message("input scale out of range"));
    const float inverse = 1.0F / y.scale;
    if (!(inverse >= 1.0F && inverse < 0x1p24F)) {
        throw QuantizationError(node.message("ONNX Runtime's softmax needs an output scale between 2^-24 and 1"));
    }
    self->numerator = static_cast<double>(std::floor(inverse));
    self->storage = int8::storage_range(node, out);
    self->zero_point = y.zero_point;
    self->table = exponentials(node, x.scale, self->length);
    const auto s = static_cast<double>(x.scale);
    for (std::int32_t d = -255; d <= 255; ++d) self->power.push_back(numeric::exp_at(static_cast<double>(d) * s));
    self->slack = static_cast<double>(self->length + 3) * 0x1p-24 + (256.0 * s + 256.0) * 0x1p-49;
    Int8Kernel kernel;
    kernel.clamp = self->storage;
    // Both factors have 24 bits: the product is exact in binary64, and the difference rounds once.
    const double mismatch = std::fabs(self->numerator * static_cast<double>(y.scale) - 1.0);
    kernel.envelope = {ort::half, mismatch + 2.0 * self->slack};
    kernel.point = [self](std::span<const std::int32_t* const> q, std::int32_t* r) { self->point(q[0], r); };
    kernel.range = [self](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                          std::int32_t* out_lo, std::int32_t* out_hi) { self->range(lo[0], hi[0], out_lo, out_hi); };
    return kernel;
}

}  // namespace gonogo
