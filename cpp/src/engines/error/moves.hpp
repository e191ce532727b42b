// Points of a box to try: where to start, and where to go from a point when slopes are known.
#pragma once

#include <cstdint>

#include "engines/error/guide.hpp"

namespace gonogo::joint {

// SplitMix64: small, seedable, the same everywhere.
class Random {
  public:
    explicit Random(std::uint64_t seed) : state_(seed) {}
    std::uint64_t bits() {
        std::uint64_t z = (state_ += 0x9E3779B97F4A7C15U);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
        return z ^ (z >> 31);
    }
    double unit() { return static_cast<double>(bits() >> 11) * 0x1p-53; }
    std::size_t below(std::size_t n) { return static_cast<std::size_t>(bits() % n); }
    bool coin() { return bits() % 2 == 0; }

  private:
    std::uint64_t state_;
};

class Moves {
  public:
    Moves(std::span<const IntervalTensor> box, const std::vector<Reading>& readings);

    std::size_t coordinates() const { return coordinates_; }
    // Centre, lowest and highest corner, then random ones: corners, inner points, boundaries of the quantiser.
    Point start(std::int64_t i, Random& random) const;
    // The point of the whole box that the slopes point to.
    Point best(const Slope& slope) const;

    enum class Kind : std::uint8_t { near, share, steepest, nudge, random };
    static constexpr std::size_t kinds = 5;
    // near:     all coordinates go where the slopes point to, by a part of the box;
    // share:    some coordinates, drawn at random, go as far as the box allows;
    // steepest: the coordinates that gain most, likewise;
    // nudge:    some coordinates by up to a step or two of the quantiser: to other sides of its boundaries;
    // random:   some coordinates, to anywhere.
    // Without slopes only the last two move anything.
    Point from(const Point& p, const Slope& slope, Kind kind, Random& random) const;

    // All cells of the quantiser, from either end, when these are at most `most` points; else none.
    std::vector<Point> all_cells(std::int64_t most) const;

  private:
    // The best number for coordinate e of input k within [lo, hi], as far as the slopes tell, and what it gains.
    struct Step {
        double to, gain;
    };
    Step step(std::size_t k, std::size_t e, double lo, double hi, double now, const Slope& slope) const;
    Step reach(std::size_t k, std::size_t e, double radius, double now, const Slope& slope) const;
    double anywhere(std::size_t k, std::size_t e, int kind, Random& random) const;
    double share(Random& random) const;
    double side(const Reading& r, double boundary, bool above) const;

    std::span<const IntervalTensor> box_;
    const std::vector<Reading>& readings_;
    std::size_t coordinates_ = 0;
};

}  // namespace gonogo::joint
