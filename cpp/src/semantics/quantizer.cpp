#include "semantics/quantizer.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/rounding.hpp"

namespace gonogo {

namespace {

std::int32_t cut(double steps, std::int32_t zero_point, ClampRange limits) {
    const double q = steps + static_cast<double>(zero_point);
    return static_cast<std::int32_t>(std::clamp(q, static_cast<double>(limits.lo), static_cast<double>(limits.hi)));
}

}  // namespace

double quantizer_steps(const Tensor& input) {
    return input.dtype == DType::int16 ? 0.5 + 0x1.01p-7 : 0.5 + 0x1p-13;
}

// Theorem. Let s > 0 be the scale and x in [lo, hi]. The quantiser computes q = clamp(z + n), n an integer with
// |n - x / s| <= e, e = quantizer_steps. (For |x / s| > N both ends are clamped whatever n is: |z| <= 255 and the
// storage range has 256 integers, or |z| <= 2^15 and it has 2^16.) Hence ceil(lo / s - e) <= n <= floor(hi / s + e);
// rounding lo / s - e down and hi / s + e up before ceil and floor keeps the enclosure.
DeviceRange quantize_box(const Tensor& input, const IntervalTensor& box) {
    DeviceRange out;
    if (!input.is_quantized()) {
        out.floats = box;
        return out;
    }
    const ClampRange limits = storage_limits(input);
    const double scale = static_cast<double>(input.quantization->scale());
    const std::int32_t z = input.quantization->zero_point();
    const double steps = quantizer_steps(input);
    out.integers.lo.resize(box.size());
    out.integers.hi.resize(box.size());
    for (std::size_t i = 0; i < box.size(); ++i) {
        out.integers.lo[i] = cut(std::ceil(numeric::sub_down(numeric::div_down(box.lo[i], scale), steps)), z, limits);
        out.integers.hi[i] = cut(std::floor(numeric::add_up(numeric::div_up(box.hi[i], scale), steps)), z, limits);
    }
    return out;
}

std::int32_t quantize_point(const Tensor& input, double x) {
    return cut(std::nearbyint(x / static_cast<double>(input.quantization->scale())), input.quantization->zero_point(),
               storage_limits(input));
}

}  // namespace gonogo
