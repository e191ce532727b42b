#include "engines/cost/planner.hpp"

#include <algorithm>

namespace gonogo::costing {

namespace {

std::size_t at(std::int32_t i) {
    return static_cast<std::size_t>(i);
}

}  // namespace

ArenaPlanner::ArenaPlanner(const Summary& summary, std::vector<std::int32_t> scratch_nodes)
    : schedule_(summary.schedule), scratch_nodes_(std::move(scratch_nodes)) {
    for (const Activation& a : summary.activations) tensors_.push_back(a.tensor);
}

const ArenaPlanner::Layout& ArenaPlanner::layout(const std::vector<char>& active, const std::vector<char>& yes) const {
    std::string key(active.begin(), active.end());
    key.append(yes.begin(), yes.end());
    const std::scoped_lock lock(mutex_);
    std::unique_ptr<const Layout>& known = known_[key];
    if (known) return *known;
    const std::vector<Life> lives = lives_of(schedule_, active, yes);
    std::vector<Life> spans;
    for (const TensorId t : tensors_) spans.push_back(lives[at(t)]);
    for (const std::int32_t node : scratch_nodes_) {
        spans.push_back(active[at(node)] != 0 ? Life{node + 1, node + 1} : Life{});
    }
    auto made = std::make_unique<Layout>();
    made->conflicts.resize(spans.size());
    for (std::size_t i = 0; i < spans.size(); ++i) {
        if (spans[i].first < 0) continue;
        made->buffers.push_back(static_cast<std::int32_t>(i));
        for (std::size_t j = 0; j < spans.size(); ++j) {
            const bool meet = spans[j].first >= 0 && spans[j].first <= spans[i].last && spans[i].first <= spans[j].last;
            if (j != i && meet) made->conflicts[i].push_back(static_cast<std::int32_t>(j));
        }
    }
    for (std::int64_t step = 0; step <= static_cast<std::int64_t>(schedule_.steps.size()); ++step) {
        std::vector<std::int32_t> here;
        for (const std::int32_t b : made->buffers) {
            if (spans[at(b)].first <= step && step <= spans[at(b)].last) here.push_back(b);
        }
        // A step whose buffers are all alive at the step before adds nothing.
        if (!made->alive.empty() &&
            std::includes(made->alive.back().begin(), made->alive.back().end(), here.begin(), here.end()))
            continue;
        made->alive.push_back(std::move(here));
    }
    known = std::move(made);
    return *known;
}

namespace {

constexpr std::size_t few = 64;

// Largest first, of equals the later one, from the order of the plan before: mostly it is nearly right.
void sort_buffers(const ArenaPlanner::Layout& layout, const double* sizes, ArenaPlanner::Work& work) {
    std::vector<std::int32_t>& order = work.order;
    if (work.layout != &layout) {
        work.layout = &layout;
        order = layout.buffers;
    }
    const auto before = [&](std::int32_t a, std::int32_t b) {
        return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a > b;
    };
    if (order.size() > few) {
        std::sort(order.begin(), order.end(), before);
        return;
    }
    for (std::size_t i = 1; i < order.size(); ++i) {
        const std::int32_t b = order[i];
        std::size_t k = i;
        for (; k > 0 && before(b, order[k - 1]); --k) order[k] = order[k - 1];
        order[k] = b;
    }
}

}  // namespace

// As greedy_offsets(): largest first, of equals the later one, each at the lowest offset free of those it conflicts
// with.
double ArenaPlanner::top(const Layout& layout, const double* sizes, Work& work) const {
    const std::size_t n = layout.conflicts.size();
    sort_buffers(layout, sizes, work);
    work.offsets.resize(n);
    work.ends.resize(n);
    work.placed.assign(n, 0);
    double top = 0.0;
    for (const std::int32_t b : work.order) {
        const double size = sizes[b];
        if (size <= 0.0) break;
        double offset = 0.0;
        // The lowest gap: whatever of the conflicting buffers reaches into [offset, offset + size) pushes it up.
        for (bool moved = true; moved;) {
            moved = false;
            for (const std::int32_t c : layout.conflicts[at(b)]) {
                if (work.placed[at(c)] != 0 && work.offsets[at(c)] < offset + size && work.ends[at(c)] > offset) {
                    offset = work.ends[at(c)];
                    moved = true;
                }
            }
        }
        work.offsets[at(b)] = offset;
        work.ends[at(b)] = offset + size;
        work.placed[at(b)] = 1;
        top = std::max(top, offset + size);
    }
    return top;
}

double ArenaPlanner::live(const Layout& layout, const double* sizes) {
    double most = 0.0;
    for (const std::vector<std::int32_t>& step : layout.alive) {
        double sum = 0.0;
        for (const std::int32_t b : step) sum += sizes[b];
        most = std::max(most, sum);
    }
    return most;
}

namespace {

// Plans of all sizes in a box at once. Where the sizes' ranges leave open which of two conflicting buffers is placed
// first, both ways are followed.
class BoxPlan {
  public:
    BoxPlan(const ArenaPlanner::Layout& layout, const double* lo, const double* hi, const std::vector<TapeValue>& value,
            ArenaPlanner::Work& work)
        : layout_(layout), lo_(lo), hi_(hi), value_(value), work_(work) {}

