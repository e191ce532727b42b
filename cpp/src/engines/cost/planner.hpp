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
    // A buffer of a group whose order is open, and where in `precedences` its own are.
    struct Member {
        std::int32_t buffer = 0;
        std::size_t begin = 0, end = 0;
    };
    // A buffer that comes first: always, or in the orders in which bit `pair` is `flipped`.
    struct Precedence {
        std::int32_t before = 0;
        std::int32_t pair = -1;
        std::uint32_t flipped = 0;
    };
    // A placed buffer in conflict with the one to place: bounds on its offset and on its size.
    struct Near {
        std::int32_t buffer = 0;
        bool known = false;
        double from_lo = 0.0, from_hi = 0.0, lo = 0.0, hi = 0.0;
    };
    // Memory for one thread. The order of one plan is the start for sorting the next one's.
    struct Work {
        const Layout* layout = nullptr;
        std::vector<std::int32_t> order;
        std::vector<double> offsets, ends, highs, hull_lo, hull_hi;
        std::vector<char> placed, known, in_group;
        std::vector<Chain> chains;
        std::vector<std::size_t> position, reach, member;
        std::vector<Member> group;
        std::vector<Precedence> precedences;
        std::vector<std::pair<std::int32_t, std::int32_t>> open;
        std::vector<Near> near;
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
