// Operators that move elements. With equal parameters they copy integers. Pad and concat may change them: the runtime
// then dequantises, moves and quantises, which is a table per element.
#include "ops/movement.hpp"

#include <memory>
#include <numeric>

#include "gonogo/error.hpp"

#include "ops/common.hpp"
#include "ops/ort/float_steps.hpp"
#include "ops/ort/ort.hpp"

namespace gonogo {

namespace {

// out[i] = table[source[i] == -1 ? none : in[source[i]]]; entries with source -1 are `fill`.
struct Move {
    std::vector<std::int64_t> source;
    std::int32_t fill = 0;
    std::shared_ptr<const int8::UnaryTable> table;

    void run(const std::int32_t* x, std::int32_t* y) const {
        for (std::size_t i = 0; i < source.size(); ++i) y[i] = source[i] < 0 ? fill : (*table)(x[source[i]]);
    }
};

std::shared_ptr<const int8::UnaryTable> conversion(const NodeView& node, const Tensor& from) {
    return std::make_shared<const int8::UnaryTable>(int8::storage_range(node, from),
                                                    ort::conversion_table(node, from, node.output()));
}

// A conversion rounds three times in float32 and once to an integer; a copy is exact.
Envelope envelope_of(bool copies) {
    return copies ? Envelope{0.0, 0.0} : Envelope{ort::half, ort::six_roundings};
}

// Theorem. The table is non-decreasing (positive scales, monotone roundings), so the ends of an element's range give
// the ends of the result's.
Int8Kernel move_kernel(const NodeView& node, std::vector<std::int64_t> source, std::int32_t fill = 0,
                       bool exact_fill = true) {
    ort::need_integers(node);
    const bool copies = ort::same_parameters(node.input(0), node.output());
    const auto move = std::make_shared<const Move>(Move{std::move(source), fill, conversion(node, node.input(0))});
    const auto operand = std::make_shared<const ort::Operand>(node, 0);
    Int8Kernel kernel;
    kernel.clamp = int8::storage_range(node, node.output());
    kernel.envelope = envelope_of(copies && exact_fill);
    kernel.point = [move, operand](std::span<const std::int32_t* const> in, std::int32_t* out) {
        move->run(operand->data(in), out);
    };
    kernel.range = [move, operand](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                                   std::int32_t* out_lo, std::int32_t* out_hi) {
        move->run(operand->data(lo), out_lo);
        move->run(operand->data(hi), out_hi);
    };
    return kernel;
}

std::vector<std::int64_t> strides_of(const Shape& dims) {
    std::vector<std::int64_t> strides(dims.size(), 1);
    for (std::size_t d = dims.size(); d-- > 1;) strides[d - 1] = strides[d] * dims[d];
    return strides;
}

// Calls body(flat output index, multi-index) in C order.
template <class Body>
void each_index(const Shape& dims, Body&& body) {
    const std::int64_t n = element_count(dims);
    std::vector<std::int64_t> index(dims.size(), 0);
    for (std::int64_t i = 0; i < n; ++i) {
        body(i, index);
        for (std::size_t d = dims.size(); d-- > 0;) {
            if (++index[d] < dims[d]) break;
            index[d] = 0;
        }
    }
}

// The runtime removes, merges and cancels pure movement, and then merges the quantisers that become neighbours: what is
// left of a change of scale isn't determined by this node.
void need_copy(const NodeView& node) {
    ort::need_integers(node);
    if (!ort::same_parameters(node.input(0), node.output())) {
        throw UnsupportedOperatorError(
            node.message("changes scale, zero point or type while it moves elements, which ONNX Runtime may merge with "
                         "its neighbours; "
                         "quantise input and output with the same parameters"));
    }
}

}  // namespace

Int8Kernel ort_reshape(const NodeView& node) {
    need_copy(node);
    std::vector<std::int64_t> source(static_cast<std::size_t>(node.output().elements()));
    if (node.input(0).elements() != node.output().elements()) {
        throw ShapeError(node.message("input and output have different numbers of elements"));
    }
    std::iota(source.begin(), source.end(), 0);
    return move_kernel(node, std::move(source));
}

Int8Kernel ort_transpose(const NodeView& node) {
    need_copy(node);
    const Shape& out = node.output().dims;
    const auto strides = strides_of(node.input(0).dims);
    const auto& perm = node.integers("perm");
    std::vector<std::int64_t> source(static_cast<std::size_t>(node.output().elements()));
    each_index(out, [&](std::int64_t i, const std::vector<std::int64_t>& index) {
        std::int64_t from = 0;
        for (std::size_t d = 0; d < out.size(); ++d) from += index[d] * strides[static_cast<std::size_t>(perm[d])];
        source[static_cast<std::size_t>(i)] = from;
    });
    return move_kernel(node, std::move(source));
}

Int8Kernel ort_strided_slice(const NodeView& node) {
    need_copy(node);
    std::vector<std::int64_t> source;
    for (const Movement::Source& s : movement_of(node).sources) source.push_back(s.element);
    return move_kernel(node, std::move(source));
}

Int8Kernel ort_pad(const NodeView& node) {
    ort::need_integers(node);
    const Shape& dims = node.input(0).dims;
    const auto strides = strides_of(dims);
    const auto& pads = node.integers("pads");
    // The runtime pads in float32, then quantises.
    const auto value = static_cast<float>(node.number("value"));
    const ort::Quantizer quantize(int8::per_tensor(node, node.output()), int8::storage_range(node, node.output()));
    std::vector<std::int64_t> source(static_cast<std::size_t>(node.output().elements()));
    each_index(node.output().dims, [&](std::int64_t i, const std::vector<std::int64_t>& index) {
        std::int64_t from = 0;
        for (std::size_t d = 0; d < dims.size() && from >= 0; ++d) {
            const std::int64_t at = index[d] - pads[d];
            from = at < 0 || at >= dims[d] ? -1 : from + at * strides[d];
        }
        source[static_cast<std::size_t>(i)] = from;
    });
    return move_kernel(node, std::move(source), quantize(value), value == 0.0F);
}

Int8Kernel ort_concat(const NodeView& node) {
    ort::need_integers(node);
    const Shape& out = node.output().dims;
    const std::size_t axis = checked_axis(node, node.integer("axis"), out.size());
    struct Part {
        ort::Operand operand;
        std::int64_t block;  // elements per outer index
        std::shared_ptr<const int8::UnaryTable> table;
    };
    auto parts = std::make_shared<std::vector<Part>>();
    bool copies = true;
    std::int64_t inner = 1;
    for (std::size_t d = axis + 1; d < out.size(); ++d) inner *= out[d];
    for (std::size_t k = 0; k < node.input_count(); ++k) {
        const Tensor& t = node.input(k);
        parts->push_back({ort::Operand(node, k), t.dims.at(axis) * inner, conversion(node, t)});
        copies = copies && ort::same_parameters(t, node.output());
    }
    const std::int64_t outer = inner * out[axis] == 0 ? 0 : node.output().elements() / (inner * out[axis]);
    const auto run = [parts, outer](std::span<const std::int32_t* const> in, std::int32_t* y) {
        for (std::int64_t o = 0; o < outer; ++o) {
            for (const Part& part : *parts) {
                const std::int32_t* x = part.operand.data(in) + o * part.block;
                for (std::int64_t i = 0; i < part.block; ++i) *y++ = (*part.table)(x[i]);
            }
        }
    };
    Int8Kernel kernel;
    kernel.clamp = int8::storage_range(node, node.output());
    kernel.envelope = envelope_of(copies);
    kernel.point = run;
    kernel.range = [run](std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                         std::int32_t* out_lo, std::int32_t* out_hi) {
        run(lo, out_lo);
        run(hi, out_hi);
    };
    return kernel;
}

}  // namespace gonogo
