// sigmoid and tanh of LiteRT: float32 functions tabulated over the 256 stored integers. The C library's expf and tanhf
// differ from machine to machine in their last bits, so an entry is an interval, and exact when that holds one integer.
//
// Theorem. Under Assumption L (faithful.hpp) the library's value lies between the two ends of `Floats`. Every later
// step is a rounding of a monotone function, so its image lies between the images of the two ends. The envelope is
// enumerated over both.
#include <cmath>
#include <memory>

#include "gonogo/error.hpp"

#include "ops/litert/faithful.hpp"
#include "ops/litert/litert.hpp"
#include "ops/tflm/unary.hpp"

namespace gonogo {

namespace {

using litert::Floats;
using numeric::Interval;
using tflm::Unary;

// fl32(1 / fl32(1 + expf(-x))). Beyond |x| = 80 the exponential is below 2^-115 and the result 0 or 1 to the last bit
// that the 8 fraction bits of the output see.
Floats logistic(float x) {
    if (x > 80.0F) return {1.0F, 1.0F};
    if (x < -80.0F) return {0.0F, 0x1p-100F};
    const Floats e = litert::exponential(-x);
    return {1.0F / (1.0F + e.hi), 1.0F / (1.0F + e.lo)};
}

Floats tangent(float x) {
    const Floats t = litert::around(numeric::tanh_at(static_cast<double>(x)), 2);
    return {std::max(t.lo, -1.0F), std::min(t.hi, 1.0F)};
}

// `steps` is the output's inverse scale, a power of two. The built-in kernels round t steps to nearest, ties away from
// zero; XNNPACK rounds fl32(t steps + zero point), ties to even.
std::int32_t stored(float t, float steps, std::int32_t zero_point, bool xnnpack) {
    const float v = t * steps;
    const float q =
        xnnpack ? std::nearbyint(v + static_cast<float>(zero_point)) : std::round(v) + static_cast<float>(zero_point);
    return int8::clamp(static_cast<std::int64_t>(q), {-128, 127});
}

Int8Kernel tabulated(const NodeView& node, Floats (*function)(float), float steps, std::int32_t zero_point,
                     Interval (*real)(double), bool xnnpack) {
    Unary u = tflm::tflite_unary(node);
    if (u.out.scale != 1.0F / steps || u.out.zero_point != zero_point) {
        throw QuantizationError(node.message("the runtime needs the output scale 1/" +
                                             std::to_string(static_cast<int>(steps)) + " and the zero point " +
                                             std::to_string(zero_point)));
    }
    if (node.input(0).elements() != node.output().elements())
        throw ShapeError(node.message("input and output must have the same number of elements"));
    std::vector<std::int32_t> lo;
    std::vector<std::int32_t> hi;
    for (std::int32_t q = -128; q <= 127; ++q) {
        const Floats t = function(static_cast<float>(q - u.in.zero_point) * u.in.scale);
        lo.push_back(stored(t.lo, steps, zero_point, xnnpack));
        hi.push_back(stored(t.hi, steps, zero_point, xnnpack));
    }
    u.saturates = true;
    u.real = real;
    double worst = 0.0;
    for (const auto* table : {&lo, &hi}) {
        u.unclamped = [&](std::int32_t x) {
            return std::int64_t{(*table)[static_cast<std::size_t>(x + u.in.zero_point + 128)]} - zero_point;
        };
        worst = std::max(worst, tflm::enumerated_error(u));
    }
    const std::int64_t n = node.output().elements();
    const Int8Kernel least = int8::unary_kernel({{-128, 127}, lo}, n, u.clamp, {});
    const Int8Kernel greatest = int8::unary_kernel({{-128, 127}, hi}, n, u.clamp, {});
    Int8Kernel kernel;
    kernel.clamp = u.clamp;
    kernel.envelope = {worst, 0.0};
    kernel.point = [=, message = node.message("")](std::span<const std::int32_t* const> in, std::int32_t* out) {
        for (std::int64_t i = 0; i < n; ++i) {
            const auto at = static_cast<std::size_t>(in[0][i] + 128);
            if (lo[at] != hi[at]) {
                throw UnsupportedOperatorError(message + "at the integer " + std::to_string(in[0][i]) +
                                               " the device's answer depends on the last bits of its C library");
            }
            out[i] = lo[at];
        }
    };
    kernel.range = [=](std::span<const std::int32_t* const> in_lo, std::span<const std::int32_t* const> in_hi,
                       std::int32_t* out_lo, std::int32_t* out_hi) {
        std::vector<std::int32_t> unused(static_cast<std::size_t>(n));
        least.range(in_lo, in_hi, out_lo, unused.data());
        greatest.range(in_lo, in_hi, unused.data(), out_hi);
    };
    return kernel;
}

}  // namespace

Int8Kernel litert_sigmoid(const NodeView& node) {
    return tabulated(node, logistic, 256.0F, -128, numeric::sigmoid_at, false);
}
Int8Kernel litert_tanh(const NodeView& node) {
    return tabulated(node, tangent, 128.0F, 0, numeric::tanh_at, false);
}
Int8Kernel xnnpack_sigmoid(const NodeView& node) {
    return tabulated(node, logistic, 256.0F, -128, numeric::sigmoid_at, true);
}
Int8Kernel xnnpack_tanh(const NodeView& node) {
    return tabulated(node, tangent, 128.0F, 0, numeric::tanh_at, true);
}

}  // namespace gonogo
