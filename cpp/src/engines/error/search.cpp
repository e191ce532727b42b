#include "engines/error/search.hpp"

#include <algorithm>
#include <cmath>
#include <memory>

#include "gonogo/numeric/parallel.hpp"

#include "engines/error/approach.hpp"
#include "engines/error/moves.hpp"
#include "engines/error/trial.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

namespace {

constexpr std::size_t most_goals = 256;  // that are climbed for; each keeps a point
constexpr int tries = 4;                 // per visit of a climber
constexpr int patience = 12;             // visits without progress before a climber starts anew
constexpr std::int64_t evaluations_per_goal = 6;
constexpr int most_steps = 60, least_steps = 12;  // of a walk
// One after the other: no single one served all nets and word lengths.
constexpr linear::Pull pulls[] = {{5.0, 0.15}, {3.0, 0.05}, {8.0, 0.15}, {5.0, 0.05}};

// One climb for one goal.
struct Climber {
    std::size_t goal = 0;
    bool first = true;  // follows the goal's best point, wherever that was found; the others wander
    SharedPoint at;
    double value = -infinity;
    Slope slope;
    SharedPoint slope_at;
    int visits_of_slope = 0;
    int failures = 0;
};

}  // namespace

class Search::Run {
  public:
    Run(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
        std::span<const Target> targets, const Lead& lead, std::int64_t evaluations, std::uint64_t seed)
        : judge_(reference, deployed, box, targets),
          lead_(lead),
          readings_(readings(deployed)),
          moves_(box, readings_),
          guide_(lead.program, lead.lines, readings_, targets),
          approach_(guide_, deployed, box, readings_),
          variants_(std::max(1, deployed.variants())),
          budget_(static_cast<double>(evaluations)),
          random_(seed),
          record_(targets, deployed.graph()) {
        rank_goals();
    }

    void first() {
        try_points(moves_.all_cells(static_cast<std::int64_t>(budget_ / 2.0) / variants_), {});
        std::vector<Point> starts;
        const auto count = static_cast<std::int64_t>(std::max(4.0, budget_ / 16.0));
        for (std::int64_t i = 0; i < count; ++i) starts.push_back(moves_.start(i, random_));
        try_points(std::move(starts), {});
        corners();
        walk(0.5 * (budget_ - spent_));
        make_climbers();
        climb();
    }

    void more(double evaluations) {
        budget_ = spent_ + evaluations;
        walk(0.5 * evaluations);
        climb();
    }

    SearchResult result() const { return record_.result(); }

  private:
    // All elements and both signs, the worst bounds first, the targets in turn.
    void rank_goals() {
        std::vector<std::vector<std::pair<double, Goal>>> of(lead_.lower.size());
        std::size_t most = 0;
        for (std::size_t t = 0; t < of.size(); ++t) {
            for (std::size_t e = 0; e < lead_.lower[t].size(); ++e) {
                const auto element = static_cast<std::int64_t>(e);
                const auto& wanted = lead_.elements;
                if (!wanted.empty() && (t > 0 || std::find(wanted.begin(), wanted.end(), element) == wanted.end()))
                    continue;
                if (lead_.upper[t][e] > 0.0) of[t].push_back({lead_.upper[t][e], {t, element, 1.0}});
                if (lead_.lower[t][e] < 0.0) of[t].push_back({-lead_.lower[t][e], {t, element, -1.0}});
            }
            std::stable_sort(of[t].begin(), of[t].end(),
                             [](const auto& a, const auto& b) { return a.first > b.first; });
            most = std::max(most, of[t].size());
        }
        for (std::size_t i = 0; i < most; ++i) {
            for (const auto& list : of) {
                if (i < list.size()) goals_.push_back(list[i].second);
            }
        }
        const auto tracked =
            std::clamp<std::size_t>(static_cast<std::size_t>(budget_) / evaluations_per_goal, 2, most_goals);
        record_.track(std::span(goals_).first(std::min(goals_.size(), tracked)));
    }

    // Where the bound would be reached if its linear bounds were sharp.
    void corners() {
        if (!guide_.knows_box()) return;
        std::vector<Goal> known;
        const double each = variants_ + guide_.goal_work() / lead_.multiplies;
        for (const Goal& g : goals_) {
            if (static_cast<double>(known.size() + 1) * each > budget_ / 3.0) break;
            if (guide_.knows(g)) known.push_back(g);
        }
        constexpr std::size_t batch = 64;
        for (std::size_t i = 0; i < known.size(); i += batch) {
            const std::span<const Goal> part = std::span(known).subspan(i, std::min(batch, known.size() - i));
            spent_ += static_cast<double>(part.size()) * guide_.goal_work() / lead_.multiplies;
            std::vector<Point> points;
            for (const Slope& s : guide_.over_box(part)) points.push_back(moves_.best(s));
            try_points(std::move(points), {});
        }
    }

