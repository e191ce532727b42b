// softmax on int16 over the last axis: two tables of 513 entries, exp on [-10, 0] and 1 / (1 + x) on [0, 1], both with
// 15 fraction bits and interpolated linearly.
//
// For d = q - max(row) <= 0: E[d] from the first table at A(d; beta s_in 65535 / 10), S = sum of E[d], k = floor(log2
// S), R from the second table at S / 2^k - 1, y = (E R + 2^(k-1)) >> k, clamped to [0, 32767].
//
// Theorem 73 (softmax). Let t = E / S and rho the greatest |R - 2^15 / (1 + x)| over the 65,536 inputs x of the second
// table. Then |y - 2^15 t| <= eta = 2 rho + 3/2. Proof: docs/int16-semantics.md.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <stdexcept>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"

#include "ops/int16/int16.hpp"
#include "ops/int8_common.hpp"
#include "ops/tflm/requantize.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

constexpr std::int64_t differences = 65536;

// The runtimes' table of a function over [min, max]: samples, each lowered by half of what linear interpolation is too
// high in the middle of the interval behind it.
class Lookup {
  public:
    Lookup(Interval (*function)(const Interval&), double min, double max) {
        const Interval step = (Interval::point(max) - Interval::point(min)) / Interval::point(512.0);
        const auto value = [&](double i) {
            return function(Interval::point(min) + Interval::point(i) * step) * Interval::point(32768.0);
        };
        for (int i = 0; i < 512; ++i) {
            const double sample = nearest(value(i));
            const double middle = nearest(value(i + 0.5));
            const double line = nearest((value(i + 1) + Interval::point(sample)) * Interval::point(0.5));
            entries_[static_cast<std::size_t>(i)] = cut(sample - std::round((line - middle) / 2.0));
        }
        entries_[512] = cut(nearest(value(512.0)));
    }

    explicit Lookup(const std::array<std::int32_t, 513>& entries) : entries_(entries) {}

    std::int32_t operator()(std::int32_t x) const {
        const auto at = static_cast<std::size_t>(256 + (x >> 7));
        const std::int32_t slope = entries_[at + 1] - entries_[at];
        return entries_[at] + ((slope * (x & 127) + 64) >> 7);
    }

  private:
    static double nearest(const Interval& v) {
        const double lo = std::round(v.lo);
        if (lo != std::round(v.hi)) throw std::logic_error("a table entry isn't determined");
        return lo;
    }
    static std::int32_t cut(double v) { return static_cast<std::int32_t>(std::clamp(v, -32768.0, 32767.0)); }

    std::array<std::int32_t, 513> entries_{};
};

const Lookup& exponential() {
    static const Lookup table([](const Interval& x) { return numeric::exp(x); }, -10.0, 0.0);
    return table;
}

// TFLite Micro's table of 1 / (1 + x): the same in float32 arithmetic, over [0, 65535 fl(1 / 65535)].
Lookup float_reciprocal() {
    const float last = (1.0F / 65535.0F) * 65535.0F;
    const float unit = 2.0F / 65535.0F;
    const float steps = 65536.0F / (unit * 32767.0F - unit * -32768.0F);
    const float step = last / 512.0F;
    const auto value = [&](float x) { return 1.0F / (1.0F + x) * steps; };
    std::array<std::int32_t, 513> entries{};
    for (std::size_t i = 0; i < 512; ++i) {
        const float x = static_cast<float>(i) * step;
        const float sample = std::round(value(x));
        const float line = std::round((value(static_cast<float>(i + 1) * step) + sample) / 2.0F);
        const float middle = std::round(value(x + step / 2.0F));
        entries[i] = static_cast<std::int32_t>(std::min(sample - std::round((line - middle) / 2.0F), 32767.0F));
    }
    entries[512] = static_cast<std::int32_t>(std::round(value(last)));
    return Lookup(entries);
}

struct Reciprocal {
    Lookup table;
    double eta = 0.0;

    explicit Reciprocal(const Lookup& given) : table(given) {
        double rho = 0.0;
        for (std::int32_t x = -32768; x <= 32767; ++x) {
            // 2^15 / (1 + (x + 2^15) / 2^16)
            const Interval exact = Interval::point(0x1p31) / Interval::point(98304.0 + x);
            rho = std::max(rho, (Interval::point(static_cast<double>(table(x))) - exact).magnitude());
        }
        eta = numeric::add_up(2.0 * rho, 1.5);
    }
};
const Reciprocal& reciprocal(bool single) {
    static const Reciprocal in_float(float_reciprocal());
    static const Reciprocal in_double(
        Lookup([](const Interval& x) { return Interval::point(1.0) / (Interval::point(1.0) + x); }, 0.0, 1.0));
    return single ? in_float : in_double;
}

