// Points as the two networks really treat them, and the best of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gonogo/semantics/real.hpp"

#include "engines/error/guide.hpp"

namespace gonogo::joint {

using SharedPoint = std::shared_ptr<const Point>;

struct Witness {
    std::vector<double> value;  // guaranteed lower bound on the largest |difference|, per element
    double worst = 0.0;
    std::vector<std::vector<double>> input;  // where `worst` is reached, per model input
};

struct SearchResult {
    std::vector<Witness> witnesses;  // one per target
    std::int64_t evaluations = 0;
};

// A point that inputs can take, and proved lower bounds on deployed - reference (`over`) and on reference - deployed
// (`under`) there, per target and element; of several evaluations that the device may make, the largest.
struct Trial {
    SharedPoint point;
    std::vector<std::vector<double>> over, under;

    double of(const Goal& g) const {
        return (g.sign > 0.0 ? over : under)[g.target][static_cast<std::size_t>(g.element)];
    }
};

class Judge {
  public:
    Judge(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
          std::span<const Target> targets);

    // Each point settled, then judged: v is the exact evaluation on the device, r a rigorous enclosure of the reference
    // at that very input. In parallel; results don't depend on that.
    std::vector<Trial> judge(std::vector<Point> points) const;

  private:
    Trial judge_one(Point p) const;

    const RealProgram& reference_;
    const Deployment& deployed_;
    std::span<const IntervalTensor> box_;
    std::span<const Target> targets_;
    std::vector<TensorId> tensors_;
};

struct Best {
    double value;
    SharedPoint at;
};

// The largest differences so far, of all elements; with their points, of the goals that are tracked.
class Record {
  public:
    Record(std::span<const Target> targets, const Graph& deployed);

    void track(std::span<const Goal> goals) { goals_.assign(goals.begin(), goals.end()); }
    std::size_t tracked() const { return goals_.size(); }
    const Goal& goal(std::size_t g) const { return goals_[g]; }
    const Best& best(std::size_t g) const { return best_[g]; }
    // Tracked goals, targets in turn, the largest value of each first.
    std::vector<std::size_t> by_value() const;

    void add(const Trial& trial, int evaluations);
    SearchResult result() const;

  private:
    SearchResult result_;
    std::vector<Goal> goals_;
    std::vector<Best> best_;
};

}  // namespace gonogo::joint
