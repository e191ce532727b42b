// sigmoid and tanh on int16: one table of the logistic function at i / 24 with 16 fraction bits, interpolated linearly;
// entries are raised by half of what the line to the next one lacks in the middle.
// x = (q multiplier + half) >> shift is the input in units of 1 / (3 * 4096). sigmoid reads |x| / 2^9 steps of the
// table, tanh, being 2 sigmoid(2 x) - 1, |x| / 2^8. Every input is enumerated for range and envelope, so nothing else
// needs a proof.
#include <array>
#include <cmath>
#include <cstdlib>
#include <stdexcept>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"

#include "ops/int16/int16.hpp"
#include "ops/tflm/unary.hpp"

namespace gonogo {

namespace {

using numeric::Interval;
using tflm::Unary;

using Table = std::array<std::uint16_t, 256>;

// Nearest integers to f(i) + (f(i + 1/2) - (f(i) + f(i + 1)) / 2) / 2, f(i) = 2^16 sigmoid(i / 24); the last entry is
// 2^16 - 1.
const Table& logistic_table() {
    static const Table table = [] {
        Table t{};
        t.back() = 65535;
        for (std::size_t i = 0; i + 1 < t.size(); ++i) {
            const auto f = [&](double more) {
                const Interval x = Interval::point(static_cast<double>(i) + more) / Interval::point(24.0);
                return numeric::sigmoid(x) * Interval::point(65536.0);
            };
            const Interval half = Interval::point(0.5);
            const Interval y = f(0.0) + (f(0.5) - (f(0.0) + f(1.0)) * half) * half;
            const double lo = std::round(y.lo);
            if (lo != std::round(y.hi)) throw std::logic_error("a table entry isn't determined");
            t[i] = static_cast<std::uint16_t>(lo);
        }
        return t;
    }();
    return table;
}

// table(|x| / 2^bits), interpolated, with `bits` more fraction bits; `top` beyond the table.
std::int64_t interpolated(std::int64_t magnitude, int bits, std::int64_t top) {
    const std::int64_t at = magnitude >> bits;
    if (at >= 255) return top;
    const std::int64_t a = logistic_table()[static_cast<std::size_t>(at)];
    const std::int64_t b = logistic_table()[static_cast<std::size_t>(at + 1)];
    const std::int64_t rest = magnitude & ((std::int64_t{1} << bits) - 1);
    return (a << bits) + rest * (b - a);
}

std::int64_t logistic(std::int64_t x) {
    const std::int64_t y = interpolated(std::abs(x), 9, std::int64_t{0x7FFF} << 10);
    return ((x >= 0 ? y : (std::int64_t{1} << 25) - y - 1) + (1 << 9)) >> 10;
}

std::int64_t hyperbolic_tangent(std::int64_t x) {
    const std::int64_t y = interpolated(std::abs(x), 8, std::int64_t{0xFFFF} << 8) - (std::int64_t{1} << 23);
    return ((x >= 0 ? y : -y - 1) + (1 << 7)) >> 8;
}

struct Input {
    std::int64_t multiplier;
    int shift;
    bool power_of_two = false;  // a scale that is, or that the runtimes take for, 2^-12 or 2^-11

    std::int64_t operator()(std::int64_t q) const {
        return (q * multiplier + (shift > 0 ? std::int64_t{1} << (shift - 1) : 0)) >> shift;
    }
};

// The runtimes take scales close to 2^-12, for tanh also to 2^-11, for that power of two.
Input input_of(const NodeView& node, float scale, int powers) {
    const float exponent = std::log2(scale);
    const float nearest = std::round(exponent);
    const float off = std::fabs(exponent - nearest);
    const int left = 12 + static_cast<int>(nearest);
    if (left >= 0 && left < powers) {
        if (std::fabs(off - 1e-3F) < 1e-5F) {
            throw QuantizationError(
                node.message("the input scale is as far from a power of two as the runtime takes for one; whether it "
                             "does isn't determined"));
        }
        if (off < 1e-3F) return {std::int64_t{3} << left, 0, true};
    }
    double multiplier = static_cast<double>(scale) * 4096.0 * 3.0;
    int shift = 0;
    while (multiplier <= 32767.0 / 2.0 && shift <= 30) {
        ++shift;
        multiplier *= 2.0;
    }
    if (!(multiplier < 65535.0)) {
        throw OverflowRiskError(node.message("the input scale " + std::to_string(scale) +
                                             " is too large: the device's product leaves int32"));
    }
    return {static_cast<std::int64_t>(multiplier), shift};
}

struct Curve {
    std::int64_t (*stored)(std::int64_t);
    int powers;
    Interval (*real)(double);
};
constexpr Curve sigmoid{logistic, 1, numeric::sigmoid_at};
constexpr Curve tanh{hyperbolic_tangent, 2, numeric::tanh_at};

Int8Kernel looked_up(const NodeView& node, const Curve& curve, bool builtin) {
    Unary u = tflm::tflite_unary(node);
    if (u.out.scale != 0x1p-15F) throw QuantizationError(node.message("the runtime needs the output scale 2^-15"));
    const Input input = input_of(node, u.in.scale, curve.powers);
    if (builtin && input.power_of_two) {
        throw UnsupportedOperatorError(
            node.message("LiteRT's built-in kernel runs another algorithm for an input scale of 2^-12 or 2^-11, which "
                         "isn't supported; use another scale"));
    }
    u.saturates = true;
    u.unclamped = [=, clamp = u.clamp](std::int32_t q) { return int8::clamp(curve.stored(input(q)), clamp); };
    u.real = curve.real;
    return tflm::build(node, u, tflm::enumerated_error(u));
}

}  // namespace

Int8Kernel int16_sigmoid(const NodeView& node) {
    return looked_up(node, sigmoid, false);
}

Int8Kernel int16_tanh(const NodeView& node) {
    return looked_up(node, tanh, false);
}

Int8Kernel int16_litert_sigmoid(const NodeView& node) {
    return looked_up(node, sigmoid, true);
}

Int8Kernel int16_litert_tanh(const NodeView& node) {
    return looked_up(node, tanh, true);
}

}  // namespace gonogo