    // Walks for the tracked goals in turn, as many as `budget` allows.
    void walk(double budget) {
        const std::size_t tracked = record_.tracked();
        if (!guide_.rounds() || tracked == 0) return;
        const double step = (guide_.point_work() + guide_.goal_work()) / lead_.multiplies;
        const double each = most_steps * step + Approach::points(most_steps) * variants_;
        const int steps = each > budget ? static_cast<int>(most_steps * budget / each) : most_steps;
        if (steps < least_steps) return;
        const auto count = static_cast<std::size_t>(std::max(1.0, budget / each));
        for (std::size_t done = 0; done < std::min(count, 8 * tracked);) {
            std::vector<Walk> walks;
            for (; walks.size() < 8 && done < count; ++done, ++walks_) {
                const Goal& goal = record_.goal(walks_ % tracked);
                const SharedPoint& best = record_.best(walks_ % tracked).at;
                if (!guide_.knows(goal) || best == nullptr) continue;
                const std::size_t lap = walks_ / tracked;
                // From the centre first, then from the best point, or from somewhere near it.
                Point start = *best;
                if (lap == 0) start = moves_.start(0, random_);
                if (lap > 1) start = moves_.from(*best, {}, Moves::Kind::random, random_);
                walks.push_back({goal, std::move(start), pulls[lap % std::size(pulls)], steps});
            }
            if (walks.empty()) break;
            spent_ += static_cast<double>(walks.size()) * steps * step;
            for (std::vector<Point>& passed : approach_.walk(walks)) try_points(std::move(passed), {});
        }
    }

    void climb() {
        while (spent_ < budget_) visit(choose(round_++));
    }

    void make_climbers() {
        const std::size_t tracked = record_.tracked();
        if (tracked == 0) return;
        const std::size_t each = std::clamp<std::size_t>(static_cast<std::size_t>(budget_) / tracked / 64, 1, 4);
        for (std::size_t c = 0; c < each; ++c) {
            for (std::size_t g = 0; g < tracked; ++g) {
                Climber climber;
                climber.goal = g;
                climber.first = c == 0;
                climbers_.push_back(std::move(climber));
            }
        }
    }

    // Half the visits go to the goals that have got farthest, the others to all climbers in turn.
    std::vector<std::size_t> choose(std::size_t round) {
        std::vector<std::size_t> chosen;
        if (climbers_.empty()) return chosen;
        const auto count = std::clamp<std::size_t>(static_cast<std::size_t>(budget_ / 32.0), 1, 8);
        const std::size_t tracked = record_.tracked();
        const std::vector<std::size_t> order = record_.by_value();
        for (std::size_t i = 0; i < count; ++i) {
            std::size_t c = next_;
            if (i % 2 == 1 || (count == 1 && round % 2 == 1)) {
                std::size_t rank = 0;
                while (rank + 1 < tracked && random_.coin()) ++rank;
                c = order[rank] + tracked * random_.below(climbers_.size() / tracked);
            } else {
                next_ = (next_ + 1) % climbers_.size();
            }
            if (std::find(chosen.begin(), chosen.end(), c) == chosen.end()) chosen.push_back(c);
        }
        return chosen;
    }

    void visit(const std::vector<std::size_t>& chosen) {
        if (chosen.empty()) {
            std::vector<Point> points;
            for (int i = 0; i < 8; ++i) points.push_back(moves_.start(3 + i, random_));
            try_points(std::move(points), {});
            return;
        }
        for (const std::size_t c : chosen) place(climbers_[c]);
        find_slopes(chosen);
        std::vector<Point> points;
        std::vector<Try> from;
        for (const std::size_t c : chosen) {
            Climber& climber = climbers_[c];
            ++climber.visits_of_slope;
            ++climber.failures;
            for (int i = 0; i < tries; ++i) {
                Moves::Kind kind = draw(!climber.slope.value.empty());
                Point p = moves_.from(*climber.at, climber.slope, kind, random_);
                if (p == *climber.at) {
                    kind = Moves::Kind::nudge;
                    p = moves_.from(*climber.at, climber.slope, kind, random_);
                }
                points.push_back(std::move(p));
                from.push_back({c, kind});
            }
        }
        try_points(std::move(points), from);
    }

