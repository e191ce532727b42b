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

// As greedy_offsets(): largest first, of equals the later one, each at the lowest offset free of those it conflicts
// with.
double ArenaPlanner::top(const Layout& layout, const double* sizes, Work& work) const {
    const std::size_t n = layout.conflicts.size();
    work.order.clear();
    work.offsets.resize(n);
    work.ends.resize(n);
    work.placed.assign(n, 0);
    for (const std::int32_t b : layout.buffers) {
        if (sizes[b] > 0.0) work.order.push_back(b);
    }
    std::sort(work.order.begin(), work.order.end(),
              [&](std::int32_t a, std::int32_t b) { return sizes[a] != sizes[b] ? sizes[a] > sizes[b] : a > b; });
    double top = 0.0;
    for (const std::int32_t b : work.order) {
        const double size = sizes[b];
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
    BoxPlan(const ArenaPlanner::Layout& layout, const double* lo, const double* hi, const std::vector<TapeValue>& value)
        : layout_(layout), lo_(lo), hi_(hi), value_(value), before_(layout.conflicts.size()) {}

    // An upper bound on the highest end, or the sum of all sizes where too much is open.
    double top() {
        double sum = 0.0;
        for (const std::int32_t b : layout_.buffers) {
            sum += hi_[b];
            for (const std::int32_t c : layout_.conflicts[at(b)]) {
                if (c > b) continue;
                switch (order(b, c)) {
                    case 1:
                        before_[at(c)].push_back(b);
                        break;
                    case -1:
                        before_[at(b)].push_back(c);
                        break;
                    default:
                        open_.emplace_back(b, c);
                }
            }
        }
        if (open_.size() > most_open) return sum;
        highest_ = 0.0;
        follow(0);
        return std::min(highest_, sum);
    }

  private:
    static constexpr std::size_t most_open = 5;

    // 1: `a` is placed first at every point, -1: `b` is, 0: it depends. a > b: of equal sizes `a` comes first.
    int order(std::int32_t a, std::int32_t b) const {
        if (value_[at(a)] == value_[at(b)] || lo_[a] >= hi_[b]) return 1;
        return lo_[b] > hi_[a] ? -1 : 0;
    }

    void follow(std::size_t i) {
        if (i == open_.size()) {
            place();
            return;
        }
        const auto [a, b] = open_[i];
        before_[at(b)].push_back(a);
        follow(i + 1);
        before_[at(b)].pop_back();
        before_[at(a)].push_back(b);
        follow(i + 1);
        before_[at(a)].pop_back();
    }

    // Places buffers after all those before them; a circle of precedences is no order, hence no point's.
    void place() {
        const std::size_t n = layout_.conflicts.size();
        state_.assign(n, 0);
        offset_lo_.assign(n, 0.0);
        offset_hi_.assign(n, 0.0);
        for (const std::int32_t b : layout_.buffers) {
            if (!visit(b)) return;
        }
        for (const std::int32_t b : layout_.buffers) highest_ = std::max(highest_, offset_hi_[at(b)] + hi_[b]);
    }

    bool visit(std::int32_t b) {
        if (state_[at(b)] == 2) return true;
        if (state_[at(b)] == 1) return false;
        state_[at(b)] = 1;
        for (const std::int32_t c : before_[at(b)]) {
            if (!visit(c)) return false;
        }
        settle(b);
        state_[at(b)] = 2;
        return true;
    }

    // The lowest offset: never below one that every placed buffer in the way forces, never above the first one at which
    // the buffer is free of all of them whatever their sizes.
    void settle(std::int32_t b) {
        double low = 0.0;
        double high = 0.0;
        for (bool moved = true; moved;) {
            moved = false;
            for (const std::int32_t c : before_[at(b)]) {
                const double end_lo = offset_lo_[at(c)] + lo_[c];
                // In the way at every point: begins below low + size and ends above low.
                if (offset_hi_[at(c)] < low + lo_[b] && end_lo > low && lo_[c] > 0.0 && lo_[b] > 0.0) {
                    low = end_lo;
                    moved = true;
                }
                if (offset_lo_[at(c)] < high + hi_[b] && offset_hi_[at(c)] + hi_[c] > high) {
                    high = offset_hi_[at(c)] + hi_[c];
                    moved = true;
                }
            }
        }
        offset_lo_[at(b)] = low;
        offset_hi_[at(b)] = high;
    }

    const ArenaPlanner::Layout& layout_;
    const double* lo_;
    const double* hi_;
    const std::vector<TapeValue>& value_;
    std::vector<std::vector<std::int32_t>> before_;
    std::vector<std::pair<std::int32_t, std::int32_t>> open_;
    std::vector<char> state_;
    std::vector<double> offset_lo_, offset_hi_;
    double highest_ = 0.0;
};

}  // namespace

TapeRange ArenaPlanner::top(const Layout& layout, const double* lo, const double* hi,
                            const std::vector<TapeValue>& value) const {
    const double floor = live(layout, lo);
    return {floor, std::max(floor, BoxPlan(layout, lo, hi, value).top())};
}

}  // namespace gonogo::costing
