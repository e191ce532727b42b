// What engines see of splitting, whatever is split. Anytime: after every round what it says is proved.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gonogo::linear {

class Splitting {
  public:
    Splitting() = default;
    virtual ~Splitting() = default;
    Splitting(const Splitting&) = delete;
    Splitting& operator=(const Splitting&) = delete;

    // Splits the worst parts, about `parts` of them. A part whose objectives' magnitudes are all within `enough` is
    // left alone from then on.
    virtual void round(std::int64_t parts, std::span<const double> enough) = 0;
    // No part is left to split.
    virtual bool finished() const = 0;
    // Proved ranges over the whole box.
    virtual std::vector<double> lower() const = 0;
    virtual std::vector<double> upper() const = 0;
    virtual std::int64_t parts() const = 0;

    // ---- for taking turns (turns.hpp): where the whole box's state becomes sharper while it is split

    // Ranges over the whole box that were found otherwise.
    virtual void learn(std::span<const double> /*lower*/, std::span<const double> /*upper*/) {}
    // That back substitution took so far.
    virtual double multiplies() const { return 0.0; }
};

}  // namespace gonogo::linear