struct Softmax {
    std::int64_t rows = 0;
    std::int64_t depth = 0;
    const Reciprocal* reciprocal = nullptr;
    // Indexed by -d: E, and its running extremes, which fall with -d.
    std::vector<std::int32_t> e, upper, lower;

    void point_row(const std::int32_t* q, std::int32_t* out) const {
        const std::int32_t top = *std::max_element(q, q + depth);
        std::int64_t sum = 0;
        for (std::int64_t i = 0; i < depth; ++i) sum += e[static_cast<std::size_t>(top - q[i])];
        const int k = 63 - std::countl_zero(static_cast<std::uint64_t>(sum));
        const std::int64_t scaled = ((sum << (30 - k)) + (1 << 13)) >> 14;
        const auto x = static_cast<std::int32_t>(std::min<std::int64_t>(scaled - 98304, 32767));
        const std::int64_t r = reciprocal->table(x);
        for (std::int64_t i = 0; i < depth; ++i) {
            const std::int64_t own = e[static_cast<std::size_t>(top - q[i])];
            out[i] = int8::clamp((own * r + (std::int64_t{1} << (k - 1))) >> k, {0, 32767});
        }
    }
    std::int32_t most(std::int64_t own, std::int64_t rest) const;
    std::int32_t least(std::int64_t own, std::int64_t rest) const;
    void range_row(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi) const;
};

// 2^15 own / (own + rest), rounded to either side and moved by eta.
std::int32_t Softmax::most(std::int64_t own, std::int64_t rest) const {
    const double t = numeric::div_up(static_cast<double>(own) * 32768.0, static_cast<double>(own + rest));
    return int8::clamp(static_cast<std::int64_t>(std::floor(numeric::add_up(t, reciprocal->eta))), {0, 32767});
}
std::int32_t Softmax::least(std::int64_t own, std::int64_t rest) const {
    const double t = numeric::div_down(static_cast<double>(own) * 32768.0, static_cast<double>(own + rest));
    return int8::clamp(static_cast<std::int64_t>(std::ceil(numeric::sub_down(t, reciprocal->eta))), {0, 32767});
}

// Theorem (range). The row's maximum m lies between the largest lo and the largest hi, which are divided into at most
// 256 cells [a, b]. For m in a cell, d_j = q_j - m lies in [lo_j - b, min(min(hi_j, b) - a, 0)], and some j has d_j =
// 0: if i is not it, the others contain one E[0]. E / (E + rest) rises with E and falls with the rest, so the extremes
// of both bound t, and Theorem 73 y; the hull over all cells encloses it.
void Softmax::range_row(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo,
                        std::int32_t* out_hi) const {
    if (std::equal(lo, lo + depth, hi)) {
        point_row(lo, out_lo);
        std::copy_n(out_lo, depth, out_hi);
        return;
    }
    const std::int32_t first = *std::max_element(lo, lo + depth);
    const std::int32_t last = *std::max_element(hi, hi + depth);
    std::fill_n(out_lo, depth, 32767);
    std::fill_n(out_hi, depth, 0);
    const std::int32_t width = (last - first) / 256 + 1;
    for (std::int32_t a = first; a <= last; a += width) {
        const std::int32_t b = std::min(a + width - 1, last);
        const auto low = [&](std::int64_t j) -> std::int64_t { return lower[static_cast<std::size_t>(b - lo[j])]; };
        const auto high = [&](std::int64_t j) -> std::int64_t {
            return upper[static_cast<std::size_t>(std::max(a - std::min(hi[j], b), 0))];
        };
        std::int64_t sum_lo = 0;
        std::int64_t sum_hi = 0;
        std::int64_t able = 0;           // elements that can be the maximum
        std::int64_t least_gain = e[0];  // smallest rise of the low sum that lifts one of them to it
        for (std::int64_t j = 0; j < depth; ++j) {
            sum_lo += low(j);
            sum_hi += high(j);
            if (hi[j] < a) continue;
            ++able;
            least_gain = std::min(least_gain, e[0] - low(j));
        }
        for (std::int64_t i = 0; i < depth; ++i) {
            const bool can = hi[i] >= a;
            const std::int64_t gain = can ? 0 : std::max<std::int64_t>(least_gain, 0);
            out_hi[i] = std::max(out_hi[i], most(high(i), sum_lo - low(i) + gain));
            out_lo[i] = std::min(out_lo[i], least(can && able == 1 ? e[0] : low(i), sum_hi - high(i)));
        }
    }
}

