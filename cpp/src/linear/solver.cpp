#include "linear/solver.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "gonogo/numeric/parallel.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "linear/slopes.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

void meet(BoxState& state, double& lo, double& hi, double l, double h, const std::string& name) {
    if (l > lo) lo = l;
    if (h < hi) hi = h;
    if (lo > hi && !state.phases.empty()) {
        // No more than rounding apart is taken for a point that both hold, lest a part be lost by a defect elsewhere.
        if (lo - hi > 0x1p-40 * std::max(std::fabs(lo), std::fabs(hi))) {
            state.empty = true;
        } else {
            std::swap(lo, hi);
        }
    }
    // Two enclosures of one value can't be disjoint: a defect of gonogo, never a user's.
    if (lo > hi && !state.empty) {
        throw std::logic_error("'" + name + "': two enclosures of one value don't meet (above " + std::to_string(lo) +
                               ", below " + std::to_string(hi) + "); please report this");
    }
}

Ranges ranges(const System& system, const BoxState& state, const Step& step) {
    Ranges x;
    for (std::size_t k = 0; k < step.inputs.size(); ++k) {
        x.lo[k] = state.block(step.inputs[k]).lo.data();
        x.hi[k] = state.block(step.inputs[k]).hi.data();
        if (system.step(step.inputs[k]).noise_apart) x.noise[k] = state.step(step.inputs[k]).noise.data();
    }
    return x;
}

// Whether interval propagation loses nothing but rounding at an affine step: it reads inputs, each in one term.
bool exact_by_intervals(const System& system, BlockId block) {
    std::vector<BlockId> read;
    for (const AffineTerm& t : system.step(block).terms) {
        if (system.step(t.x).kind != Step::Kind::input || std::find(read.begin(), read.end(), t.x) != read.end())
            return false;
        read.push_back(t.x);
    }
    return true;
}

// Moves the ends of a variable's range inward to multiples of `quantum`, from which rounding moves them outward.
void snap(double& lo, double& hi, double quantum) {
    constexpr double exact = 0x1p52;
    const double least = std::ceil(numeric::div_down(lo, quantum));
    const double most = std::floor(numeric::div_up(hi, quantum));
    if (std::fabs(least) < exact) lo = std::max(lo, numeric::mul_down(least, quantum));
    if (std::fabs(most) < exact) hi = std::min(hi, numeric::mul_up(most, quantum));
}

}  // namespace

void BlockState::settle() {
    magnitude.resize(lo.size());
    sum = 0.0;
    for (std::size_t i = 0; i < lo.size(); ++i) {
        if (!(lo[i] <= hi[i])) lo[i] = -infinity, hi[i] = infinity;
        magnitude[i] = std::max(-lo[i], hi[i]);
        sum = numeric::add_up(sum, magnitude[i]);
    }
}

void Solver::step(BoxState& state, BlockId id) const {
    const Step& step = s_.step(id);
    BlockState& y = state.block(id);
    StepState& lines = state.step(id);
    const auto n = at(s_.block(id).size());
    if (step.kind == Step::Kind::input || step.kind == Step::Kind::free) {
        cut(state, id);
        y.settle();
        return;
    }
    if (y.lo.empty()) {
        y.lo.assign(n, -infinity);
        y.hi.assign(n, infinity);
    }
    if (step.relation || step.group) {
        const Ranges x = ranges(s_, state, step);
        std::vector<double> lo(n, -infinity), hi(n, infinity);
        if (step.group) {
            step.group->enclose(x, lo.data(), hi.data());
        } else {
            step.relation->enclose(x, 0, static_cast<std::int64_t>(n), lo.data(), hi.data());
        }
        for (std::size_t i = 0; i < n; ++i) meet(state, y.lo[i], y.hi[i], lo[i], hi[i], step.name);
        cut(state, id);
        y.settle();
        return;
    }
    std::vector<double> lo(n, 0.0), hi(n, 0.0), mass(n, 0.0), part_lo(n), part_hi(n);
    if (!step.bias_lo.empty()) {
        lo = step.bias_lo;
        hi = step.bias_hi;
        for (std::size_t i = 0; i < n; ++i) mass[i] = std::max(std::fabs(lo[i]), std::fabs(hi[i]));
    }
    lines.below = lo;
    lines.above = hi;
    for (const AffineTerm& t : step.terms) {
        const BlockState& x = state.block(t.x);
        t.map->enclose(x.lo.data(), x.hi.data(), part_lo.data(), part_hi.data());
        for (std::size_t i = 0; i < n; ++i) {
            lo[i] = numeric::add_down(lo[i], part_lo[i]);
            hi[i] = numeric::add_up(hi[i], part_hi[i]);
        }
        t.map->mass(x.magnitude.data(), part_hi.data());
        for (std::size_t i = 0; i < n; ++i) mass[i] = numeric::add_up(mass[i], part_hi[i]);
    }
    if (step.noise) {
        const Values values{[&](BlockId b) { return std::span<const double>(state.block(b).lo); },
                            [&](BlockId b) { return std::span<const double>(state.block(b).hi); },
                            [&](BlockId b) { return std::span<const double>(state.block(b).magnitude); },
                            [&](BlockId b) { return std::span<const double>(state.step(b).noise); }};
        std::vector<double> noise(n, infinity);
        step.noise(values, lo, hi, mass, noise);
        // 0 times an unbounded value is a NaN, which mustn't pass for no noise.
        for (double& e : noise) {
            if (!(e >= 0.0)) e = infinity;
        }
        for (std::size_t i = 0; i < n && !step.noise_apart; ++i) {
            lo[i] = numeric::sub_down(lo[i], noise[i]);
            hi[i] = numeric::add_up(hi[i], noise[i]);
            lines.below[i] = numeric::sub_down(lines.below[i], noise[i]);
            lines.above[i] = numeric::add_up(lines.above[i], noise[i]);
            mass[i] = numeric::add_up(mass[i], noise[i]);
        }
        lines.noise = std::move(noise);
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (!(lo[i] <= hi[i])) lo[i] = -infinity, hi[i] = infinity;
        if (step.quantum > 0.0) snap(lo[i], hi[i], step.quantum);
        meet(state, y.lo[i], y.hi[i], lo[i], hi[i], step.name);
    }
    lines.mass = std::move(mass);
    meet_forms(state, id);
    cut(state, id);
    y.settle();
}

