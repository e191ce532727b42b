// softmax over the last axis, int8: exp and reciprocal in fixed point, by tables of the difference to the row's
// maximum.
//
// With d = q - max(row), E[d] = exp with 31 fraction bits (0 below diff_min), A[d] = E[d] rounded to 19 fraction bits
// and S = sum of A: y_i = E[d_i] recip(S), rounded to 8 fraction bits; stored as y - 128.
//
// Theorem S. |y_i - 256 t| <= 1/2 + eta with t = (E[d_i] / 2^31) / (S / 2^19), eta = 2^-18; y_i = 0 where E[d_i] = 0.
// Proof: docs/int8-semantics.md, from Theorem R (fixed_point.hpp). It needs S < 2^28; above, the device's shift leaves
// its type, and an OverflowRiskError says so.
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <numeric>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"

#include "ops/common.hpp"
#include "ops/int8_common.hpp"
#include "ops/tflm/fixed_point.hpp"
#include "ops/tflm/requantize.hpp"
#include "ops/tflm/tflm.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo {

namespace {

using numeric::Interval;

constexpr std::int64_t one_in_sum = 1 << 19;
constexpr std::int64_t largest_sum = (std::int64_t{1} << 28) - 1;
constexpr double eta = 0x1p-18;

struct Softmax {
    std::int64_t rows = 0;
    std::int64_t depth = 0;
    std::string overflow_message;
    // Indexed by -d in [0, 255]. `upper` and `lower` are the tables' running extremes, hence monotone in d; they equal
    // the tables when these are monotone themselves.
    std::array<std::int32_t, 256> e{}, a{}, e_upper{}, e_lower{}, a_upper{}, a_lower{};