// Theorem (envelope). Let e_d = exp(beta s d), E_d the table as real numbers, n the row length, p the real softmax.
// Then |t - p| <= (max_d |E_d - e_d| + |E_0 - 1| + max_d |E_d - e_d| / (1 / (n - 1) + e_d + E_d)) / E_0, and |y - 2^15
// p| <= 2^15 |t - p| + eta. Proof: docs/int16-semantics.md; the maxima are enumerated in interval arithmetic.
double envelope(const Softmax& s, double beta_scale) {
    double single = 0.0;
    double sums = 0.0;
    const auto others = static_cast<double>(std::max<std::int64_t>(s.depth - 1, 1));
    const Interval share = Interval::point(1.0) / Interval::point(others);
    for (std::size_t i = 0; i < s.e.size(); ++i) {
        const Interval exact = numeric::exp(Interval::point(-static_cast<double>(i)) * Interval::point(beta_scale));
        const Interval e = Interval::point(static_cast<double>(s.e[i]) * 0x1p-15);
        const Interval error = Interval::point((e - exact).magnitude());
        single = std::max(single, error.hi);
        if (s.depth > 1) sums = std::max(sums, (error / (share + exact + e)).hi);
    }
    const Interval top = Interval::point(static_cast<double>(s.e[0]) * 0x1p-15);
    const Interval off = Interval::point((Interval::point(1.0) - top).magnitude());
    const Interval difference = (Interval::point(single) + off + Interval::point(sums)) / top;
    return (difference * Interval::point(32768.0) + Interval::point(s.reciprocal->eta)).hi;
}

Int8Kernel softmax(const NodeView& node, bool single) {
    const int8::Affine in = tflm::tflite_tensor(node, node.input(0));
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    if (out.scale != 0x1p-15F)
        throw QuantizationError(node.message("the device's softmax needs the output scale 2^-15"));
    const Shape& dims = node.input(0).dims;
    if (dims.empty()) throw ShapeError(node.message("softmax of a scalar"));
    const std::int64_t axis = node.has("axis") ? node.integer("axis") : -1;
    if (axis != -1 && axis != static_cast<std::int64_t>(dims.size()) - 1) {
        throw UnsupportedOperatorError(node.message("the device's softmax runs over the last axis only"));
    }
    auto state = std::make_shared<Softmax>();
    state->reciprocal = &reciprocal(single);
    state->depth = dims.back();
    state->rows = state->depth == 0 ? 0 : node.input(0).elements() / state->depth;
    if (node.output().elements() != node.input(0).elements())
        throw ShapeError(node.message("output and input differ in size"));
    if (state->depth > 65535) throw OverflowRiskError(node.message("the sum of exponentials can leave int32"));

    const auto beta = static_cast<double>(static_cast<float>(node.has("beta") ? node.number("beta") : 1.0));
    const double beta_scale = beta * static_cast<double>(in.scale);  // exact: two float32 significands
    const tflm::Multiplier m = tflm::quantize_multiplier(beta_scale / (10.0 / 65535.0));
    if (m.mantissa == 0) throw QuantizationError(node.message("the input scale is too small for the device's softmax"));
    tflm::check_shift(node, differences - 1, m, "difference to the maximum");
    for (std::int64_t d = 0; d < differences; ++d) {
        const std::int64_t scaled = tflm::requantize(-d, m) + 32767;
        state->e.push_back(exponential()(int8::clamp(scaled, {-32768, 32767})));
    }
    state->upper = state->lower = state->e;
    for (std::size_t i = state->e.size(); i-- > 1;)
        state->upper[i - 1] = std::max(state->upper[i - 1], state->upper[i]);
    for (std::size_t i = 1; i < state->e.size(); ++i) state->lower[i] = std::min(state->lower[i], state->lower[i - 1]);

    Int8Kernel kernel;
    kernel.clamp = {0, 32767};
    kernel.envelope = {envelope(*state, beta_scale), 0.0};
    int8::set_rows(kernel, state);
    return kernel;
}

}  // namespace

Int8Kernel int16_tflm_softmax(const NodeView& node) {
    return softmax(node, true);
}

Int8Kernel int16_litert_softmax(const NodeView& node) {
    return softmax(node, false);
}

}  // namespace gonogo
