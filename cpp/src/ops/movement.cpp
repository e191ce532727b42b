#include "ops/movement.hpp"

#include <algorithm>
#include <numeric>

#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

// ---- shape rules

std::vector<SymbolicShape> reshape_shape(const NodeView& view) {
    const SymbolicShape target = view.expressions("shape");
    std::string text;
    for (const Expr& d : target) {
        if (d.is_constant() && d.constant() < 0)
            throw ModelError(view.message("attribute 'shape' must be concrete, it holds " + d.text()));
        text += (text.empty() ? "" : ", ") + d.text();
    }
    const Expr before = count(view.input(0).shape);
    const Expr after = count(target);
    if (!alike(before, after))
        view.require(equal(before, after), before.text() + " elements can't be reshaped to [" + text + "]");
    return {target};
}

std::vector<SymbolicShape> transpose_shape(const NodeView& view) {
    const auto& perm = view.integers("perm");
    const auto& in = view.input(0).shape;
    std::vector<std::int64_t> sorted = perm;
    std::sort(sorted.begin(), sorted.end());
    std::vector<std::int64_t> expected(in.size());
    std::iota(expected.begin(), expected.end(), 0);
    if (sorted != expected)
        throw ModelError(view.message("attribute 'perm' " + to_string(perm) + " is no permutation of the dimensions"));
    SymbolicShape out;
    for (const std::int64_t p : perm) out.push_back(in[static_cast<std::size_t>(p)]);
    return {out};
}

std::vector<SymbolicShape> concat_shape(const NodeView& view) {
    SymbolicShape out = view.input(0).shape;
    const std::size_t axis = checked_axis(view, view.integer("axis"), out.size());
    for (std::size_t i = 1; i < view.input_count(); ++i) {
        if (!view.has_input(i)) throw ModelError(view.message("input " + std::to_string(i) + " is missing"));
        const auto& in = view.input(i).shape;
        if (in.size() != out.size()) throw ShapeError(view.message("inputs have different numbers of dimensions"));
        for (std::size_t d = 0; d < in.size(); ++d) {
            if (d == axis) {
                out[d] = out[d] + in[d];
            } else if (!alike(in[d], out[d])) {
                view.require(equal(in[d], out[d]), "inputs differ in dimension " + std::to_string(d) + ": " +
                                                       out[d].text() + " against " + in[d].text());
            }
        }
    }
    return {out};
}

std::vector<SymbolicShape> pad_shape(const NodeView& view) {
    const auto& pads = view.integers("pads");
    SymbolicShape out = view.input(0).shape;
    if (pads.size() != 2 * out.size())
        throw ModelError(view.message("attribute 'pads' needs two entries per dimension"));
    for (std::size_t d = 0; d < out.size(); ++d) {
        if (pads[d] < 0 || pads[d + out.size()] < 0)
            throw UnsupportedOperatorError(view.message("negative padding isn't supported"));
        out[d] = out[d] + Expr(pads[d]) + Expr(pads[d + out.size()]);
    }
    return {out};
}

std::vector<SymbolicShape> slice_shape(const NodeView& view) {
    const auto& begin = view.integers("begin");
    const auto& end = view.integers("end");
    const auto& step = view.integers("strides");
    const auto& in = view.input(0).shape;
    if (begin.size() != in.size() || end.size() != in.size() || step.size() != in.size()) {
        throw ModelError(view.message("'begin', 'end' and 'strides' need one entry per dimension"));
    }
    SymbolicShape out;
    for (std::size_t d = 0; d < in.size(); ++d) {
        if (step[d] < 1) throw UnsupportedOperatorError(view.message("slices with a stride below 1 aren't supported"));
        if (begin[d] < 0 || end[d] < begin[d] || (in[d].is_constant() && end[d] > in[d].constant())) {
            throw ShapeError(view.message("slice " + std::to_string(begin[d]) + ":" + std::to_string(end[d]) +
                                          " leaves dimension " + std::to_string(d)));
        }
        out.emplace_back((end[d] - begin[d] + step[d] - 1) / step[d]);
    }
    // The file's own output shape may have dropped dimensions of size 1 (shrink axes); the element count must agree.
    const Tensor& stated = view.output();
    if (!stated.symbolic && stated.dims.size() != out.size() && element_count(stated.dims) == count(out).constant())
        return {stated.shape};
    return {out};
}

