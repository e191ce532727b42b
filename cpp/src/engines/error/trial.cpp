#include "engines/error/trial.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "gonogo/error.hpp"
#include "gonogo/numeric/parallel.hpp"
#include "gonogo/numeric/rounding.hpp"

namespace gonogo::joint {

Judge::Judge(const RealProgram& reference, const Deployment& deployed, std::span<const IntervalTensor> box,
             std::span<const Target> targets)
    : reference_(reference), deployed_(deployed), box_(box), targets_(targets) {
    for (const Target& t : targets) tensors_.push_back(t.deployed);
}

std::vector<Trial> Judge::judge(std::vector<Point> points) const {
    std::vector<Trial> trials(points.size());
    numeric::parallel_for(static_cast<std::int64_t>(points.size()), 1, [&](std::int64_t i, std::int64_t) {
        trials[static_cast<std::size_t>(i)] = judge_one(std::move(points[static_cast<std::size_t>(i)]));
    });
    return trials;
}

Trial Judge::judge_one(Point p) const {
    std::vector<IntervalTensor> exact;
    for (std::size_t k = 0; k < p.size(); ++k) {
        for (std::size_t e = 0; e < p[k].size(); ++e)
            p[k][e] = deployed_.settle(k, p[k][e], box_[k].lo[e], box_[k].hi[e]);
        IntervalTensor x(box_[k].shape);
        x.lo = p[k];
        x.hi = p[k];
        exact.push_back(std::move(x));
    }
    std::vector<IntervalTensor> reals;
    reference_.run(exact, reals);
    Trial trial;
    for (const TensorId t : tensors_) {
        const auto n = static_cast<std::size_t>(deployed_.graph().tensor(t).elements());
        trial.over.emplace_back(n, -std::numeric_limits<double>::infinity());
        trial.under.push_back(trial.over.back());
    }
    for (int variant = 0; variant < deployed_.variants(); ++variant) {
        std::vector<Enclosure> device;
        // Some kernels refuse single points: where the device's answer isn't determined. They are no witnesses.
        try {
            device = deployed_.evaluate(p, tensors_, variant);
        } catch (const UnsupportedOperatorError&) {
            continue;
        }
        for (std::size_t t = 0; t < targets_.size(); ++t) {
            const IntervalTensor& r = reals[static_cast<std::size_t>(targets_[t].reference)];
            const std::size_t n = device[t].lo.size();
            for (std::size_t e = 0; e < n; ++e) {
                trial.over[t][e] = std::max(trial.over[t][e], numeric::sub_down(device[t].lo[e], r.hi[e]));
                trial.under[t][e] = std::max(trial.under[t][e], numeric::sub_down(r.lo[e], device[t].hi[e]));
            }
        }
    }
    trial.point = std::make_shared<const Point>(std::move(p));
    return trial;
}

Record::Record(std::span<const Target> targets, const Graph& deployed) {
    for (const Target& t : targets) {
        const auto n = static_cast<std::size_t>(deployed.tensor(t.deployed).elements());
        result_.witnesses.push_back({std::vector<double>(n, 0.0), -1.0, {}});
    }
}

void Record::add(const Trial& trial, int evaluations) {
    result_.evaluations += evaluations;
    for (std::size_t t = 0; t < result_.witnesses.size(); ++t) {
        Witness& w = result_.witnesses[t];
        double worst = 0.0;
        for (std::size_t e = 0; e < w.value.size(); ++e) {
            const double apart = std::max({0.0, trial.over[t][e], trial.under[t][e]});
            w.value[e] = std::max(w.value[e], apart);
            worst = std::max(worst, apart);
        }
        if (worst > w.worst) {
            w.worst = worst;
            w.input = *trial.point;
        }
    }
    if (best_.empty()) best_.resize(goals_.size(), {-std::numeric_limits<double>::infinity(), nullptr});
    for (std::size_t g = 0; g < goals_.size(); ++g) {
        const double value = trial.of(goals_[g]);
        if (best_[g].at == nullptr || value > best_[g].value) best_[g] = {value, trial.point};
    }
}

std::vector<std::size_t> Record::by_value() const {
    std::vector<std::vector<std::size_t>> of(result_.witnesses.size());
    for (std::size_t g = 0; g < goals_.size(); ++g) of[goals_[g].target].push_back(g);
    std::size_t most = 0;
    for (std::vector<std::size_t>& list : of) {
        std::stable_sort(list.begin(), list.end(),
                         [&](std::size_t a, std::size_t b) { return best_[a].value > best_[b].value; });
        most = std::max(most, list.size());
    }
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < most; ++i) {
        for (const auto& list : of) {
            if (i < list.size()) order.push_back(list[i]);
        }
    }
    return order;
}

SearchResult Record::result() const {
    SearchResult result = result_;
    for (Witness& w : result.witnesses) w.worst = std::max(w.worst, 0.0);
    return result;
}

}  // namespace gonogo::joint
