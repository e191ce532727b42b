#include "semantics/device_float.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/numeric/rounding.hpp"

#include "ops/litert/litert.hpp"
#include "ops/ort/ort.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

using numeric::Interval;

namespace {

// The float32 numbers of [lo, hi] lie in [float_above(lo), float_below(hi)]: conversion to nearest, then one step if it
// went outward. Overflow to infinity is cut to the largest number.
float float_above(double lo) {
    const float f = static_cast<float>(std::clamp(lo, -static_cast<double>(std::numeric_limits<float>::max()),
                                                  static_cast<double>(std::numeric_limits<float>::max())));
    return static_cast<double>(f) < lo ? std::nextafter(f, std::numeric_limits<float>::infinity()) : f;
}
float float_below(double hi) {
    return -float_above(-hi);
}

// Whether LiteRT's built-in kernel converts element `index` of `count` inside a vector of eight.
bool in_vector(std::size_t index, std::size_t count) {
    return index < count / 8 * 8;
}

std::int32_t quantize_one(Profile profile, float x, const Tensor& out, bool vector) {
    const ClampRange limits = storage_limits(out);
    const Quantization& q = *out.quantization;
    switch (profile) {
        case Profile::ort:
            return ort_quantize_value(x, q.scale(), q.zero_point(), limits);
        case Profile::xnnpack:
            return xnnpack_quantize_float(x, q, limits.lo, limits.hi);
        case Profile::litert:
            return litert_quantize_float(x, q, limits.lo, limits.hi, vector);
        default:  // LiteRT's reference kernels are TFLite Micro's here
            return tflm_quantize_float(x, q, limits.lo, limits.hi);
    }
}

}  // namespace

std::int32_t quantize_float(Profile profile, float x, const Tensor& out, std::size_t index) {
    return quantize_one(profile, x, out, in_vector(index, static_cast<std::size_t>(out.elements())));
}

// Hull over every quantiser of the profile, whatever an element's place; each is non-decreasing in x.
QuantRange quantize_range(Profile profile, const IntervalTensor& x, const Tensor& out) {
    std::vector<Profile> members = {profile};
    if (profile == Profile::any) members = {Profile::tflm, Profile::litert, Profile::xnnpack, Profile::ort};
    QuantRange range;
    for (std::size_t i = 0; i < x.size(); ++i) {
        std::int32_t lo = std::numeric_limits<std::int32_t>::max();
        std::int32_t hi = std::numeric_limits<std::int32_t>::min();
        for (const Profile p : members) {
            // An interval between two neighbouring float32 numbers holds none of them; cover both.
            for (const float end : {float_above(x.lo[i]), float_below(x.hi[i])}) {
                for (const bool vector : {false, true}) {
                    const std::int32_t q = quantize_one(p, end, out, vector);
                    lo = std::min(lo, q);
                    hi = std::max(hi, q);
                }
            }
        }
        range.lo.push_back(lo);
        range.hi.push_back(hi);
    }
    return range;
}

// fl32(scale (q - zero_point)), one rounding of the exact product; but in the vectors of LiteRT's built-in kernel.
float dequantize(Profile profile, std::int32_t value, const Tensor& in, std::size_t index) {
    const bool vector = profile == Profile::litert && in_vector(index, static_cast<std::size_t>(in.elements()));
    return vector ? litert_dequantize_vector(value, *in.quantization) : tflm_dequantize_value(value, *in.quantization);
}

// Hull over the profile's forms, whatever an element's place; each is non-decreasing in the integer.
Interval dequantize_range(Profile profile, std::int32_t lo, std::int32_t hi, const Quantization& q) {
    const auto end = [&](std::int32_t value) {
        const auto plain = static_cast<double>(tflm_dequantize_value(value, q));
        if (profile != Profile::litert && profile != Profile::any) return Interval::point(plain);
        const auto other = static_cast<double>(litert_dequantize_vector(value, q));
        return Interval{std::min(plain, other), std::max(plain, other)};
    };
    return {end(lo).lo, end(hi).hi};
}

// What the profile says about the device; the last bits of its C library enter LiteRT's tables.
std::string assumption_of(Profile profile) {
    const std::string library = "; its expf is faithful and its tanhf errs by less than two ulps";
    switch (profile) {
        case Profile::tflm:
            return "the device runs TFLite Micro's integer kernels (profile tflm: rounding as gemmlowp's double "
                   "rounding)";
        case Profile::ort:
            return "the device runs ONNX Runtime's integer kernels (profile ort)";
        case Profile::litert:
            return "the device runs LiteRT's built-in integer kernels as on x86-64, one thread (profile litert)" +
                   library;
        case Profile::litert_ref:
            return "the device runs LiteRT's reference integer kernels (profile litert_ref)" + library;
        case Profile::xnnpack:
            return "the device runs LiteRT with its delegate XNNPACK as on x86-64 (profile xnnpack)" + library;
        case Profile::any:
            break;
    }
    return "every operator runs on the kernels of TFLite Micro, LiteRT (built-in, reference, XNNPACK, as on x86-64) or "
           "ONNX Runtime, in any mixture (profile any)" +
           library;
}

// |fl(fl(s q) + fl(-z s)) - s (q - z)|, which is fl(s q) for z = 0, as of int16: three roundings, of numbers of at most
// 255 s, 255 s and 511 s, so less than 2^-24 * 1022 s < 2^-14 s.
double dequantize_error(Profile profile, const Quantization& q) {
    const bool vectors = profile == Profile::litert || profile == Profile::any;
    return vectors && q.zero_point() != 0 ? numeric::add_up(0x1p-149, 0x1p-14 * static_cast<double>(q.scale()))
                                          : 0x1p-149;
}

}  // namespace gonogo
