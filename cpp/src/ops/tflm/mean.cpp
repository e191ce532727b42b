#include <bit>
#include <set>

#include "gonogo/error.hpp"

#include "ops/common.hpp"
#include "ops/tflm/reduction.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace tflm {

void Reduction::run(const std::int32_t* x, std::int32_t zero_point, std::int32_t* sums) const {
    std::fill_n(sums, outputs, 0);
    for (std::size_t i = 0; i < targets->size(); ++i) sums[(*targets)[i]] += x[i] - zero_point;
}

Reduction reduction_of(const NodeView& node) {
    const Shape& dims = node.input(0).dims;
    std::set<std::size_t> axes;
    for (const std::int64_t axis : node.integers("axes")) axes.insert(checked_axis(node, axis, dims.size()));
    Reduction r;
    Shape kept;
    for (std::size_t d = 0; d < dims.size(); ++d) {
        r.reduced.push_back(axes.contains(d));
        if (axes.contains(d)) {
            r.count *= dims[d];
        } else {
            kept.push_back(dims[d]);
        }
    }
    const std::int64_t inputs = node.input(0).elements();
    r.outputs = node.output().elements();
    if (r.count < 1 || inputs < 1 || element_count(kept) != r.outputs) {
        throw ShapeError(node.message("the output's shape doesn't fit the axes"));
    }
    const std::int64_t widest = node.input(0).dtype == DType::int16 ? 1 << 16 : 512;
    if (r.count > (std::int64_t{1} << 31) / widest) throw OverflowRiskError(node.message("the int32 sum can overflow"));

    // Strides of the kept dimensions, 0 for the reduced ones.
    std::vector<std::int64_t> strides(dims.size(), 0);
    std::int64_t step = 1;
    for (std::size_t d = dims.size(); d-- > 0;) {
        if (axes.contains(d)) continue;
        strides[d] = step;
        step *= dims[d];
    }
    auto targets = std::make_shared<std::vector<std::int64_t>>(static_cast<std::size_t>(inputs));
    for (std::size_t i = 0; i < targets->size(); ++i) {
        auto rest = static_cast<std::int64_t>(i);
        for (std::size_t d = dims.size(); d-- > 0; rest /= dims[d]) (*targets)[i] += rest % dims[d] * strides[d];
    }
    r.targets = std::move(targets);
    return r;
}

}  // namespace tflm

using numeric::Interval;

// y = A(sum - n z_in; m'), m' = the multiplier of s_in / s_out divided by n, truncated: mantissa * 2^k / n with 2^k the
// largest power of two up to n. Theorem A holds with M = s_in / (s_out n), f = (sum - n z_in) M.
Int8Kernel tflm_mean(const NodeView& node) {
    const int8::Affine in = tflm::tflite_tensor(node, node.input(0));
    const int8::Affine out = tflm::tflite_tensor(node, node.output());
    const tflm::Reduction r = tflm::reduction_of(node);
    tflm::Multiplier m = tflm::quantize_multiplier(static_cast<double>(in.scale) / static_cast<double>(out.scale));
    const int floor_log = 63 - std::countl_zero(static_cast<std::uint64_t>(r.count));
    const int shift = std::min({floor_log, 32, 31 + m.exponent});
    m = {static_cast<std::int32_t>((std::int64_t{m.mantissa} << shift) / r.count), m.exponent - shift};
    const ClampRange storage = int8::storage_range(node, node.input(0));
    tflm::check_shift(node, int8::largest_centred(storage, in.zero_point) * r.count, m, "sum");
    const Interval exact = tflm::ratio(in.scale, out.scale) / Interval::point(static_cast<double>(r.count));
    const ClampRange clamp = int8::storage_range(node, node.output());
    return tflm::monotone(clamp, tflm::requantize_error(m, exact), [=](const std::int32_t* x, std::int32_t* y) {
        r.run(x, in.zero_point, y);
        for (std::int64_t o = 0; o < r.outputs; ++o)
            y[o] = int8::clamp(tflm::requantize(y[o], m) + out.zero_point, clamp);
    });
}

}  // namespace gonogo
