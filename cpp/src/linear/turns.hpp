// Sharper bounds of the whole box, and parts of it, in turns: neither is known beforehand to gain more.
#pragma once

#include <functional>
#include <memory>

#include "linear/sharpening.hpp"
#include "linear/splitting.hpp"

namespace gonogo::linear {

class Turns final : public Splitting {
  public:
    // Begins to split a box over which the objectives have these ranges.
    using Begin = std::function<std::unique_ptr<Splitting>(std::vector<double> lower, std::vector<double> upper)>;

    // `sharpening` must outlive this. `state` is the one that `sharpening` works on, `lower` and `upper` what is known
    // of the objectives so far. `limit`: the multiplications that were spent on the state before.
    Turns(Sharpening& sharpening, const BoxState& state, std::vector<Objective> objectives, std::vector<double> lower,
          std::vector<double> upper, double limit, Begin begin);

    void round(std::int64_t parts, std::span<const double> enough) override;
    bool finished() const override;
    std::vector<double> lower() const override;
    std::vector<double> upper() const override;
    std::int64_t parts() const override { return splitting_ == nullptr ? 1 : splitting_->parts(); }
    double multiplies() const override { return sharpened_ + (splitting_ == nullptr ? 0.0 : splitting_->multiplies()); }

  private:
    bool whole_box_next() const;
    void sharpen();
    bool all_within(std::span<const double> enough) const;

    Sharpening& sharpening_;
    const BoxState& state_;
    std::vector<Objective> objectives_;
    std::vector<double> lower_, upper_;  // over the whole box
    double piece_;                       // multiplications of one turn
    double sharpened_ = 0.0;             // multiplications
    double settle_at_;                   // so many of them
    Begin begin_;
    std::unique_ptr<Splitting> splitting_;
    bool enough_ = false;
};

}  // namespace gonogo::linear