    // An upper bound on the highest end, or the sum of all sizes where too much is open.
    double top() {
        double sum = 0.0;
        work_.open.clear();
        for (const std::int32_t b : layout_.buffers) {
            sum += hi_[b];
            for (const std::int32_t c : layout_.conflicts[at(b)]) {
                if (c < b && hi_[b] > 0.0 && hi_[c] > 0.0 && order(b, c) == 0) work_.open.emplace_back(b, c);
            }
        }
        if (work_.open.size() > most_open) return sum;
        const std::size_t n = layout_.conflicts.size();
        work_.offsets.resize(n);
        work_.highs.resize(n);
        if (work_.open.empty()) {
            place_in_order();
        } else {
            collect();
            follow(0);
        }
        return std::min(highest_, sum);
    }

  private:
    static constexpr std::size_t most_open = 5;

    // 1: `a` is placed first at every point, -1: `b` is, 0: it depends. a > b: of equal sizes `a` comes first.
    int order(std::int32_t a, std::int32_t b) const {
        if (value_[at(a)] == value_[at(b)] || lo_[a] >= hi_[b]) return 1;
        return lo_[b] > hi_[a] ? -1 : 0;
    }

    // Nothing is open: then the order by greatest sizes is every point's, as far as conflicting buffers go.
    void place_in_order() {
        sort_buffers(layout_, hi_, work_);
        work_.placed.assign(layout_.conflicts.size(), 0);
        for (const std::int32_t b : work_.order) {
            if (hi_[b] <= 0.0) break;
            settle(b, layout_.conflicts[at(b)], true);
            work_.placed[at(b)] = 1;
            highest_ = std::max(highest_, work_.highs[at(b)] + hi_[b]);
        }
    }

    // By buffer, the conflicting ones that are certainly placed before it.
    void collect() {
        work_.before.resize(std::max(work_.before.size(), layout_.conflicts.size()));
        for (std::vector<std::int32_t>& list : work_.before) list.clear();
        for (const std::int32_t b : layout_.buffers) {
            for (const std::int32_t c : layout_.conflicts[at(b)]) {
                if (c > b || hi_[b] <= 0.0 || hi_[c] <= 0.0) continue;
                const int which = order(b, c);
                if (which == 1) work_.before[at(c)].push_back(b);
                if (which == -1) work_.before[at(b)].push_back(c);
            }
        }
    }

    void follow(std::size_t i) {
        if (i == work_.open.size()) {
            place();
            return;
        }
        const auto [a, b] = work_.open[i];
        for (const auto& [first, second] : {std::pair(a, b), std::pair(b, a)}) {
            work_.before[at(second)].push_back(first);
            follow(i + 1);
            work_.before[at(second)].pop_back();
        }
    }

    // Places buffers after all those before them; a circle of precedences is no order, hence no point's.
    void place() {
        work_.placed.assign(layout_.conflicts.size(), 0);
        for (const std::int32_t b : layout_.buffers) {
            if (!visit(b)) return;
        }
        for (const std::int32_t b : layout_.buffers) highest_ = std::max(highest_, work_.highs[at(b)] + hi_[b]);
    }

    bool visit(std::int32_t b) {
        if (work_.placed[at(b)] == 2) return true;
        if (work_.placed[at(b)] == 1) return false;
        work_.placed[at(b)] = 1;
        for (const std::int32_t c : work_.before[at(b)]) {
            if (!visit(c)) return false;
        }
        settle(b, work_.before[at(b)], false);
        work_.placed[at(b)] = 2;
        return true;
    }

    // The lowest offset: never below one that every placed buffer in the way forces, never above the first one at which
    // the buffer is free of all of them whatever their sizes.
    void settle(std::int32_t b, const std::vector<std::int32_t>& before, bool only_placed) {
        double low = 0.0;
        double high = 0.0;
        for (bool moved = true; moved;) {
            moved = false;
            for (const std::int32_t c : before) {
                if (only_placed && work_.placed[at(c)] == 0) continue;
                const double end_lo = work_.offsets[at(c)] + lo_[c];
                // In the way at every point: begins below low + size and ends above low.
                if (work_.highs[at(c)] < low + lo_[b] && end_lo > low && lo_[c] > 0.0 && lo_[b] > 0.0) {
                    low = end_lo;
                    moved = true;
                }
                if (work_.offsets[at(c)] < high + hi_[b] && work_.highs[at(c)] + hi_[c] > high) {
                    high = work_.highs[at(c)] + hi_[c];
                    moved = true;
                }
            }
        }
        work_.offsets[at(b)] = low;
        work_.highs[at(b)] = high;
    }

    const ArenaPlanner::Layout& layout_;
    const double* lo_;
    const double* hi_;
    const std::vector<TapeValue>& value_;
    ArenaPlanner::Work& work_;
    double highest_ = 0.0;
};

}  // namespace

TapeRange ArenaPlanner::top(const Layout& layout, const double* lo, const double* hi,
                            const std::vector<TapeValue>& value, Work& work) const {
    const double floor = live(layout, lo);
    return {floor, std::max(floor, BoxPlan(layout, lo, hi, value, work).top())};
}

}  // namespace gonogo::costing