    void point_row(const std::int32_t* q, std::int32_t* out) const;
    void range_row(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo, std::int32_t* out_hi) const;
    std::int32_t upper(std::int32_t e_raw, std::int64_t rest) const;
    std::int32_t lower(std::int32_t e_raw, std::int64_t rest) const;
    void check_sum(std::int64_t sum) const {
        if (sum > largest_sum) throw OverflowRiskError(overflow_message);
    }
};

void Softmax::point_row(const std::int32_t* q, std::int32_t* out) const {
    const std::int32_t top = *std::max_element(q, q + depth);
    std::int64_t sum = 0;
    for (std::int64_t i = 0; i < depth; ++i) sum += a[at(top - q[i])];
    check_sum(sum);
    const int zeros = std::countl_zero(static_cast<std::uint32_t>(sum));  // 4 to 12
    const std::int64_t fraction = (sum << zeros) - (std::int64_t{1} << 31);
    const std::int32_t reciprocal = tflm::reciprocal_of_one_plus(static_cast<std::int32_t>(fraction));
    for (std::int64_t i = 0; i < depth; ++i) {
        const std::int64_t raw = tflm::high_product(reciprocal, e[at(top - q[i])]);
        out[i] = int8::clamp(tflm::rounded_shift(raw, 35 - zeros) - 128, {-128, 127});
    }
}

// The largest stored output of an element with E <= e_raw beside others that sum to at least `rest`. A >= (E - 2^11) /
// 2^12 and E / ((E - 2^11) / 2^12 + rest) does not fall in E for rest >= 1, so the largest E is the worst; t is then
// rounded up and Theorem S applied. Without others the row is one element wide and t is at most 1.
std::int32_t Softmax::upper(std::int32_t e_raw, std::int64_t rest) const {
    if (e_raw == 0) return -128;
    if (rest < 1) return 127;
    const double own = (static_cast<double>(e_raw) - 2048.0) / 4096.0;
    const double sum = numeric::add_down(own, static_cast<double>(rest));
    const double steps = numeric::div_up(static_cast<double>(e_raw) / 16.0, sum);  // 256 t; the quotient by 16 is exact
    return int8::clamp(static_cast<std::int64_t>(std::floor(numeric::add_up(steps, 0.5 + eta))) - 128, {-128, 127});
}

// The smallest stored output of an element with E >= e_raw beside others that sum to at most `rest`; likewise with A <=
// (E + 2^11) / 2^12, where the quotient does not fall in E for any rest >= 0.
std::int32_t Softmax::lower(std::int32_t e_raw, std::int64_t rest) const {
    if (e_raw == 0) return -128;
    const double own = (static_cast<double>(e_raw) + 2048.0) / 4096.0;
    const double sum = numeric::add_up(own, static_cast<double>(rest));
    const double steps = numeric::div_down(static_cast<double>(e_raw) / 16.0, sum);
    return int8::clamp(static_cast<std::int64_t>(std::ceil(numeric::sub_down(steps, 0.5 + eta))) - 128, {-128, 127});
}

// Theorem (range). Fix the row's maximum m; it lies between the largest lo and the largest hi. Then d_j ranges over
// [lo_j - m, min(hi_j, m) - m], and some j has d_j = 0: if i is not it, the others contain one full unit. For every m
// the extreme E_i and the extreme sum of the others bound y_i by upper() and lower(); the hull over all m encloses it.
void Softmax::range_row(const std::int32_t* lo, const std::int32_t* hi, std::int32_t* out_lo,
                        std::int32_t* out_hi) const {
    if (std::equal(lo, lo + depth, hi)) {
        point_row(lo, out_lo);
        std::copy_n(out_lo, depth, out_hi);
        return;
    }
    const std::int32_t first = *std::max_element(lo, lo + depth);
    const std::int32_t last = *std::max_element(hi, hi + depth);
    std::fill_n(out_lo, depth, 127);
    std::fill_n(out_hi, depth, -128);
    for (std::int32_t m = first; m <= last; ++m) {
        std::int64_t sum_lo = 0;
        std::int64_t sum_hi = 0;
        std::int64_t able = 0;                 // elements that can be the maximum
        std::int64_t least_gain = one_in_sum;  // smallest rise of the low sum that lifts one of them to m
        for (std::int64_t j = 0; j < depth; ++j) {
            sum_lo += a_lower[at(m - lo[j])];
            sum_hi += a_upper[at(m - std::min(hi[j], m))];
            if (hi[j] >= m) {
                ++able;
                least_gain = std::min<std::int64_t>(least_gain, one_in_sum - a_lower[at(m - lo[j])]);
            }
        }
        check_sum(sum_hi);
        for (std::int64_t i = 0; i < depth; ++i) {
            const std::int32_t own_hi = std::min(hi[i], m);
            const bool only = able == 1 && hi[i] >= m;
            const std::int32_t own_lo = only ? m : lo[i];
            const std::int64_t gain = hi[i] >= m ? 0 : least_gain;
            const std::int64_t rest_lo = sum_lo - a_lower[at(m - lo[i])] + gain;
            const std::int64_t rest_hi = sum_hi - a_upper[at(m - own_hi)];
            out_hi[i] = std::max(out_hi[i], upper(e_upper[at(m - own_hi)], rest_lo));
            out_lo[i] = std::min(out_lo[i], lower(e_lower[at(m - own_lo)], rest_hi));
        }
    }
}

// Theorem (envelope). Let e_d = exp(beta s d), E_d and A_d the tables as real numbers, n the row length, p the real
// softmax and t as in Theorem S. Then |t - p| <= max_d |E_d - e_d| + max_{d<0} |A_d - e_d| / (1 / (n - 1) + e_d + A_d),
// and |y - 256 p| <= 256 |t - p| + 1/2 + eta.
// Proof: docs/int8-semantics.md. The maxima are enumerated over the 256 differences with interval arithmetic.
double envelope(const Softmax& s, double beta_scale) {
    double numerator = 0.0;
    double denominator = 0.0;
    const Interval others =
        Interval::point(1.0) / Interval::point(static_cast<double>(std::max<std::int64_t>(s.depth - 1, 1)));
    for (std::size_t i = 0; i < 256; ++i) {
        const Interval exact = numeric::exp(Interval::point(-static_cast<double>(i)) * Interval::point(beta_scale));
        const Interval e = Interval::point(std::ldexp(static_cast<double>(s.e[i]), -31));
        const Interval a = Interval::point(std::ldexp(static_cast<double>(s.a[i]), -19));
        numerator = std::max(numerator, (e - exact).magnitude());
        if (i == 0 || s.depth < 2) continue;
        const Interval error = Interval::point((a - exact).magnitude());
        denominator = std::max(denominator, (error / (others + exact + a)).hi);
    }
    const Interval difference = Interval::point(numerator) + Interval::point(denominator);
    return (Interval::point(256.0) * difference + Interval::point(0.5 + eta)).hi;
}

}  // namespace

