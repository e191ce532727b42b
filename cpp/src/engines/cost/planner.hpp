// TensorFlow Lite Micro's greedy plan for many sizes of one schedule: who conflicts with whom is found once.
#pragma once

#include <array>
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

inline std::size_t at(std::int32_t i) {
    return static_cast<std::size_t>(i);
}

// Buffers are numbered: activations, then scratch buffers by node.
class ArenaPlanner {
  public:
    // The buffers of one structure of the schedule: which exist, and with which a buffer shares a step.
    struct Layout {
        std::vector<std::int32_t> buffers;
        std::vector<std::vector<std::int32_t>> conflicts;  // by buffer
        std::vector<std::vector<std::int32_t>> alive;      // by step, largest sets only
    };
    // Buffers whose sizes add up to an offset, ascending; one more than `most` fits while two sums are compared.
    struct Chain {
        static constexpr std::size_t most = 11;
        std::size_t count = 0;
        std::array<std::int32_t, most + 1> buffers;

        void insert(std::int32_t b) {
            std::size_t k = count++;
            for (; k > 0 && buffers[k - 1] > b; --k) buffers[k] = buffers[k - 1];
            buffers[k] = b;
        }
    };
    // Memory for one thread. The order of one plan is the start for sorting the next one's.
    struct Work {
        const Layout* layout = nullptr;
        std::vector<std::int32_t> order;
        std::vector<double> offsets, ends, highs, hull_lo, hull_hi;
        std::vector<char> placed, known;
        std::vector<Chain> chains;
        std::vector<std::size_t> position, reach;
        std::vector<std::pair<std::int32_t, std::int32_t>> open, within;
    };
    ArenaPlanner(const Summary& summary, std::vector<std::int32_t> scratch_nodes);

    // `active`: by node; `yes`: by tensor, for merges. The reference stays valid.
    const Layout& layout(const std::vector<char>& active, const std::vector<char>& yes) const;

    // The highest end of the plan, and the most bytes alive at a step, for sizes that are multiples of 16; 0: no
    // buffer.
    double top(const Layout& layout, const double* sizes, Work& work) const;
    static double live(const Layout& layout, const double* sizes);

    // Bounds on the highest end for all sizes between `lo` and `hi`. `same`: by buffer the first whose size is equal to
    // its own at every point, and has the same range. Theorem 85.
    TapeRange top(const Layout& layout, const double* lo, const double* hi, const std::vector<std::int32_t>& same,
                  Work& work) const;

  private:
    Schedule schedule_;
    std::vector<TensorId> tensors_;
    std::vector<std::int32_t> scratch_nodes_;
    mutable std::mutex mutex_;
    mutable std::map<std::string, std::unique_ptr<const Layout>> known_;
};

}  // namespace gonogo::costing