// ---- where the elements come from

// Walks the output's index space; `place` maps an output index vector to a source.
template <class Place>
void fill_sources(const Shape& dims, std::vector<Movement::Source>& sources, Place place) {
    const std::int64_t n = element_count(dims);
    sources.reserve(static_cast<std::size_t>(n));
    Shape index(dims.size(), 0);
    for (std::int64_t i = 0; i < n; ++i) {
        sources.push_back(place(index));
        for (std::size_t d = dims.size(); d-- > 0;) {
            if (++index[d] < dims[d]) break;
            index[d] = 0;
        }
    }
}

std::int64_t flat(const Shape& index, const Shape& dims) {
    std::int64_t at = 0;
    for (std::size_t d = 0; d < dims.size(); ++d) at = at * dims[d] + index[d];
    return at;
}

RealKernel movement_real(const NodeView& view) {
    return [move = movement_of(view), clamp = activation_clamp(view)](std::span<const IntervalTensor* const> in,
                                                                      IntervalTensor& out) {
        for (std::size_t o = 0; o < out.size(); ++o) {
            const Movement::Source s = move.source(o);
            const numeric::Interval v =
                s.input < 0 ? numeric::Interval::point(move.fill)
                            : load(*in[static_cast<std::size_t>(s.input)], static_cast<std::size_t>(s.element));
            store(out, o, clamped(v, clamp));
        }
    };
}

OperatorRecord moving(std::string_view name, std::string_view summary, std::string_view onnx, std::string_view tflite) {
    return {.name = name,
            .summary = summary,
            .onnx = onnx,
            .tflite = tflite,
            .real = movement_real,
            .joint = JointKind::movement};
}

}  // namespace

Movement movement_of(const NodeView& view) {
    if (view.output().symbolic) throw ShapeError(view.message("this engine needs concrete shapes"));
    Movement move;
    const std::string_view op = view.op().name;
    const Shape& in = view.input(0).dims;
    const Shape& out = view.output().dims;
    if (op == "identity" || op == "reshape") {
        move.plain = true;
    } else if (op == "transpose") {
        const auto& perm = view.integers("perm");
        fill_sources(out, move.sources, [&](const Shape& index) {
            Shape from(in.size());
            for (std::size_t d = 0; d < perm.size(); ++d) from[static_cast<std::size_t>(perm[d])] = index[d];
            return Movement::Source{0, flat(from, in)};
        });
    } else if (op == "concat") {
        const std::size_t axis = checked_axis(view, view.integer("axis"), out.size());
        fill_sources(out, move.sources, [&](const Shape& index) {
            Shape from = index;
            std::int32_t input = 0;
            while (from[axis] >= view.input(static_cast<std::size_t>(input)).dims[axis]) {
                from[axis] -= view.input(static_cast<std::size_t>(input)).dims[axis];
                ++input;
            }
            return Movement::Source{input, flat(from, view.input(static_cast<std::size_t>(input)).dims)};
        });
    } else if (op == "pad") {
        const auto& pads = view.integers("pads");
        move.fill = view.number("value");
        fill_sources(out, move.sources, [&](const Shape& index) {
            Shape from(in.size());
            for (std::size_t d = 0; d < in.size(); ++d) {
                from[d] = index[d] - pads[d];
                if (from[d] < 0 || from[d] >= in[d]) return Movement::Source{-1, 0};
            }
            return Movement::Source{0, flat(from, in)};
        });
    } else {
        const auto& begin = view.integers("begin");
        const auto& end = view.integers("end");
        const auto& step = view.integers("strides");
        Shape full(in.size());
        for (std::size_t d = 0; d < in.size(); ++d) full[d] = (end[d] - begin[d] + step[d] - 1) / step[d];
        fill_sources(full, move.sources, [&](const Shape& index) {
            Shape from(in.size());
            for (std::size_t d = 0; d < in.size(); ++d) from[d] = begin[d] + index[d] * step[d];
            return Movement::Source{0, flat(from, in)};
        });
    }
    return move;
}

