#include "engines/cost/planner.hpp"

#include <algorithm>
#include <limits>

namespace gonogo::costing {

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
constexpr double infinity = std::numeric_limits<double>::infinity();

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

// Plans of all sizes in a box at once. In the order of their greatest sizes, buffers fall into runs: between runs it is
// certain which of two conflicting buffers is placed first, within a run it may depend. A run falls into groups that
// don't conflict with each other; all orders of a group are followed.
class BoxPlan {
    using Chain = ArenaPlanner::Chain;
    using Member = ArenaPlanner::Member;
    using Precedence = ArenaPlanner::Precedence;
    using Near = ArenaPlanner::Near;

  public:
    BoxPlan(const ArenaPlanner::Layout& layout, const double* lo, const double* hi,
            const std::vector<std::int32_t>& same, ArenaPlanner::Work& work)
        : layout_(layout), lo_(lo), hi_(hi), same_(same), work_(work) {}

    // Bounds on the highest end. Buffers that can't reach it even stacked on each other aren't placed any more.
    TapeRange top() {
        sort_buffers(layout_, hi_, work_);
        const std::vector<std::int32_t>& order = work_.order;
        const std::size_t n = layout_.conflicts.size();
        for (auto* v : {&work_.offsets, &work_.highs, &work_.hull_lo, &work_.hull_hi}) v->resize(n);
        work_.position.resize(n);
        work_.placed.assign(n, 0);
        work_.known.assign(n, 0);
        work_.in_group.assign(n, 0);
        work_.member.resize(n);
        work_.chains.resize(std::max(work_.chains.size(), n));
        find_open();
        double rest = 0.0;
        for (const std::int32_t b : order) rest += std::max(hi_[b], 0.0);
        const double sum = rest;
        double asked_at = rest;
        for (std::size_t k = 0; k < order.size() && hi_[order[k]] > 0.0;) {
            if (rest <= ends_.hi && 2.0 * rest <= asked_at) {
                double below = 0.0;
                for (std::size_t i = k; i < order.size(); ++i) below = std::max(below, under(order[i]));
                if (below + rest <= ends_.hi) break;
                asked_at = rest;
            }
            std::size_t end = work_.reach[k];
            for (std::size_t i = k; i <= end; ++i) end = std::max(end, work_.reach[i]);
            place_run(k, end);
            for (; k <= end; ++k) {
                const std::int32_t b = order[k];
                ends_.lo = std::max(ends_.lo, work_.offsets[at(b)] + lo_[b]);
                ends_.hi = std::max(ends_.hi, work_.highs[at(b)] + hi_[b]);
                rest -= hi_[b];
            }
        }
        return {ends_.lo, std::min(ends_.hi, sum)};
    }

  private:
    static constexpr std::size_t most_open = 5;
    static constexpr std::int32_t none = -1;

    // Whether it depends on the point which of two is placed first. a > b: of equal sizes `a` comes first.
    bool is_open(std::int32_t a, std::int32_t b) const {
        if (lo_[a] >= hi_[b] || lo_[b] > hi_[a]) return false;
        return same_[at(a)] != same_[at(b)];
    }

    // Equal sizes have equal ranges, so the order by greatest sizes is right for them too.
    void find_open() {
        const std::vector<std::int32_t>& order = work_.order;
        work_.reach.resize(order.size());
        for (std::size_t k = 0; k < order.size(); ++k) {
            work_.position[at(order[k])] = k;
            work_.reach[k] = k;
        }
        for (const std::int32_t b : order) {
            if (hi_[b] <= 0.0) break;
            for (const std::int32_t c : layout_.conflicts[at(b)]) {
                if (c > b || hi_[c] <= 0.0 || !is_open(b, c)) continue;
                const auto [first, last] = std::minmax(work_.position[at(b)], work_.position[at(c)]);
                work_.reach[first] = std::max(work_.reach[first], last);
            }
        }
    }

    void place_run(std::size_t first, std::size_t last) {
        for (std::size_t k = first; k <= last; ++k) {
            if (work_.placed[at(work_.order[k])] != 0) continue;
            find_group(k, first, last);
            place_group();
            for (const Member& m : work_.group) work_.placed[at(m.buffer)] = 1;
        }
    }