void Solver::cut(BoxState& state, BlockId id) const {
    BlockState& y = state.block(id);
    for (const Phase& p : state.phases) {
        if (p.block != id) continue;
        const std::size_t e = at(p.element);
        meet(state, y.lo[e], y.hi[e], p.above ? p.limit : -infinity, p.above ? infinity : p.limit, s_.step(id).name);
        // What takes multiples of a step only takes the next one.
        if (s_.step(id).quantum > 0.0) {
            double lo = y.lo[e], hi = y.hi[e];
            snap(lo, hi, s_.step(id).quantum);
            meet(state, y.lo[e], y.hi[e], lo, hi, s_.step(id).name);
        }
    }
}

void Solver::meet_forms(BoxState& state, BlockId id) const {
    BlockState& y = state.block(id);
    if (y.forms.empty()) return;
    const std::size_t form = state.inputs.lo.size() + 1;
    for (std::size_t i = 0; i < y.lo.size(); ++i) {
        const std::span<const double> both(y.forms.data() + 2 * i * form, 2 * form);
        meet(state, y.lo[i], y.hi[i], least(both.first(form), state.inputs), -least(both.last(form), state.inputs),
             s_.step(id).name);
    }
}

void Solver::relax(BoxState& state, BlockId id, const double* const* points) const {
    const Step& step = s_.step(id);
    StepState& lines = state.step(id);
    const auto n = at(s_.block(id).size());
    const Ranges x = ranges(s_, state, step);
    Lines out;
    lines.below.resize(n);
    lines.above.resize(n);
    out.below = lines.below.data();
    out.above = lines.above.data();
    for (int k = 0; k < step.input_count(); ++k) {
        const std::size_t slopes = step.group ? step.group->reads(k).element.size() : n;
        lines.slope_below[k].resize(slopes);
        lines.slope_above[k].resize(slopes);
        out.slope_below[k] = lines.slope_below[k].data();
        out.slope_above[k] = lines.slope_above[k].data();
    }
    if (step.group) {
        step.group->relax(x, points, out);
    } else {
        step.relation->relax(x, 0, static_cast<std::int64_t>(n), points, out);
    }
    lines.mass.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
        double mass = std::max(std::fabs(lines.below[i]), std::fabs(lines.above[i]));
        for (int k = 0; k < step.input_count(); ++k) {
            const std::vector<double>& magnitude = state.block(step.inputs[at(k)]).magnitude;
            const auto add = [&](std::size_t slope, std::size_t element) {
                const double s =
                    std::max(std::fabs(lines.slope_below[k][slope]), std::fabs(lines.slope_above[k][slope]));
                // An unbounded variable takes no part when its slope is zero.
                if (s != 0.0) mass = numeric::add_up(mass, numeric::mul_up(s, magnitude[element]));
            };
            if (!step.group) {
                add(i, i);
                continue;
            }
            const GroupRelation::Reads& reads = step.group->reads(k);
            for (auto e = at(reads.begin[i]); e < at(reads.begin[i + 1]); ++e) add(e, at(reads.element[e]));
        }
        lines.mass[i] = mass;
    }
}

