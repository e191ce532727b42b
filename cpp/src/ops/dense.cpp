#include "ops/affine.hpp"
#include "ops/common.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

std::vector<SymbolicShape> dense_shape(const NodeView& view) {
    const auto& in = view.input(0).shape;
    const auto& w = view.input(1).shape;
    if (w.size() != 2) throw ShapeError(view.message("the weights must have shape [outputs, inputs]"));
    if (view.has_input(2) && (view.input(2).shape.size() != 1 || !alike(view.input(2).shape[0], w[0]))) {
        throw ShapeError(view.message("the bias must have one value per output"));
    }
    if (w[1].is_constant() && w[1].constant() < 1) throw ShapeError(view.message("the weights have no inputs"));
    if (view.integer("keep_dims") != 0) {
        const std::string misfit = "weights for " + w[1].text() + " inputs don't fit the last dimension of the input";
        if (in.empty()) throw ShapeError(view.message(misfit));
        if (!alike(in.back(), w[1])) view.require(equal(in.back(), w[1]), misfit);
        SymbolicShape out = in;
        out.back() = w[0];
        return {out};
    }
    const Expr all = count(in);
    if (all.is_constant() && w[1].is_constant() && all.constant() % w[1].constant() != 0) {
        throw ShapeError(
            view.message("an input of " + all.text() + " elements doesn't divide into rows of " + w[1].text()));
    }
    return {{alike(all, w[1]) ? Expr(1) : floor_div(all, w[1]), w[0]}};
}

Work dense_work(const NodeView& view) {
    return {.macs = count(view.output().shape) * view.input(1).shape[1],
            .other_operations = count(view.output().shape),
            .parameter_bytes = constant_bytes(view)};
}

}  // namespace

const OperatorRecord& dense_record() {
    static const OperatorRecord record = {
        .name = "dense",
        .summary = "fully connected layer, weights [out, in], optional bias and fused activation",
        .onnx = "Gemm, MatMul (constant weights), MatMulNBits, QLinearMatMul, QGemm",
        .tflite = "FULLY_CONNECTED",
        .min_inputs = 2,
        .max_inputs = 3,
        // factored: the file multiplies the sum or the bias by a number, which the weights given here contain already.
        .attributes = {integer_attribute("keep_dims", 1), integer_attribute("factored", 0), activation_attribute()},
        .shape = dense_shape,
        .work = dense_work,
        .real = affine_real,
        .int8 = {.tflm = tflm_dense,
                 .ort = ort_dense,
                 .litert = litert_dense,
                 .litert_ref = litert_ref_dense,
                 .xnnpack = xnnpack_dense},
        .int16 = {.tflm = int16_tflm_dense,
                  .litert = int16_litert_dense,
                  .litert_ref = int16_litert_ref_dense,
                  .xnnpack = int16_litert_dense},
        .joint = JointKind::affine,
    };
    return record;
}

}  // namespace gonogo
