// Profiles by name, and profile `any`: every concrete profile's kernel at once.
//
// Theorem 51 (any). Let an operator have kernels k with ranges R_k, clamps C_k and envelopes (a_k, b_k). Whichever
// kernel runs, its result lies in the hull of the R_k, and before its clamp it satisfies |y - f| <= a + b |f| with a, b
// the greatest a_k, b_k. Since this holds at every operator for every input range that contains what the operators
// before it may deliver, a graph's bound holds for any assignment of kernels to operators.
//
// The theorem needs one clamp C for all. Kernels whose clamps differ are joined only if each one's results over all its
// inputs lie in the intersection C: then its result w, clamped by C_k, is w clamped by C as well, because a w beyond an
// end of C would be stored as that end or beyond it.
#include <algorithm>
#include <utility>

#include "gonogo/error.hpp"
#include "gonogo/ops/record.hpp"

#include "ops/int8_common.hpp"

namespace gonogo {

namespace {

constexpr std::array<std::pair<Profile, std::string_view>, 6> names = {{{Profile::tflm, "tflm"},
                                                                        {Profile::ort, "ort"},
                                                                        {Profile::litert, "litert"},
                                                                        {Profile::litert_ref, "litert_ref"},
                                                                        {Profile::xnnpack, "xnnpack"},
                                                                        {Profile::any, "any"}}};

using Box = std::span<const std::int32_t* const>;
using Range = decltype(Int8Kernel::range);

// The hull of several ranges over `elements` outputs.
Range hull(std::vector<Range> members, std::size_t elements) {
    if (members.size() == 1) return members.front();
    return [members = std::move(members), elements](Box lo, Box hi, std::int32_t* out_lo, std::int32_t* out_hi) {
        members.front()(lo, hi, out_lo, out_hi);
        std::vector<std::int32_t> other_lo(elements);
        std::vector<std::int32_t> other_hi(elements);
        for (std::size_t m = 1; m < members.size(); ++m) {
            members[m](lo, hi, other_lo.data(), other_hi.data());
            for (std::size_t i = 0; i < elements; ++i) {
                out_lo[i] = std::min(out_lo[i], other_lo[i]);
                out_hi[i] = std::max(out_hi[i], other_hi[i]);
            }
        }
    };
}

// Lowest and highest result over all inputs.
ClampRange reach(const NodeView& node, const Int8Kernel& kernel) {
    std::vector<std::vector<std::int32_t>> ends;
    ends.reserve(2 * node.input_count());
    std::vector<const std::int32_t*> lo;
    std::vector<const std::int32_t*> hi;
    for (std::size_t i = 0; i < node.input_count(); ++i) {
        const bool live = node.has_input(i) && !node.input(i).is_constant && node.input(i).is_quantized();
        const ClampRange storage = live ? int8::storage_range(node, node.input(i)) : ClampRange{};
        const auto n = static_cast<std::size_t>(live ? node.input(i).elements() : 0);
        lo.push_back(live ? ends.emplace_back(n, storage.lo).data() : nullptr);
        hi.push_back(live ? ends.emplace_back(n, storage.hi).data() : nullptr);
    }
    const auto n = static_cast<std::size_t>(node.output().elements());
    if (n == 0) return kernel.clamp;
    std::vector<std::int32_t> out_lo(n);
    std::vector<std::int32_t> out_hi(n);
    kernel.range(lo, hi, out_lo.data(), out_hi.data());
    return {*std::min_element(out_lo.begin(), out_lo.end()), *std::max_element(out_hi.begin(), out_hi.end())};
}

bool same(ClampRange a, ClampRange b) {
    return a.lo == b.lo && a.hi == b.hi;
}

// Whether `next` can join `members`, whose common clamp is `clamp`; updates it.
bool joins(const NodeView& node, const std::vector<Int8Kernel>& members, const Int8Kernel& next, ClampRange& clamp) {
    if (same(clamp, next.clamp)) return true;
    const ClampRange both{std::max(clamp.lo, next.clamp.lo), std::min(clamp.hi, next.clamp.hi)};
    const auto inside = [&](const Int8Kernel& k) {
        if (same(k.clamp, both)) return true;
        const ClampRange r = reach(node, k);
        return r.lo >= both.lo && r.hi <= both.hi;
    };
    if (!inside(next) || !std::all_of(members.begin(), members.end(), inside)) return false;
    clamp = both;
    return true;
}

bool is_wide(const NodeView& node) {
    bool wide = node.output().dtype == DType::int16;
    for (std::size_t i = 0; i < node.input_count(); ++i)
        wide = wide || (node.has_input(i) && node.input(i).dtype == DType::int16);
    return wide;
}

const Int8Rules& rules_of(const NodeView& node) {
    return is_wide(node) ? node.op().int16 : node.op().int8;
}

// The kernels take int16 with zero point 0, and but for quantize nothing else beside it; weights are int8, which their
// own rules check, as they do the bias.
void check_wide(const NodeView& node) {
    const auto check = [&](const Tensor& t) {
        if (t.dtype == DType::int16 && t.quantization && t.quantization->zero_points != std::vector<std::int32_t>{0}) {
            throw QuantizationError(node.message("tensor '" + t.name + "' is int16 and must have zero point 0"));
        }
        if (t.dtype != DType::int16 && node.op().name != "quantize") {
            throw UnsupportedTypeError(node.message("tensor '" + t.name + "' is " + std::string(name_of(t.dtype)) +
                                                    " in an operator on int16; all must be int16"));
        }
    };
    const bool weights = node.op().joint == JointKind::affine;
    for (std::size_t i = 0; i < (weights ? 1 : node.input_count()); ++i)
        if (node.has_input(i) && node.input(i).is_quantized()) check(node.input(i));
    check(node.output());
}

// Refusals leave a member out and are recorded; a device that overflows does something else than any range says, so an
// OverflowRiskError of a member refuses the node.
Int8Kernel any_kernel(const NodeView& node) {
    const Int8Rules& rules = rules_of(node);
    std::vector<Int8Kernel> members;
    std::vector<std::pair<Int8Rule, std::string>> done;  // with the reason when left out
    Int8Kernel kernel;
    std::string refusal;
    for (const Profile profile : concrete_profiles) {
        const Int8Rule rule = rules.of(profile);
        if (rule == nullptr) continue;
        const auto known = std::find_if(done.begin(), done.end(), [&](const auto& d) { return d.first == rule; });
        if (known != done.end()) {  // profiles that share a kernel
            if (!known->second.empty()) kernel.left_out.push_back({profile, known->second});
            continue;
        }
        std::string& reason = done.emplace_back(rule, "").second;
        try {
            Int8Kernel member = rule(node);
            if (members.empty()) kernel.clamp = member.clamp;
            if (joins(node, members, member, kernel.clamp)) {
                members.push_back(std::move(member));
                continue;
            }
            reason = node.message("its limits on the output aren't those of the other profiles");
        } catch (const OverflowRiskError&) {
            throw;
        } catch (const Error& e) {
            reason = e.what();
        }
        kernel.left_out.push_back({profile, reason});
        if (refusal.empty()) refusal = reason;
    }
    if (members.empty()) throw UnsupportedOperatorError(refusal);
    std::vector<Range> ranges;
    std::vector<Range> unclamped;
    for (Int8Kernel& member : members) {
        kernel.envelope.absolute = std::max(kernel.envelope.absolute, member.envelope.absolute);
        kernel.envelope.relative = std::max(kernel.envelope.relative, member.envelope.relative);
        ranges.push_back(std::move(member.range));
        if (member.unclamped_range) unclamped.push_back(std::move(member.unclamped_range));
    }
    const auto elements = static_cast<std::size_t>(node.output().elements());
    const bool saturation = unclamped.size() == members.size();
    kernel.range = hull(std::move(ranges), elements);
    if (saturation) kernel.unclamped_range = hull(std::move(unclamped), elements);
    return kernel;
}

}  // namespace

std::string_view name_of(Profile profile) {
    for (const auto& [p, name] : names)
        if (p == profile) return name;
    return "";
}

Profile profile_named(std::string_view name) {
    std::string known;
    for (const auto& [p, n] : names) {
        if (n == name) return p;
        known += (known.empty() ? "" : ", ") + std::string(n);
    }
    throw UnsupportedOperatorError("there is no kernel profile '" + std::string(name) + "'; known: " + known);
}

Int8Rule integer_rule(const NodeView& node, Profile profile) {
    const bool wide = is_wide(node);
    const Int8Rule rule = rules_of(node).of(profile);
    if (rule == nullptr) {
        throw UnsupportedOperatorError(node.message("profile '" + std::string(name_of(profile)) +
                                                    "' has no integer kernel for this operator" +
                                                    (wide ? " on int16 tensors" : "")));
    }
    if (wide) check_wide(node);
    return rule;
}

Int8Rule Int8Rules::of(Profile profile) const {
    switch (profile) {
        case Profile::tflm:
            return tflm;
        case Profile::ort:
            return ort;
        case Profile::litert:
            return litert;
        case Profile::litert_ref:
            return litert_ref;
        case Profile::xnnpack:
            return xnnpack;
        case Profile::any:
            break;
    }
    for (const Profile p : concrete_profiles)
        if (of(p) != nullptr) return any_kernel;
    return nullptr;
}

}  // namespace gonogo
