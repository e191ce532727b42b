// add, sub, mul with numpy broadcasting.
#include "ops/common.hpp"
#include "ops/elementwise.hpp"
#include "ops/records.hpp"

namespace gonogo {

namespace {

std::vector<SymbolicShape> binary_shape(const NodeView& view) {
    return {broadcast(view, view.input(0).shape, view.input(1).shape)};
}

template <class Rule>
RealKernel binary_real(const NodeView& view, Rule rule) {
    const Walk walk(view.input(0).dims, view.input(1).dims, view.output().dims);
    const RealClamp clamp = activation_clamp(view);
    return [walk, clamp, rule](std::span<const IntervalTensor* const> in, IntervalTensor& out) {
        walk.each([&](std::size_t o, std::size_t a, std::size_t b) {
            store(out, o, clamped(rule(load(*in[0], a), load(*in[1], b)), clamp));
        });
    };
}

using numeric::Interval;

RealKernel add_real(const NodeView& view) {
    return binary_real(view, [](Interval a, Interval b) { return a + b; });
}
RealKernel sub_real(const NodeView& view) {
    return binary_real(view, [](Interval a, Interval b) { return a - b; });
}
RealKernel mul_real(const NodeView& view) {
    return binary_real(view, [](Interval a, Interval b) { return a * b; });
}

OperatorRecord binary(std::string_view name, std::string_view summary, std::string_view onnx, std::string_view tflite) {
    return {.name = name,
            .summary = summary,
            .onnx = onnx,
            .tflite = tflite,
            .min_inputs = 2,
            .max_inputs = 2,
            .attributes = {activation_attribute()},
            .shape = binary_shape,
            .work = elementwise_work};
}

}  // namespace

const OperatorRecord& add_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = binary("add", "element-wise sum with broadcasting", "Add, QLinearAdd", "ADD");
        r.real = add_real;
        r.int8 = {
            .tflm = tflm_add, .ort = ort_add, .litert = litert_add, .litert_ref = tflm_add, .xnnpack = xnnpack_add};
        r.int16 = int16_rules(tflm_add, int16_litert_add);
        r.attributes.push_back(integer_attribute("pot_scales", 0));
        r.joint = JointKind::add;
        return r;
    }();
    return record;
}

const OperatorRecord& sub_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = binary("sub", "element-wise difference with broadcasting", "Sub", "SUB");
        r.real = sub_real;
        r.int8 = {.tflm = tflm_sub, .ort = ort_sub, .litert = tflm_sub, .litert_ref = tflm_sub, .xnnpack = xnnpack_sub};
        r.int16 = int16_rules(tflm_sub, int16_litert_sub);
        r.attributes.push_back(integer_attribute("pot_scales", 0));
        r.joint = JointKind::add;
        return r;
    }();
    return record;
}

const OperatorRecord& mul_record() {
    static const OperatorRecord record = [] {
        OperatorRecord r = binary("mul", "element-wise product with broadcasting", "Mul, QLinearMul", "MUL");
        r.real = mul_real;
        r.int8 = {.tflm = tflm_mul,
                  .ort = ort_mul,
                  .litert = litert_mul,
                  .litert_ref = litert_ref_mul,
                  .xnnpack = xnnpack_mul};
        r.int16 = int16_rules(tflm_mul, litert_ref_mul);
        r.joint = JointKind::multiply;
        return r;
    }();
    return record;
}

}  // namespace gonogo
