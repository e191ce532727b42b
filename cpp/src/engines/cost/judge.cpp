#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "gonogo/engines/cost_judge.hpp"
#include "gonogo/error.hpp"

namespace gonogo {

namespace {

// Activations of other engines against TensorFlow Lite Micro's plan (docs/cost-model.md); gonogo/results/_cost.py has
// the same.
constexpr Bracket other_planners = {0.25, 1.0, 2.5};
constexpr double infinity = std::numeric_limits<double>::infinity();

}  // namespace

CostJudge::CostJudge(CostProgram program, const CostTarget& target, std::vector<CostLimit> limits,
                     double persistent_slack)
    : program_(std::move(program)),
      limits_(std::move(limits)),
      slack_(persistent_slack),
      plans_as_tflm_(target.plans_as_tflm),
      flash_(target.flash),
      watts_(target.power_watts) {
    if (limits_.size() > 64) throw LimitError("more than 64 limits");
    if (target.clock_hz && !target.cycles.empty()) {
        latency_scale_ = target.latency_scale;
        clock_hz_ = *target.clock_hz;
    }
}

std::string CostJudge::text() const {
    std::string text = program_.text();
    const auto put = [&](double x) { text += std::to_string(std::bit_cast<std::uint64_t>(x)) + ' '; };
    const auto put_bracket = [&](const std::optional<Bracket>& b) {
        text += b ? "+ " : "- ";
        if (b) put(b->lower), put(b->estimate), put(b->upper);
    };
    put(clock_hz_);
    put(slack_);
    put(plans_as_tflm_ ? 1.0 : 0.0);
    put(flash_.stores_file ? 1.0 : 0.0);
    put_bracket(flash_.stored);
    put_bracket(flash_.code.scale);
    put(flash_.code_floor());
    put_bracket(latency_scale_);
    put_bracket(watts_);
    for (const CostLimit& limit : limits_) {
        text += std::to_string(static_cast<int>(limit.cost)) + (limit.on_estimates ? "e " : " ");
        put(limit.limit);
    }
    return text;
}

std::vector<std::size_t> CostJudge::support(std::size_t i) const {
    std::vector<CostNumber> numbers;
    switch (limits_[i].cost) {
        case LimitedCost::ram:
            numbers = {CostNumber::ram_activations, CostNumber::ram_persistent};
            break;
        case LimitedCost::flash:
            numbers = {CostNumber::parameter_bytes, CostNumber::flash_around, CostNumber::flash_code};
            break;
        case LimitedCost::flash_model:
            numbers = {CostNumber::parameter_bytes, CostNumber::flash_around};
            break;
        case LimitedCost::latency:
        case LimitedCost::energy:
            numbers = {CostNumber::cycles, CostNumber::timed};
            break;
        case LimitedCost::macs:
            numbers = {CostNumber::macs};
    }
    std::vector<std::size_t> all;
    for (const CostNumber n : numbers) {
        const std::vector<std::size_t>& s = program_.support(n);
        all.insert(all.end(), s.begin(), s.end());
    }
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

CostEnds CostJudge::ends(LimitedCost cost, const CostNumbers& lo, const CostNumbers& hi) const {
    switch (cost) {
        case LimitedCost::macs:
            return {of(lo, CostNumber::macs), of(lo, CostNumber::macs), of(hi, CostNumber::macs)};
        case LimitedCost::flash:
        case LimitedCost::flash_model: {
            const double constants = of(lo, CostNumber::parameter_bytes);
            CostEnds e = {flash_.model_floor(constants), flash_.model_low(constants),
                          flash_.model_high(of(hi, CostNumber::parameter_bytes), of(hi, CostNumber::flash_around))};
            if (cost == LimitedCost::flash_model) return e;
            e.floor += flash_.code_floor();
            e.low += flash_.code_low(of(lo, CostNumber::flash_code));
            e.high += flash_.code_high(of(hi, CostNumber::flash_code));
            return e;
        }
        case LimitedCost::ram: {
            if (!program_.problem().empty()) return {0.0, 0.0, infinity};
            if (!plans_as_tflm_) {
                return {0.0, std::floor(of(lo, CostNumber::ram_activations) * other_planners.lower),
                        std::ceil(of(hi, CostNumber::ram_activations) * other_planners.upper) +
                            of(hi, CostNumber::ram_persistent) + slack_};
            }
            const double activations = of(lo, CostNumber::ram_activations);
            return {activations, activations + std::max(0.0, of(lo, CostNumber::ram_persistent) - slack_),
                    of(hi, CostNumber::ram_activations) + of(hi, CostNumber::ram_persistent) + slack_};
        }
        default:
            break;
    }
    if (!latency_scale_) return {0.0, 0.0, infinity};
    // In the order in which CostModel multiplies.
    double low = of(lo, CostNumber::cycles) / clock_hz_ * latency_scale_->lower;
    double high = of(hi, CostNumber::cycles) / clock_hz_ * latency_scale_->upper;
    if (of(lo, CostNumber::timed) == 0.0) high = infinity;
    if (cost == LimitedCost::energy) {
        if (!watts_) return {0.0, 0.0, infinity};
        low *= watts_->lower;
        high *= watts_->upper;
    }
    return {0.0, low, high};
}

double CostJudge::spread(LimitedCost cost, const CostNumbers& lo, const CostNumbers& hi) const {
    const auto ratio = [](double least, double most) {
        return std::log(std::max(most, 1.0) / std::max(least, 1.0));  // libm: it only orders the parameters to cut
    };
    switch (cost) {
        case LimitedCost::macs:
            return ratio(of(lo, CostNumber::macs), of(hi, CostNumber::macs));
        case LimitedCost::flash:
        case LimitedCost::flash_model:
            return ratio(of(lo, CostNumber::parameter_bytes), of(hi, CostNumber::parameter_bytes));
        case LimitedCost::ram:
            return ratio(of(lo, CostNumber::ram_activations), of(hi, CostNumber::ram_activations));
        default:
            return ratio(of(lo, CostNumber::cycles), of(hi, CostNumber::cycles));
    }
}

Answer CostJudge::answer(std::size_t i, const CostNumbers& lo, const CostNumbers& hi) const {
    const CostLimit& limit = limits_[i];
    const CostEnds e = ends(limit.cost, lo, hi);
    if (e.floor > limit.limit || (limit.on_estimates && e.low > limit.limit)) return Answer::infeasible;
    return e.high <= limit.limit ? Answer::feasible : Answer::undecided;
}

Answer CostJudge::answer(const CostNumbers& lo, const CostNumbers& hi, std::uint64_t masked) const {
    if (of(hi, CostNumber::valid) == 0.0) return Answer::infeasible;
    bool feasible = of(lo, CostNumber::valid) != 0.0;
    for (std::size_t i = 0; i < limits_.size(); ++i) {
        if ((masked >> i & 1U) != 0) continue;
        const Answer a = answer(i, lo, hi);
        if (a == Answer::infeasible) return a;
        feasible = feasible && a == Answer::feasible;
    }
    return feasible ? Answer::feasible : Answer::undecided;
}

}  // namespace gonogo