    // The buffers of a run that the one at `start` conflicts with, directly or through others, in order.
    void find_group(std::size_t start, std::size_t first, std::size_t last) {
        std::vector<Member>& group = work_.group;
        group.clear();
        const auto add = [&](std::int32_t b) {
            work_.in_group[at(b)] = 1;
            group.push_back({.buffer = b});
        };
        add(work_.order[start]);
        if (first != last) {
            for (std::size_t m = 0; m < group.size(); ++m) {
                for (const std::int32_t c : layout_.conflicts[at(group[m].buffer)]) {
                    const std::size_t where = work_.position[at(c)];
                    if (first <= where && where <= last && work_.in_group[at(c)] == 0) add(c);
                }
            }
            std::sort(group.begin(), group.end(), [&](const Member& a, const Member& b) {
                return work_.position[at(a.buffer)] < work_.position[at(b.buffer)];
            });
        }
        for (const Member& m : group) work_.in_group[at(m.buffer)] = 0;
    }

    void place_group() {
        std::vector<Member>& group = work_.group;
        if (group.size() == 1) {
            settle(group[0].buffer);
            return;
        }
        if (!find_precedences()) {
            stack_up();
            return;
        }
        for (const Member& m : group) {
            work_.hull_lo[at(m.buffer)] = infinity;
            work_.hull_hi[at(m.buffer)] = 0.0;
        }
        for (std::uint32_t flips = 0; flips < 1U << work_.open.size(); ++flips) place_all(flips);
        for (const Member& m : group) {
            const std::size_t b = at(m.buffer);
            work_.offsets[b] = work_.hull_lo[b];
            work_.highs[b] = work_.hull_hi[b];
            work_.known[b] = 0;
        }
    }

    // By member of the group, who may have to be placed before it. False: too many pairs are open.
    bool find_precedences() {
        std::vector<Member>& group = work_.group;
        work_.open.clear();
        work_.precedences.clear();
        for (std::size_t m = 0; m < group.size(); ++m) work_.member[at(group[m].buffer)] = m;
        for (std::size_t m = 0; m < group.size(); ++m) {
            const std::int32_t b = group[m].buffer;
            group[m].begin = work_.precedences.size();
            // The open pairs with earlier members.
            for (std::size_t i = 0; i < work_.open.size(); ++i) {
                if (work_.open[i].second != b) continue;
                const auto pair = static_cast<std::int32_t>(i);
                work_.precedences.push_back({.before = work_.open[i].first, .pair = pair, .flipped = 0});
            }
            for (const std::int32_t c : layout_.conflicts[at(b)]) {
                const std::size_t other = work_.member[at(c)];
                if (other >= group.size() || group[other].buffer != c) continue;
                if (!is_open(std::max(b, c), std::min(b, c))) {
                    if (other < m) work_.precedences.push_back({.before = c});
                } else if (other > m) {
                    if (work_.open.size() == most_open) return false;
                    const auto pair = static_cast<std::int32_t>(work_.open.size());
                    work_.open.emplace_back(b, c);
                    work_.precedences.push_back({.before = c, .pair = pair, .flipped = 1});
                }
            }
            group[m].end = work_.precedences.size();
        }
        return true;
    }

    // One order of a group: of open pair i the later one comes first where bit i is set. A circle of precedences is no
    // order, hence no point's.
    void place_all(std::uint32_t flips) {
        std::size_t left = work_.group.size();
        for (bool moved = true; moved && left > 0;) {
            moved = false;
            for (const Member& m : work_.group) {
                if (work_.placed[at(m.buffer)] != 0 || waits(m, flips)) continue;
                settle(m.buffer);
                work_.placed[at(m.buffer)] = 1;
                moved = true;
                --left;
            }
        }
        for (const Member& m : work_.group) {
            const std::size_t b = at(m.buffer);
            work_.placed[b] = 0;
            if (left > 0) continue;
            work_.hull_lo[b] = std::min(work_.hull_lo[b], work_.offsets[b]);
            work_.hull_hi[b] = std::max(work_.hull_hi[b], work_.highs[b]);
        }
    }

    // Whether a conflicting buffer of the group has to be placed before.
    bool waits(const Member& m, std::uint32_t flips) const {
        for (std::size_t i = m.begin; i < m.end; ++i) {
            const Precedence& p = work_.precedences[i];
            if (work_.placed[at(p.before)] == 0 && (p.pair < 0 || (flips >> p.pair & 1U) == p.flipped)) return true;
        }
        return false;
    }

    // Too many orders. An offset is zero or the end of a conflicting buffer, whose offset is too: such a chain goes
    // through buffers of the group, each once, and at most then through one placed before it.
    void stack_up() {
        double all = 0.0;
        double below = 0.0;
        for (const Member& m : work_.group) {
            all += hi_[m.buffer];
            below = std::max(below, under(m.buffer));
        }
        for (const Member& m : work_.group) {
            work_.offsets[at(m.buffer)] = 0.0;
            work_.highs[at(m.buffer)] = below + all - hi_[m.buffer];
        }
    }