Int8Kernel tflm_softmax(const NodeView& node) {
    const int8::Affine in = tflm::tflite_tensor(node, node.input(0));
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    if (out.scale != 1.0F / 256.0F || out.zero_point != -128) {
        throw QuantizationError(node.message("the device's softmax needs the output scale 1/256 and zero point -128"));
    }
    const Shape& dims = node.input(0).dims;
    const std::size_t axis = checked_axis(node, node.has("axis") ? node.integer("axis") : -1, dims.size());
    if (axis + 1 != dims.size())
        throw UnsupportedOperatorError(node.message("the device's softmax runs over the last axis"));
    const auto state = std::make_shared<Softmax>();
    state->depth = dims.back();
    state->rows = state->depth == 0 ? 0 : node.input(0).elements() / state->depth;
    if (node.output().elements() != node.input(0).elements())
        throw ShapeError(node.message("output and input differ in size"));
    if (state->depth > 4095) {
        throw OverflowRiskError(
            node.message("the device sums at most 4,095 exponentials, the axis has " + std::to_string(state->depth)));
    }
    state->overflow_message = node.message(
        "the sum of exponentials can reach 512, where the device's shift leaves its "
        "type; use a narrower box or fewer classes");

    const auto beta = static_cast<double>(static_cast<float>(node.has("beta") ? node.number("beta") : 1.0));
    const double beta_scale = beta * static_cast<double>(in.scale);  // exact: two float32 significands
    const double rescale = std::min(beta_scale * 0x1p26, 2147483647.0);
    if (!(rescale > 1.0)) {
        throw QuantizationError(node.message("beta times the input scale must exceed 2^-26 for the device's softmax"));
    }
    const tflm::Multiplier m = tflm::quantize_multiplier(rescale);
    const std::int64_t reach = m.exponent > 40 ? 0 : (std::int64_t{31} << 26) >> m.exponent;
    for (std::int64_t i = 0; i < 256; ++i) {
        if (i > reach) continue;
        const auto scaled =
            static_cast<std::int32_t>(tflm::high_product((-i) * (std::int64_t{1} << m.exponent), m.mantissa));
        state->e[at(i)] = tflm::exp_of_negative(scaled, 5);
        state->a[at(i)] = static_cast<std::int32_t>(tflm::rounded_shift(state->e[at(i)], 12));
    }
    const auto running = [](const auto& from, auto& to_upper, auto& to_lower) {
        to_upper = to_lower = from;
        for (std::size_t i = 256; i-- > 1;) to_upper[i - 1] = std::max(to_upper[i - 1], to_upper[i]);
        for (std::size_t i = 1; i < 256; ++i) to_lower[i] = std::min(to_lower[i], to_lower[i - 1]);
    };
    running(state->e, state->e_upper, state->e_lower);
    running(state->a, state->a_upper, state->a_lower);

    Int8Kernel kernel;
    kernel.clamp = {-128, 127};
    kernel.envelope = {envelope(*state, beta_scale), 0.0};
    int8::set_rows(kernel, state);
    return kernel;
}

}  // namespace gonogo