std::size_t Solver::refine(std::span<BoxState> states, BlockId block,
                           std::span<const std::vector<std::int64_t>> elements, double& multiplies, bool forms,
                           int rounds) const {
    struct Place {
        std::size_t state;
        std::int64_t element;
    };
    std::vector<Place> places;
    std::vector<Query> queries;
    for (std::size_t k = 0; k < states.size(); ++k) {
        for (const std::int64_t e : elements[k]) {
            places.push_back({k, e});
            queries.push_back({&states[k], e, 1.0});
            queries.push_back({&states[k], e, -1.0});
        }
    }
    if (queries.empty()) return 0;
    std::vector<double> bounds(queries.size(), -infinity);
    const std::int64_t form = forms ? input_count(s_) + 1 : 0;
    std::vector<double> rows(queries.size() * at(form), -infinity);  // a form that says nothing
    // Slice by slice where the work is limited, so that the limit is kept to within a slice. Sharpening is many times
    // the work.
    const std::size_t slice = rounds > 0 ? 32 : (multiplies < infinity ? 512 : queries.size());
    std::size_t done = 0;
    while (done < queries.size() && multiplies > 0.0) {
        const std::size_t n = std::min(slice, queries.size() - done);
        const std::span<const Query> some = std::span(queries).subspan(done, n);
        const std::span<double> found = std::span(bounds).subspan(done, n);
        multiplies -= lower_bounds(s_, block, some, found, std::span(rows).subspan(done * at(form), n * at(form)));
        if (rounds > 0) multiplies -= sharpen(s_, block, some, found, rounds);
        done += n;
    }
    for (std::size_t p = 0; p < places.size(); ++p) {
        BlockState& y = states[places[p].state].block(block);
        const std::int64_t e = places[p].element;
        double lo = bounds[2 * p], hi = -bounds[2 * p + 1];
        if (s_.step(block).quantum > 0.0) snap(lo, hi, s_.step(block).quantum);
        meet(states[places[p].state], y.lo[at(e)], y.hi[at(e)], lo, hi, s_.step(block).name);
        if (!forms) continue;
        y.forms.resize(y.lo.size() * 2 * at(form), -infinity);
        std::copy_n(rows.data() + static_cast<std::int64_t>(2 * p) * form, 2 * form, y.forms.data() + 2 * e * form);
    }
    for (std::size_t k = 0; k < states.size(); ++k) {
        if (!elements[k].empty()) states[k].block(block).settle();
    }
    return done / 2;
}

// Every element that crosses the limit of the clamp `id` gets the bound on the nearer side of it, which most often
// settles it; what crosses still gets the other one.
void Solver::decide(std::span<BoxState> states, BlockId id, double& multiplies) const {
    struct Place {
        BlockState* y;
        BoxState* state;
        std::int64_t element;
        double limit;
        bool below;
    };
    const Step& step = s_.step(id);
    const BlockId block = step.inputs[0];
    std::vector<Place> places;
    for (BoxState& state : states) {
        BlockState& y = state.block(block);
        const Ranges x = ranges(s_, state, step);
        for (std::int64_t i = 0; i < s_.block(block).size(); ++i) {
            const double limit = step.relation->limit(x, i, 0);
            if (y.refined[at(i)] != Refined::no || !(limit > y.lo[at(i)] && limit < y.hi[at(i)])) continue;
            places.push_back({&y, &state, i, limit, limit - y.lo[at(i)] < y.hi[at(i)] - limit});
            y.refined[at(i)] = Refined::plainly;
        }
    }
    for (int side = 0; side < 2 && !places.empty(); ++side) {
        std::vector<Query> queries;
        for (const Place& p : places) {
            Query& q = queries.emplace_back(Query{p.state, p.element, p.below ? 1.0 : -1.0});
            q.enough = q.sign * p.limit;
        }
        const std::vector<double> bounds = this->bounds(block, queries, multiplies);
        std::vector<Place> left;
        for (std::size_t i = 0; i < places.size(); ++i) {
            const Place& p = places[i];
            double& lo = p.y->lo[at(p.element)];
            double& hi = p.y->hi[at(p.element)];
            meet(*p.state, lo, hi, p.below ? bounds[i] : -infinity, p.below ? infinity : -bounds[i],
                 s_.step(block).name);
            if (!(p.limit > lo && p.limit < hi)) continue;
            left.push_back(p);
            left.back().below = !p.below;
        }
        places = std::move(left);
    }
    for (BoxState& state : states) state.block(block).settle();
}

// Slice by slice where the work is limited, so that the limit is kept to within a slice.
std::vector<double> Solver::bounds(BlockId block, std::span<const Query> queries, double& multiplies) const {
    std::vector<double> found(queries.size(), -infinity);
    const std::size_t slice = multiplies < infinity ? 512 : queries.size();
    for (std::size_t first = 0; first < queries.size() && multiplies > 0.0; first += slice) {
        const std::size_t n = std::min(slice, queries.size() - first);
        multiplies -= lower_bounds(s_, block, queries.subspan(first, n), std::span(found).subspan(first, n));
    }
    return found;
}