    // A climber that has no point yet, or has stayed at one for long, gets one.
    void place(Climber& climber) {
        const Best& best = record_.best(climber.goal);
        if (climber.first) {
            if (best.value > climber.value || climber.at == nullptr) climber.at = best.at, climber.value = best.value;
            return;
        }
        if (climber.at != nullptr && climber.failures < patience) return;
        climber.failures = 0;
        climber.value = -infinity;
        climber.slope = {};
        climber.slope_at = nullptr;
        // Far from the best point, or not so far.
        climber.at = std::make_shared<const Point>(
            random_.coin() ? moves_.start(3 + static_cast<std::int64_t>(random_.below(3)), random_)
                           : moves_.from(*best.at, {}, Moves::Kind::random, random_));
    }

    // Slopes where a climber has moved on since it last asked for some.
    void find_slopes(const std::vector<std::size_t>& chosen) {
        std::vector<Goal> goals;
        std::vector<const Point*> points;
        std::vector<std::size_t> wanted;
        for (const std::size_t c : chosen) {
            const Climber& climber = climbers_[c];
            if (climber.slope_at == climber.at || !guide_.knows(record_.goal(climber.goal))) continue;
            if (climber.slope_at != nullptr && climber.visits_of_slope < 2) continue;
            wanted.push_back(c);
            goals.push_back(record_.goal(climber.goal));
            points.push_back(climber.at.get());
        }
        const double work = static_cast<double>(wanted.size()) * (guide_.point_work() + guide_.goal_work());
        if (wanted.empty() || spent_ + work / lead_.multiplies + 1.0 > budget_) return;
        spent_ += work / lead_.multiplies;
        std::vector<Slope> slopes = guide_.at(goals, points);
        for (std::size_t i = 0; i < wanted.size(); ++i) {
            Climber& climber = climbers_[wanted[i]];
            climber.slope = std::move(slopes[i]);
            climber.slope_at = climber.at;
            climber.visits_of_slope = 0;
        }
    }

    // Kinds of moves by their success so far.
    Moves::Kind draw(bool guided) {
        double sum = 0.0;
        const std::size_t first = guided ? 0 : static_cast<std::size_t>(Moves::Kind::nudge);
        const auto weight = [&](std::size_t k) { return (1.0 + wins_[k]) / (10.0 + attempts_[k]); };
        for (std::size_t k = first; k < Moves::kinds; ++k) sum += weight(k);
        double at = random_.unit() * sum;
        for (std::size_t k = first; k + 1 < Moves::kinds; ++k) {
            at -= weight(k);
            if (at < 0.0) return static_cast<Moves::Kind>(k);
        }
        return Moves::Kind::random;
    }

    struct Try {
        std::size_t climber;
        Moves::Kind kind;
    };

    // Evaluates as many as the budget allows, side by side; what follows from them is drawn in their order.
    void try_points(std::vector<Point> points, const std::vector<Try>& from) {
        const double left = std::ceil((budget_ - spent_) / variants_);
        if (static_cast<double>(points.size()) > left) points.resize(static_cast<std::size_t>(std::max(left, 0.0)));
        const std::vector<Trial> trials = judge_.judge(std::move(points));
        spent_ += static_cast<double>(trials.size()) * variants_;
        for (std::size_t i = 0; i < trials.size(); ++i) {
            record_.add(trials[i], variants_);
            if (from.empty()) continue;
            Climber& climber = climbers_[from[i].climber];
            const double value = trials[i].of(record_.goal(climber.goal));
            const auto kind = static_cast<std::size_t>(from[i].kind);
            attempts_[kind] += 1.0;
            if (!(value > climber.value)) continue;
            if (climber.value > -infinity) wins_[kind] += 1.0;
            climber.value = value;
            climber.at = trials[i].point;
            climber.failures = 0;
        }
    }

    const Judge judge_;
    const Lead lead_;
    std::vector<Reading> readings_;
    Moves moves_;
    Guide guide_;
    Approach approach_;
    int variants_;
    double budget_, spent_ = 0.0;
    Random random_;
    Record record_;
    std::vector<Goal> goals_;
    std::vector<Climber> climbers_;
    std::size_t next_ = 0, round_ = 0, walks_ = 0;
    double wins_[Moves::kinds] = {}, attempts_[Moves::kinds] = {};
};

Search::Search(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
               std::span<const Target> targets, const Lead& lead, std::int64_t evaluations, std::uint64_t seed)
    : run_(std::make_unique<Run>(reference, deployed, box, targets, lead, evaluations, seed)) {
    run_->first();
}

Search::~Search() = default;

void Search::more(std::int64_t evaluations) {
    run_->more(static_cast<double>(evaluations));
}

SearchResult Search::result() const {
    return run_->result();
}

}  // namespace gonogo::joint