const OperatorRecord& identity_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = moving("identity", "the input itself", "Identity, Dropout", "");
        r.shape = shape_of_first_input;
        r.int8 = {.tflm = tflm_reshape,
                  .ort = ort_reshape,
                  .litert = litert_copy,
                  .litert_ref = litert_copy,
                  .xnnpack = litert_copy};
        r.int16 = int16_rules(tflm_reshape, litert_copy);
        return r;
    }();
    return record;
}

const OperatorRecord& reshape_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = moving("reshape", "same elements, other shape", "Reshape, Flatten, Squeeze, Unsqueeze",
                                  "RESHAPE, SQUEEZE, EXPAND_DIMS");
        r.max_inputs = 2;  // TFLite keeps the target shape as a second input
        r.attributes = {required(integers_attribute("shape", {}))};
        r.shape = reshape_shape;
        r.int8 = {.tflm = tflm_reshape,
                  .ort = ort_reshape,
                  .litert = litert_copy,
                  .litert_ref = litert_copy,
                  .xnnpack = litert_copy};
        r.int16 = int16_rules(tflm_reshape, litert_copy);
        return r;
    }();
    return record;
}

const OperatorRecord& transpose_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = moving("transpose", "permuted dimensions", "Transpose", "TRANSPOSE");
        r.max_inputs = 2;
        r.attributes = {required(integers_attribute("perm", {}))};
        r.shape = transpose_shape;
        r.int8 = {.tflm = tflm_transpose,
                  .ort = ort_transpose,
                  .litert = litert_copy,
                  .litert_ref = litert_copy,
                  .xnnpack = litert_copy};
        r.int16 = int16_rules(tflm_transpose, litert_copy);
        return r;
    }();
    return record;
}

const OperatorRecord& concat_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = moving("concat", "inputs joined along one axis", "Concat, QLinearConcat", "CONCATENATION");
        r.max_inputs = 4096;
        r.attributes = {required(integer_attribute("axis", 0)), activation_attribute()};
        r.shape = concat_shape;
        r.int8 = {.tflm = tflm_concat,
                  .ort = ort_concat,
                  .litert = litert_copy,
                  .litert_ref = litert_copy,
                  .xnnpack = litert_copy};
        r.int16 = int16_rules(tflm_concat, litert_copy);
        return r;
    }();
    return record;
}

const OperatorRecord& pad_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = moving("pad", "constant padding", "Pad (constant)", "PAD, PADV2");
        r.max_inputs = 3;
        r.attributes = {required(integers_attribute("pads", {})), number_attribute("value", 0.0)};
        r.shape = pad_shape;
        r.int8 = {
            .tflm = tflm_pad, .ort = ort_pad, .litert = litert_copy, .litert_ref = litert_copy, .xnnpack = litert_copy};
        r.int16 = int16_rules(tflm_pad, litert_copy);
        return r;
    }();
    return record;
}

const OperatorRecord& strided_slice_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r =
            moving("strided_slice", "every n-th element of a range per dimension", "Slice", "STRIDED_SLICE, SLICE");
        r.max_inputs = 5;
        r.attributes = {required(integers_attribute("begin", {})), required(integers_attribute("end", {})),
                        required(integers_attribute("strides", {}))};
        r.shape = slice_shape;
        r.int8 = {.tflm = tflm_strided_slice,
                  .ort = ort_strided_slice,
                  .litert = litert_copy,
                  .litert_ref = litert_copy,
                  .xnnpack = litert_copy};
        r.int16 = int16_rules(tflm_strided_slice, litert_copy);
        return r;
    }();
    return record;
}

}  // namespace gonogo