// The first input, then the hints, then the others: a pair's difference is refined only where the sharper ranges of the
// reference and of the device leave it loose.
void Solver::refine_inputs(std::span<BoxState> states, BlockId id, double& multiplies,
                           const SolverOptions& options) const {
    const Step& step = s_.step(id);
    const auto inputs = at(step.input_count());
    const Refined wanted = options.method == Method::optimised ? Refined::with_slopes : Refined::plainly;
    std::vector<std::size_t> order{0};
    for (std::size_t k = inputs; k < step.inputs.size(); ++k) order.push_back(k);
    for (std::size_t k = 1; k < inputs; ++k) order.push_back(k);
    for (const std::size_t k : order) {
        const BlockId input = step.inputs[k];
        const Step::Kind kind = s_.step(input).kind;
        if (kind != Step::Kind::affine) continue;  // inputs are what they are; relations are bounded by their own step
        if (!options.forms && exact_by_intervals(s_, input)) continue;
        std::vector<std::vector<std::int64_t>> elements(states.size());
        for (BoxState& state : states) {
            BlockState& y = state.block(input);
            if (y.refined.empty()) y.refined.assign(y.lo.size(), Refined::no);
        }
        if (k == 0 && step.relation && options.stop_at_limits && !options.forms && options.method == Method::linear)
            decide(states, id, multiplies);
        for (std::size_t b = 0; b < states.size(); ++b) {
            BlockState& y = states[b].block(input);
            // A hint that its inputs determine follows their sharper ranges first.
            if (k >= inputs) this->step(states[b], input);
            const Ranges x = ranges(s_, states[b], step);
            std::vector<bool> loose;
            if (step.group) loose = step.group->loose(x, static_cast<int>(k));
            for (std::int64_t i = 0; i < s_.block(input).size(); ++i) {
                if (y.refined[at(i)] >= wanted) continue;
                if (!(step.group ? at(i) < loose.size() && loose[at(i)]
                                 : step.relation->loose(x, i, static_cast<int>(k))))
                    continue;
                elements[b].push_back(i);
            }
        }
        std::size_t done = refine(states, input, elements, multiplies, options.forms,
                                  options.method == Method::optimised ? options.rounds : 0);
        for (std::size_t b = 0; b < states.size(); ++b) {
            const std::size_t n = std::min(done, elements[b].size());
            for (std::size_t i = 0; i < n; ++i) states[b].block(input).refined[at(elements[b][i])] = wanted;
            done -= n;
        }
    }
}

void Solver::propagate_one(std::span<BoxState> states, BlockId b, Method method) const {
    const bool relation = s_.step(b).relation || s_.step(b).group;
    numeric::parallel_for(static_cast<std::int64_t>(states.size()), 1, [&](std::int64_t first, std::int64_t last) {
        for (std::int64_t k = first; k < last; ++k) {
            step(states[at(k)], b);
            if (relation && method != Method::interval) relax(states[at(k)], b);
        }
    });
}

void Solver::propagate(std::span<BoxState> states, BlockId from) const {
    for (BlockId b = from; b < static_cast<BlockId>(s_.blocks.size()); ++b) propagate_one(states, b, Method::linear);
}

BlockId Solver::pass(std::span<BoxState> states, const SolverOptions& options, double& multiplies, BlockId from) const {
    const auto end = static_cast<BlockId>(s_.blocks.size());
    for (BlockId b = from; b < end; ++b) {
        const bool relation = s_.step(b).relation || s_.step(b).group;
        if (relation && options.method != Method::interval) {
            refine_inputs(states, b, multiplies, options);
            if (!(multiplies > 0.0)) return b;
        }
        propagate_one(states, b, options.method);
    }
    return end;
}

bool Solver::run(std::span<BoxState> states, const SolverOptions& options) const {
    const auto end = static_cast<BlockId>(s_.blocks.size());
    SolverOptions how = options;
    // Linear bounds are met with those of interval propagation alone: kernels aren't isotone to the last bit, so
    // narrower ranges on the way don't see to it that they are never wider.
    if (options.method == Method::interval || options.interval_first) {
        how.method = Method::interval;
        double none = 0.0;
        pass(states, how, none, 0);
    }
    // Better slopes come after all plain bounds: they take so much work that nothing might be left for those.
    bool complete = true;
    for (const Method method : {Method::linear, Method::optimised}) {
        if (method > options.method) break;
        how.method = method;
        double multiplies = options.multiplies;
        const BlockId reached = pass(states, how, multiplies, 0);
        propagate(states, reached);
        complete = complete && reached == end;
    }
    return complete;
}

}  // namespace gonogo::linear
