// Directions in which a difference grows.
#pragma once

#include <span>
#include <vector>

#include "joint/compile.hpp"
#include "linear/gradient.hpp"

namespace gonogo::joint {

struct Target {
    TensorId deployed;
    TensorId reference;
};

// sign * (deployed - reference) at one element (of the tensor, flat) of one target.
struct Goal {
    std::size_t target;
    std::int64_t element;
    double sign;
};

using Point = std::vector<std::vector<double>>;  // one list of numbers per model input

// How a goal changes with the inputs, and with what the device's quantiser adds to them; empty lists: not at all.
struct Slope {
    Point value, rounding;
};

// How input k is read: quantised to multiples of `step` (0: not at all), then clamped.
struct Reading {
    double step = 0.0;
    RealClamp clamp = no_clamp;
    double edge = 0.0;  // how near to the boundary between two integers a number may come, in steps
    TensorId quantized = absent;

    // What the device makes of x.
    double operator()(double x) const;
};
std::vector<Reading> readings(const Deployment& deployed);

class Guide {
  public:
    // `box` holds linear bounds over the whole box, or is null.
    Guide(const Program& program, const linear::BoxState* box, const std::vector<Reading>& readings,
          std::span<const Target> targets);

    bool knows(const Goal& goal) const { return block(goal) >= 0; }
    bool knows_box() const { return box_ != nullptr; }
    // Multiply-accumulates per point and per goal there.
    double point_work() const { return tangents_.forward_work(); }
    double goal_work() const { return tangents_.backward_work(); }

    // Of the upper bound on each goal over the box: its greatest value is reached where every slope says so.
    std::vector<Slope> over_box(std::span<const Goal> goals) const;
    // Of goals[i] at *points[i]; with `pull` what the device rounds there is followed.
    std::vector<Slope> at(std::span<const Goal> goals, std::span<const Point* const> points,
                          const linear::Pull* pull = nullptr) const;
    // There is rounding that can be followed.
    bool rounds() const { return tangents_.rounds(); }

  private:
    linear::BlockId block(const Goal& goal) const { return blocks_[goal.target]; }
    std::vector<Slope> slopes(std::span<const Goal> goals, std::span<const linear::BoxState* const> states) const;
    // A point's inputs, and what quantising adds to them, by block.
    std::pair<std::vector<linear::BlockId>, Point> values(const Point& p, bool rounded) const;
    Point to_tensors(const linear::Coefficients& coefficients, std::size_t first) const;

    const Program& program_;
    const linear::BoxState* box_;
    const std::vector<Reading>& readings_;
    std::span<const Target> targets_;
    std::vector<linear::BlockId> blocks_;  // of the targets' differences
    std::vector<linear::BlockId> kept_;    // the inputs, then the difference that quantising each of them makes
    std::vector<const Layout*> layouts_;   // of the inputs
    linear::Tangents tangents_;
};

}  // namespace gonogo::joint
