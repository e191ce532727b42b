// Splitting at the bends of relations: a part is what lies on given sides of some variables' limits, over the whole
// box. Where inputs are many, halving one of them changes next to nothing; on either side of a bend a relation is
// exact.
#pragma once

#include <memory>
#include <utility>

#include "linear/slopes.hpp"
#include "linear/split.hpp"

namespace gonogo::linear {

class Phases final : public Splitting {
  public:
    // `whole`: a solved state over the box, which must outlive this. `lower`, `upper`: the objectives' ranges there as
    // known so far.
    Phases(const System& system, std::span<const Objective> objectives, const BoxState& whole,
           std::span<const double> lower, std::span<const double> upper);

    void round(std::int64_t parts, std::span<const double> enough) override;
    bool finished() const override;
    std::vector<double> lower() const override;
    std::vector<double> upper() const override;
    std::int64_t parts() const override { return parts_; }
    // The state that was given at first may have become sharper since the last round.
    void learn(std::span<const double> lower, std::span<const double> upper) override;
    double multiplies() const override { return multiplies_; }

  private:
    enum class Effort : std::uint8_t { none, some, all };  // that went into a part's bound
    struct Part {
        double bound;  // lower bound on sign * element; infinite where the part is empty
        std::vector<Phase> phases{};
        Attempt attempt{};
        Effort effort = Effort::none;
    };
    // Each side of an objective is split by itself: what decides one needn't decide the other.
    struct Side {
        Objective objective;
        double sign;
        double known;                            // a lower bound on sign * element over the whole box
        std::vector<Part> open;                  // a heap by bound
        double closed;                           // least bound of the parts left alone
        std::shared_ptr<const Points> points{};  // of the whole box, once it has been looked at
        bool again = false;                      // the state has become sharper since

        double of_parts() const;
        double least() const;
        void learn(double bound);
        void raise(double bound);
        void renew(Part whole);
        void add(Part part);
        Part take();
    };
    struct Work {
        std::size_t side;
        Part part;
        double multiplies = 0.0;
    };
    using Urgency = std::pair<int, double>;  // what comes first, and by how much
    Urgency urgency(const Side& side, double enough, double most_enough) const;
    std::vector<Work> choose(std::int64_t count, std::span<const double> enough);
    void solve(Work& work, double wanted) const;

    const System& s_;
    const BoxState& whole_;
    std::vector<Side> sides_;  // of each objective the lower one, the upper one
    std::int64_t parts_ = 1;
    double multiplies_ = 0.0;
};

}  // namespace gonogo::linear
