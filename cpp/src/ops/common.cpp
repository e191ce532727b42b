#include "ops/common.hpp"

#include <algorithm>

#include "tensor/shorthand.hpp"

namespace gonogo {

AttributeSpec integer_attribute(std::string_view name, std::int64_t fallback) {
    return {.name = name, .kind = AttributeKind::integer, .fallback = fallback};
}
AttributeSpec number_attribute(std::string_view name, double fallback) {
    return {.name = name, .kind = AttributeKind::number, .fallback = fallback};
}
AttributeSpec integers_attribute(std::string_view name, std::vector<std::int64_t> fallback) {
    return {.name = name, .kind = AttributeKind::integers, .fallback = std::move(fallback)};
}
AttributeSpec required(AttributeSpec spec) {
    spec.required = true;
    return spec;
}

namespace {

AttributeSpec text_attribute(std::string_view name, std::string fallback, std::vector<std::string_view> choices) {
    return {.name = name, .kind = AttributeKind::text, .fallback = std::move(fallback), .choices = std::move(choices)};
}

}  // namespace

AttributeSpec activation_attribute() {
    return text_attribute("activation", "none", {"none", "relu", "relu6", "relu_n1_to_1"});
}
AttributeSpec layout_attribute() {
    return text_attribute("layout", "NHWC", {"NHWC", "NCHW"});
}
AttributeSpec padding_attribute() {
    return text_attribute("padding", "valid", {"same", "valid", "explicit"});
}

Expr count(const std::vector<Expr>& shape) {
    Expr product = 1;
    for (const Expr& dim : shape) product = product * dim;
    return product;
}

Expr constant_bytes(const NodeView& view) {
    Expr sum = 0;
    for (std::size_t i = 0; i < view.input_count(); ++i) {
        if (!view.has_input(i) || !view.input(i).is_constant) continue;
        const Tensor& t = view.input(i);
        sum = sum + (t.packed_int4 ? Expr(t.stored_bytes()) : count(t.shape) * t.element_bytes());
    }
    return sum;
}

std::size_t checked_axis(const NodeView& view, std::int64_t axis, std::size_t rank) {
    const auto r = static_cast<std::int64_t>(rank);
    const std::int64_t a = axis < 0 ? axis + r : axis;
    if (a < 0 || a >= r) {
        throw ModelError(
            view.message("axis " + std::to_string(axis) + " doesn't exist in " + std::to_string(rank) + " dimensions"));
    }
    return static_cast<std::size_t>(a);
}

SymbolicShape broadcast(const NodeView& view, const std::vector<Expr>& a, const std::vector<Expr>& b) {
    const std::size_t rank = std::max(a.size(), b.size());
    SymbolicShape out(rank);
    for (std::size_t i = 0; i < rank; ++i) {
        const Expr x = i + a.size() < rank ? Expr(1) : a[i + a.size() - rank];
        const Expr y = i + b.size() < rank ? Expr(1) : b[i + b.size() - rank];
        if (alike(x, y) || (y.is_constant() && y.constant() == 1)) {
            out[i] = x;
        } else if (x.is_constant() && x.constant() == 1) {
            out[i] = y;
        } else {
            // Sizes that depend on hyper-parameters must be equal: a size of 1 that broadcasts only sometimes is
            // refused.
            view.require(equal(x, y), "operands don't broadcast: " + x.text() + " against " + y.text() +
                                          " in dimension " + std::to_string(i));
            out[i] = x;
        }
    }
    return out;
}

std::vector<SymbolicShape> shape_of_first_input(const NodeView& view) {
    return {view.input(0).shape};
}

Work elementwise_work(const NodeView& view) {
    return {.other_operations = count(view.output().shape), .parameter_bytes = constant_bytes(view)};
}

std::vector<double> real_values(const NodeView& view, const Tensor& t) {
    if (!t.has_values) {
        throw ModelError(view.message("the values of constant '" + t.name +
                                      "' aren't in this file, only its shape; bounds need them"));
    }
    const auto n = static_cast<std::size_t>(t.elements());
    std::vector<double> out(n);
    const auto dequantize = [&](auto values) {
        if (!t.is_quantized())
            throw UnsupportedTypeError(view.message("constant '" + t.name + "' is an integer without a scale"));
        const Quantization& q = *t.quantization;
        const QuantizationEntries entry(q, t.dims);
        // 17-bit integer times 24-bit significand: exact in binary64.
        for (std::size_t i = 0; i < n; ++i) {
            const std::int64_t c = entry(static_cast<std::int64_t>(i));
            out[i] = (static_cast<double>(values[i]) - static_cast<double>(q.zero_point(c))) *
                     static_cast<double>(q.scale(c));
        }
    };
    switch (t.dtype) {
        case DType::float32:
            for (std::size_t i = 0; i < n; ++i) out[i] = static_cast<double>(t.values<float>()[i]);
            return out;
        case DType::int8:
            dequantize(t.values<std::int8_t>());
            return out;
        case DType::uint8:
            dequantize(t.values<std::uint8_t>());
            return out;
        case DType::int16:
            dequantize(t.values<std::int16_t>());
            return out;
        default:
            throw UnsupportedTypeError(
                view.message("constant '" + t.name + "' has element type " + std::string(name_of(t.dtype))));
    }
}

std::vector<std::int64_t> broadcast_strides(const Shape& dims, const Shape& out) {
    std::vector<std::int64_t> strides(out.size(), 0);
    std::int64_t step = 1;
    for (std::size_t i = dims.size(); i-- > 0;) {
        const std::size_t o = out.size() - dims.size() + i;
        if (dims[i] != 1) strides[o] = step;
        step *= dims[i];
    }
    return strides;
}

RealClamp activation_clamp(const NodeView& view) {
    if (!view.has("activation")) return {-infinity, infinity};
    const std::string& name = view.text("activation");
    if (name == "relu") return {0.0, infinity};
    if (name == "relu6") return {0.0, 6.0};
    if (name == "relu_n1_to_1") return {-1.0, 1.0};
    return {-infinity, infinity};
}

}  // namespace gonogo
