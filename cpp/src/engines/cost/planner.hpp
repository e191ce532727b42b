// TensorFlow Lite Micro's greedy plan for many sizes of one schedule: who conflicts with whom is found once.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "gonogo/ir/tape.hpp"

#include "engines/cost/model.hpp"

namespace gonogo::costing {

// Buffers are numbered: activations, then scratch buffers by node.
class ArenaPlanner {
  public:
    // The buffers of one structure of the schedule: which exist, and with which a buffer shares a step.
    struct Layout {
        std::vector<std::int32_t> buffers;
        std::vector<std::vector<std::int32_t>> conflicts;  // by buffer
        std::vector<std::vector<std::int32_t>> alive;      // by step, largest sets only
    };
    // Memory for one thread. The order of one plan is the start for sorting the next one's.
    struct Work {
        const Layout* layout = nullptr;
        std::vector<std::int32_t> order;
        std::vector<double> offsets, ends, highs;
        std::vector<char> placed;
        std::vector<std::pair<std::int32_t, std::int32_t>> open;
        std::vector<std::vector<std::int32_t>> before;
    };

    ArenaPlanner(const Summary& summary, std::vector<std::int32_t> scratch_nodes);

    // `active`: by node; `yes`: by tensor, for merges. The reference stays valid.
    const Layout& layout(const std::vector<char>& active, const std::vector<char>& yes) const;

    // The highest end of the plan, and the most bytes alive at a step, for sizes that are multiples of 16; 0: no
    // buffer.
    double top(const Layout& layout, const double* sizes, Work& work) const;
    static double live(const Layout& layout, const double* sizes);

    // Bounds on the highest end for all sizes between `lo` and `hi`. `value`: buffers with equal numbers have equal
    // sizes at every point. Theorem 85.
    TapeRange top(const Layout& layout, const double* lo, const double* hi, const std::vector<TapeValue>& value,
                  Work& work) const;

  private:
    Schedule schedule_;
    std::vector<TensorId> tensors_;
    std::vector<std::int32_t> scratch_nodes_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, std::unique_ptr<const Layout>> known_;
};

}  // namespace gonogo::costing