    // The greatest end of a placed buffer that `b` conflicts with.
    double under(std::int32_t b) const {
        double most = 0.0;
        for (const std::int32_t c : layout_.conflicts[at(b)]) {
            if (work_.placed[at(c)] != 0) most = std::max(most, work_.highs[at(c)] + hi_[c]);
        }
        return most;
    }

    void settle(std::int32_t b) {
        work_.near.clear();
        for (const std::int32_t c : layout_.conflicts[at(b)]) {
            if (work_.placed[at(c)] != 0)
                work_.near.push_back(
                    {c, work_.known[at(c)] != 0, work_.offsets[at(c)], work_.highs[at(c)], lo_[c], hi_[c]});
        }
        work_.known[at(b)] = settle_exactly(b) ? 1 : 0;
        if (work_.known[at(b)] == 0) settle_between(b);
    }

    // The same offset at every point as a sum of sizes: equal sizes cancel where two such sums are compared, so that a
    // gap as large as the buffer is known to be. False: it depends on the point.
    bool settle_exactly(std::int32_t b) {
        Chain& chain = work_.chains[at(b)];
        chain.count = 0;
        double low = 0.0;
        double high = 0.0;
        for (bool moved = true; moved;) {
            moved = false;
            for (const Near& n : work_.near) {
                const std::int32_t c = n.buffer;
                if (n.from_hi + n.hi <= low || n.from_lo >= high + hi_[b]) continue;
                // A buffer that isn't there at some point is in nobody's way at it.
                if (!n.known || n.lo <= 0.0) return false;
                const Chain& other = work_.chains[at(c)];
                if (!(n.from_hi < low + lo_[b] && n.from_lo + n.lo > high)) {
                    if (least_gap(other, c, chain, none) >= 0.0 || least_gap(chain, b, other, none) >= 0.0) continue;
                    if (least_gap(other, none, chain, b) <= 0.0 || least_gap(chain, none, other, c) <= 0.0)
                        return false;
                }
                if (other.count == Chain::most) return false;
                chain = other;
                chain.insert(same_[at(c)]);
                low = n.from_lo + n.lo;
                high = n.from_hi + n.hi;
                moved = true;
            }
        }
        work_.offsets[at(b)] = low;
        work_.highs[at(b)] = high;
        return true;
    }

    // The least of (sum of `second`) - (sum of `first`), each with one buffer more unless it is `none`.
    double least_gap(Chain first, std::int32_t more_first, Chain second, std::int32_t more_second) const {
        if (more_first != none) first.insert(same_[at(more_first)]);
        if (more_second != none) second.insert(same_[at(more_second)]);
        double least = 0.0;
        std::size_t l = 0;
        std::size_t r = 0;
        while (l < first.count || r < second.count) {
            if (r == second.count || (l < first.count && first.buffers[l] < second.buffers[r])) {
                least -= hi_[first.buffers[l++]];
            } else if (l == first.count || second.buffers[r] < first.buffers[l]) {
                least += lo_[second.buffers[r++]];
            } else {
                ++l;
                ++r;
            }
        }
        return least;
    }

    // The lowest offset: never below one that every placed buffer in the way forces, never above the first one at which
    // the buffer is free of all of them whatever their sizes.
    void settle_between(std::int32_t b) {
        double low = 0.0;
        double high = 0.0;
        for (bool moved = true; moved;) {
            moved = false;
            for (const Near& n : work_.near) {
                // In the way at every point: begins below low + size and ends above low.
                if (n.from_hi < low + lo_[b] && n.from_lo + n.lo > low && n.lo > 0.0 && lo_[b] > 0.0) {
                    low = n.from_lo + n.lo;
                    moved = true;
                }
                if (n.from_lo < high + hi_[b] && n.from_hi + n.hi > high) {
                    high = n.from_hi + n.hi;
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
    const std::vector<std::int32_t>& same_;
    ArenaPlanner::Work& work_;
    TapeRange ends_;
};

}  // namespace

TapeRange ArenaPlanner::top(const Layout& layout, const double* lo, const double* hi,
                            const std::vector<std::int32_t>& same, Work& work) const {
    const TapeRange top = BoxPlan(layout, lo, hi, same, work).top();
    const double floor = std::max(live(layout, lo), top.lo);
    return {floor, std::max(floor, top.hi)};
}

}  // namespace gonogo::costing
