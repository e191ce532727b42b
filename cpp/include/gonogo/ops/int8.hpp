// Deployed integer semantics of a node, prepared once per (graph, profile) and then run many times.
// Every quantised element is held as int32, whatever its storage type, so that one set of engines serves int8, uint8
// and int16.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gonogo/ops/node_view.hpp"

namespace gonogo {

// Which integer kernels the deployment runs: TFLite Micro; ONNX Runtime; LiteRT's built-in kernels, its reference
// kernels, its default delegate XNNPACK. `any`: whichever of these, chosen anew at every operator; it has ranges and
// envelopes but no points.
enum class Profile : std::uint8_t { tflm, ort, litert, litert_ref, xnnpack, any };

inline constexpr std::array<Profile, 5> concrete_profiles = {Profile::tflm, Profile::litert, Profile::litert_ref,
                                                             Profile::xnnpack, Profile::ort};
std::string_view name_of(Profile profile);
// Throws UnsupportedOperatorError that lists the known names.
Profile profile_named(std::string_view name);

// Integer ranges of a tensor's elements, C order; lo[i] <= hi[i].
struct QuantRange {
    std::vector<std::int32_t> lo;
    std::vector<std::int32_t> hi;
};

// Bound on |y - f(x)| in units of the output's scale, before the clamp to the output's integer range: y is the integer
// that the kernel computes (zero point removed, unclamped), f(x) the real-valued operator on the dequantised inputs,
// divided by the output scale. |y - f| <= absolute + relative * |f|.
struct Envelope {
    double absolute = 0.0;
    double relative = 0.0;
};

// Integers that the output is clamped to: the storage type's range cut by the fused activation.
struct ClampRange {
    std::int32_t lo = -128;
    std::int32_t hi = 127;
};

// A profile that `any` doesn't cover at some node, and why.
struct LeftOut {
    Profile profile = Profile::any;
    std::string reason;
};

struct Int8Kernel {
    // Exact: the integers the device computes, for these input integers. One pointer per node input (constants and
    // absent inputs: nullptr, the kernel holds its own prepared copies). Throws UnsupportedOperatorError where the
    // device's answer isn't determined; empty when it never is.
    std::function<void(std::span<const std::int32_t* const> in, std::int32_t* out)> point;
    // Element-wise enclosure of `point` over a box of input integers; equality of lo and hi everywhere gives `point`.
    std::function<void(std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                       std::int32_t* out_lo, std::int32_t* out_hi)>
        range;
    Envelope envelope;
    ClampRange clamp;
    // Enclosure of the unclamped result (before ClampRange is applied), for the saturation report; may be empty.
    std::function<void(std::span<const std::int32_t* const> lo, std::span<const std::int32_t* const> hi,
                       std::int32_t* out_lo, std::int32_t* out_hi)>
        unclamped_range;
    // Profile `any` only; for a result's assumptions.
    std::vector<LeftOut> left_out;
};

using Int8Rule = Int8Kernel (*)(const NodeView& node);

// An empty field means "no such kernel in this profile".
struct Int8Rules {
    Int8Rule tflm = nullptr;
    Int8Rule ort = nullptr;
    Int8Rule litert = nullptr;
    Int8Rule litert_ref = nullptr;
    Int8Rule xnnpack = nullptr;

    // For `any`: a rule that covers the others' kernels, see ops/any.cpp.
    Int8Rule of(Profile profile) const;
};

// The rule for a node in a profile: those for 16 bits where a tensor of the node is int16. Throws
// UnsupportedOperatorError where there is none, QuantizationError and UnsupportedTypeError for int16 that the kernels
// can't be given: a zero point, or another type beside it.
Int8Rule integer_rule(const NodeView& node, Profile profile);

}  // namespace gonogo
