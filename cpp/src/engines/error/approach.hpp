// Points at which a device's rounding adds up: each layer's values just past the boundaries between two integers, on
// the side that a goal wants.
#pragma once

#include <span>
#include <vector>

#include "engines/error/guide.hpp"

namespace gonogo::joint {

struct Walk {
    Goal goal;
    Point start;
    linear::Pull pull;
    int steps;
};

class Approach {
  public:
    Approach(const Guide& guide, const Deployment& deployed, std::span<const IntervalTensor> box,
             const std::vector<Reading>& readings)
        : guide_(guide), deployed_(deployed), box_(box), readings_(readings) {}

    // Some of the points on each walk's way, its last one among them. In parallel; results don't depend on that.
    std::vector<std::vector<Point>> walk(std::span<const Walk> walks) const;
    static int points(int steps) { return steps / stride; }

  private:
    static constexpr int stride = 3;
    class Walker;

    const Guide& guide_;
    const Deployment& deployed_;
    std::span<const IntervalTensor> box_;
    const std::vector<Reading>& readings_;
};

}  // namespace gonogo::joint
