// Scalar functions: enumerated over the 256 stored values with the runtime's own float32 steps.
#include <cmath>

#include "gonogo/error.hpp"
#include "gonogo/numeric/elementary.hpp"

#include "ops/ort/float_steps.hpp"
#include "ops/ort/ort.hpp"

namespace gonogo {

namespace {

using int8::Affine;

using numeric::Interval;

// Theorem. The kernel is Q(f(D(q))) with D, f, Q in float32; the table holds it for every q, so `point` is the kernel
// and `range` its exact minimum and maximum. The envelope is the largest distance between the unclamped integer and an
// enclosure of the real function over the 256 values, rounded up.
template <class Float, class Real>
Int8Kernel table_kernel(const NodeView& node, Float&& value, Real&& real) {
    ort::need_integers(node);
    ort::need_activation(node);
    const ClampRange domain = int8::storage_range(node, node.input(0));
    const ClampRange storage = int8::storage_range(node, node.output());
    const Affine in = int8::per_tensor(node, node.input(0));
    const Affine out = int8::per_tensor(node, node.output());
    const ort::Quantizer quantize(out, storage);
    std::vector<std::int32_t> table;
    std::vector<std::int32_t> unclamped;
    double worst = 0.0;
    for (std::int32_t q = domain.lo; q <= domain.hi; ++q) {
        const float v = value(ort::dequantize(q, in));
        if (!std::isfinite(v)) throw QuantizationError(node.message("a scale is so large that float32 overflows"));
        table.push_back(quantize(v));
        unclamped.push_back(quantize.unclamped(v));
        // (q - z) s is exact in binary64: 9 + 24 bits.
        const double x = static_cast<double>(q - in.zero_point) * static_cast<double>(in.scale);
        const Interval exact = real(x) / Interval::point(static_cast<double>(out.scale));
        const Interval error = Interval::point(static_cast<double>(unclamped.back() - out.zero_point)) - exact;
        worst = std::max(worst, error.magnitude());
    }
    const std::int64_t elements = node.output().elements();
    Int8Kernel kernel = int8::unary_kernel({domain, std::move(table)}, elements, storage, {worst, 0.0});
    kernel.unclamped_range = int8::unary_kernel({domain, std::move(unclamped)}, elements, storage, {}).range;
    return kernel;
}

// MLAS, FMA3 kernel: odd rational function on [-18, 18]; every line is one fused operation.
float mlas_logistic(float input) {
    const float x = std::fmin(std::fmax(input, -18.0F), 18.0F);
    const float square = x * x;
    float p = std::fma(square, 4.37031012579801e-11F, 1.15627324459942e-07F);
    for (const float c : {6.08574864600143e-05F, 8.51377133304701e-03F, 2.48287947061529e-01F})
        p = std::fma(p, square, c);
    float q = std::fma(square, 6.10247389755681e-13F, 5.76102136993427e-09F);
    for (const float c : {6.29106785017040e-06F, 1.70198817374094e-03F, 1.16817656904453e-01F, 9.93151921023180e-01F}) {
        q = std::fma(q, square, c);
    }
    const float y = (p * x) / q + 0.5F;
    return y > 0.0F ? y : 0.0F;
}

float mlas_tanh(float input) {
    const float x = std::fmin(std::fmax(input, -9.0F), 9.0F);
    const float square = x * x;
    float p = std::fma(square, -2.76076847742355e-16F, 2.00018790482477e-13F);
    for (const float c : {-8.60467152213735e-11F, 5.12229709037114e-08F, 1.48572235717979e-05F, 6.37261928875436e-04F,
                          4.89352455891786e-03F}) {
        p = std::fma(p, square, c);
    }
    float q = std::fma(square, 1.19825839466702e-06F, 1.18534705686654e-04F);
    for (const float c : {2.26843463243900e-03F, 4.89352518554385e-03F}) q = std::fma(q, square, c);
    return (p * x) / q;
}

}  // namespace

Int8Kernel ort_relu(const NodeView& node) {
    float lo = 0.0F;
    float hi = std::numeric_limits<float>::infinity();
    if (node.op().name == "relu6") hi = 6.0F;
    if (node.op().name == "clip") {
        lo = static_cast<float>(node.number("min"));
        hi = static_cast<float>(node.number("max"));
    }
    return table_kernel(
        node,
        [=](float x) {
            const float above = x < lo ? lo : x;
            return above > hi ? hi : above;
        },
        [=](double x) {
            return Interval::point(std::min(std::max(x, static_cast<double>(lo)), static_cast<double>(hi)));
        });
}

Int8Kernel ort_leaky_relu(const NodeView& node) {
    const float alpha = static_cast<float>(node.number("alpha"));
    return table_kernel(
        node, [=](float x) { return x >= 0.0F ? x : alpha * x; },
        [=](double x) {
            return x >= 0.0 ? Interval::point(x) : Interval::point(x) * Interval::point(static_cast<double>(alpha));
        });
}

Int8Kernel ort_sigmoid(const NodeView& node) {
    return table_kernel(node, mlas_logistic, [](double x) { return numeric::sigmoid_at(x); });
}

Int8Kernel ort_tanh(const NodeView& node) {
    return table_kernel(node, mlas_tanh, [](double x) { return numeric::tanh_at(x); });
}

Int8Kernel ort_quantize(const NodeView& node) {
    if (node.input(0).dtype == DType::float32) {
        throw UnsupportedTypeError(
            node.message("quantises float32 values; the engine does that with ort_quantize_value"));
    }
    if (ort::same_parameters(node.input(0), node.output())) return ort_reshape(node);
    throw UnsupportedOperatorError(
        node.message("DequantizeLinear followed by QuantizeLinear with other parameters: ONNX "
                     "Runtime merges the pair into its neighbours; remove it from the model"));
}

}  // namespace gonogo
