#include "ops/int8_common.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "gonogo/error.hpp"

namespace gonogo::int8 {

namespace {

// zero_point + round_half_away(fl32(bound / scale)); the float32 division is TFLite's.
std::int64_t quantised_bound(const NodeView& node, float bound, Affine q) {
    const float steps = std::round(bound / q.scale);
    if (!(std::fabs(steps) < 2147483648.0F)) {
        throw QuantizationError(node.message("the activation's bound " + std::to_string(bound) +
                                             " overflows int32 at the output's scale; the scale is too small"));
    }
    return q.zero_point + static_cast<std::int64_t>(steps);
}

constexpr std::size_t block = 256;  // of a table's extremes
constexpr std::int64_t largest_bias = std::int64_t{1} << 47;

template <class To, class T>
std::vector<To> widen(std::span<const T> values, std::size_t count) {
    std::vector<To> out(count);
    for (std::size_t i = 0; i < count; ++i) out[i] = values[i];
    return out;
}

// Elements of a constant whose values are there.
std::size_t checked_count(const NodeView& node, const Tensor& tensor) {
    const auto count = static_cast<std::size_t>(tensor.elements());
    if (!tensor.is_constant || !tensor.has_values) {
        throw ModelError(node.message("tensor '" + tensor.name + "' must be a constant with values"));
    }
    if (tensor.data.size() != count * static_cast<std::size_t>(byte_size(tensor.dtype))) {
        throw ModelError(node.message("constant '" + tensor.name + "' has " + std::to_string(tensor.data.size()) +
                                      " bytes for " + std::to_string(count) + " elements"));
    }
    return count;
}

}  // namespace

ClampRange storage_range(const NodeView& node, const Tensor& tensor) {
    if (tensor.dtype == DType::int8) return {-128, 127};
    if (tensor.dtype == DType::uint8) return {0, 255};
    if (tensor.dtype == DType::int16) return {-32768, 32767};
    throw UnsupportedTypeError(node.message("tensor '" + tensor.name + "' has element type " +
                                            std::string(name_of(tensor.dtype)) +
                                            "; integer kernels need int8, uint8 or int16"));
}

ClampRange activation_range(const NodeView& node) {
    return node.has("activation") ? activation_range(node, node.text("activation"))
                                  : storage_range(node, node.output());
}

ClampRange activation_range(const NodeView& node, std::string_view activation) {
    ClampRange range = storage_range(node, node.output());
    if (activation == "none") return range;
    const Affine q = per_tensor(node, node.output());
    const bool symmetric = activation == "relu_n1_to_1";
    if (!symmetric && activation != "relu" && activation != "relu6") {
        throw UnsupportedOperatorError(node.message("fused activation '" + std::string(activation) + "' isn't known"));
    }
    range.lo = clamp(quantised_bound(node, symmetric ? -1.0F : 0.0F, q), range);
    if (activation != "relu") range.hi = clamp(quantised_bound(node, symmetric ? 1.0F : 6.0F, q), range);
    return range;
}

Affine per_tensor(const NodeView& node, const Tensor& tensor) {
    const ClampRange storage = storage_range(node, tensor);
    const auto fail = [&](const std::string& what) {
        throw QuantizationError(node.message("tensor '" + tensor.name + "' " + what));
    };
    if (!tensor.quantization) fail("has no scale; quantise the model, or use a float engine");
    const Quantization& q = *tensor.quantization;
    if (q.scales.size() != 1 || q.zero_points.size() != 1 || q.blocked()) fail("must be quantised per tensor here");
    const Affine result{q.scales[0], q.zero_points[0]};
    if (!(result.scale > 0.0F) || !std::isfinite(result.scale)) fail("has a scale that isn't positive and finite");
    if (result.zero_point < storage.lo || result.zero_point > storage.hi) {
        fail("has the zero point " + std::to_string(result.zero_point) + ", outside its storage type");
    }
    return result;
}

std::vector<std::int32_t> constant_integers(const NodeView& node, const Tensor& tensor) {
    const std::size_t count = checked_count(node, tensor);
    switch (tensor.dtype) {
        case DType::int8:
            return widen<std::int32_t>(tensor.values<std::int8_t>(), count);
        case DType::uint8:
            return widen<std::int32_t>(tensor.values<std::uint8_t>(), count);
        case DType::int16:
            return widen<std::int32_t>(tensor.values<std::int16_t>(), count);
        case DType::int32:
            return widen<std::int32_t>(tensor.values<std::int32_t>(), count);
        default:
            throw UnsupportedTypeError(node.message("constant '" + tensor.name + "' has element type " +
                                                    std::string(name_of(tensor.dtype)) +
                                                    "; integer kernels need int8, uint8, int16 or int32"));
    }
}

std::vector<std::int64_t> bias_integers(const NodeView& node, const Tensor& tensor) {
    const std::size_t count = checked_count(node, tensor);
    if (tensor.dtype == DType::int32) return widen<std::int64_t>(tensor.values<std::int32_t>(), count);
    if (tensor.dtype != DType::int64) {
        throw UnsupportedTypeError(node.message("the bias '" + tensor.name +
                                                "' must be int32, or int64 of int16 "
                                                "inputs"));
    }
    std::vector<std::int64_t> values = widen<std::int64_t>(tensor.values<std::int64_t>(), count);
    for (const std::int64_t v : values) {
        if (v <= -largest_bias || v >= largest_bias) {
            throw OverflowRiskError(node.message("the bias '" + tensor.name + "' holds " + std::to_string(v) +
                                                 "; the device's kernels take less than 2^47"));
        }
    }
    return values;
}

std::int64_t largest_centred(ClampRange storage, std::int32_t zero_point) {
    return std::max(std::int64_t{storage.hi} - zero_point, std::int64_t{zero_point} - storage.lo);
}

UnaryTable::UnaryTable(ClampRange domain, std::vector<std::int32_t> values)
    : domain_(domain), values_(std::move(values)) {
    values_.resize(static_cast<std::size_t>(std::int64_t{domain_.hi} - domain_.lo + 1));
    if (std::is_sorted(values_.begin(), values_.end())) {
        direction_ = 1;
    } else if (std::is_sorted(values_.rbegin(), values_.rend())) {
        direction_ = -1;
    }
    for (std::size_t i = 0; direction_ == 0 && i < values_.size(); i += block) {
        const auto first = values_.begin() + static_cast<std::ptrdiff_t>(i);
        const auto [least, greatest] =
            std::minmax_element(first, first + static_cast<std::ptrdiff_t>(std::min(block, values_.size() - i)));
        blocks_.emplace_back(*least, *greatest);
    }
}

// Theorem: the result is {min, max} of the table over the integers of [lo, hi]. A sorted table takes them at the ends;
// otherwise every entry is looked at, whole blocks by their extremes.
void UnaryTable::range(std::int32_t lo, std::int32_t hi, std::int32_t& out_lo, std::int32_t& out_hi) const {
    const std::size_t first = index(lo);
    const std::size_t last = std::max(first, index(hi));
    if (direction_ != 0) {
        out_lo = values_[direction_ > 0 ? first : last];
        out_hi = values_[direction_ > 0 ? last : first];
        return;
    }
    std::int32_t least = values_[first];
    std::int32_t greatest = least;
    for (std::size_t i = first + 1; i <= last;) {
        const bool whole = i % block == 0 && last - i >= block;
        const auto [low, high] = whole ? blocks_[i / block] : std::pair(values_[i], values_[i]);
        least = std::min(least, low);
        greatest = std::max(greatest, high);
        i += whole ? block : 1;
    }
    out_lo = least;
    out_hi = greatest;
}

Int8Kernel unary_kernel(UnaryTable table, std::int64_t elements, ClampRange clamp_range, Envelope envelope) {
    const auto shared = std::make_shared<const UnaryTable>(std::move(table));
    Int8Kernel kernel;
    kernel.envelope = envelope;
    kernel.clamp = clamp_range;
    kernel.point = [shared, elements](std::span<const std::int32_t* const> in, std::int32_t* out) {
        for (std::int64_t i = 0; i < elements; ++i) out[i] = (*shared)(in[0][i]);
    };
    kernel.range = [shared, elements](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                                      std::int32_t* out_lo, std::int32_t* out_hi) {
        for (std::int64_t i = 0; i < elements; ++i) shared->range(lo[0][i], hi[0][i], out_lo[i], out_hi[i]);
    };
    return kernel;
}

}  // namespace gonogo::int8
