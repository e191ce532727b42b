// Limits on what an architecture costs: three verdicts for a configuration, and for a box of configurations.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gonogo/engines/cost_program.hpp"

namespace gonogo {

enum class LimitedCost : std::uint8_t { ram, flash, flash_model, latency, energy, macs };

struct CostLimit {
    LimitedCost cost = LimitedCost::ram;
    double limit = 0.0;         // bytes, seconds, joules, MACs
    bool on_estimates = false;  // also an estimate rejects, when its whole interval lies beyond the limit
};

// Range of one cost, and the part of it that is exact: no configuration of the box costs less than `floor`.
struct CostEnds {
    double floor = 0.0;
    double low = 0.0;
    double high = 0.0;
};

enum class Answer : std::uint8_t { feasible, infeasible, undecided };

class CostJudge {
  public:
    // The estimated persistent part of RAM lies within `persistent_slack` bytes.
    CostJudge(CostProgram program, const CostTarget& target, std::vector<CostLimit> limits, double persistent_slack);

    const CostProgram& program() const { return program_; }
    const std::vector<CostLimit>& limits() const { return limits_; }
    // The same for judges that judge alike: for hashes.
    std::string text() const;
    // Parameters that limit i depends on.
    std::vector<std::size_t> support(std::size_t i) const;

    CostEnds ends(LimitedCost cost, const CostNumbers& lo, const CostNumbers& hi) const;
    // How far a cost spreads over a box: the logarithm of greatest over least, with what the cost is made of where its
    // greatest value isn't known.
    double spread(LimitedCost cost, const CostNumbers& lo, const CostNumbers& hi) const;
    // Of limit i.
    Answer answer(std::size_t i, const CostNumbers& lo, const CostNumbers& hi) const;
    // Of all together: infeasible if one is or the configuration is no network, feasible if all are. `masked`: limits
    // that don't count, by bit.
    Answer answer(const CostNumbers& lo, const CostNumbers& hi, std::uint64_t masked = 0) const;

  private:
    CostProgram program_;
    std::vector<CostLimit> limits_;
    double slack_;
    bool plans_as_tflm_ = true;
    FlashRule flash_;
    double clock_hz_ = 1.0;
    std::optional<Bracket> latency_scale_;
    std::optional<Bracket> watts_;
};

}  // namespace gonogo
