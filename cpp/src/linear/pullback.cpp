#include "linear/pullback.hpp"

#include <algorithm>

#include "gonogo/numeric/back_substitution.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

constexpr std::int64_t chunk_values = 1 << 19;  // coefficients of the widest block in one chunk of rows
constexpr std::int64_t most_rows = 256;

}  // namespace

Pullback::Pullback(const System& system, std::span<const Query> queries)
    : s_(system), queries_(queries.begin(), queries.end()), rows_(system.blocks.size()) {}

void Pullback::run(BlockId target) {
    std::vector<std::int64_t> elements;
    std::vector<double> signs;
    for (const Query& q : queries_) elements.push_back(q.element), signs.push_back(q.sign);
    rows_[at(target)] = Rows::units(s_.block(target), elements, signs);
    for (BlockId b = target; b >= 0; --b) {
        use_phases(b);
        if (rows_[at(b)].empty()) continue;
        if (leave(b) && !rows_[at(b)].empty()) {
            const Step& step = s_.step(b);
            if (step.kind == Step::Kind::affine) affine(b);
            if (step.kind == Step::Kind::relation) relation(b);
            if (step.kind == Step::Kind::group) group(b);
        }
        rows_[at(b)] = Rows();
    }
}

void Pullback::use(const Phase&, std::int64_t, double, double) {}

void Pullback::use_phases(BlockId b) {
    for (std::int64_t r = 0; r < count(); ++r) {
        for (std::size_t k = 0; k < query(r).multipliers.size(); ++k) {
            const Phase& phase = state(r).phases[k];
            const double size = query(r).multipliers[k];
            if (phase.block != b || size == 0.0) continue;
            Rows& rows = rows_[at(b)];
            rows.cover(s_.block(b), count(), s_.block(b).height, s_.block(b).width, {}, {});
            const double multiplier = phase.above ? -size : size;
            double& a = rows.row(r)[phase.element];
            use(phase, r, a, multiplier);
            a += multiplier;
        }
    }
}

bool Pullback::alone(BlockId b) const {
    return std::all_of(rows_.begin(), rows_.begin() + b, [](const Rows& rows) { return rows.empty(); });
}

void Pullback::keep(std::span<const std::int64_t> rows) {
    for (Rows& r : rows_) {
        if (!r.empty()) r.keep(rows);
    }
    std::vector<Query> kept;
    for (const std::int64_t r : rows) kept.push_back(query(r));
    queries_ = std::move(kept);
}

void Pullback::affine(BlockId b) {
    for (const AffineTerm& t : s_.step(b).terms) {
        const Rows& rows = rows_[at(b)];
        join(t.x, t.map->terms());
        t.map->pull(rows, rows_[at(t.x)]);
        work_ += static_cast<double>(count() * rows.height() * rows.width() * t.map->work());
    }
}

void Pullback::relation(BlockId b) {
    const Step& step = s_.step(b);
    const Rows& rows = rows_[at(b)];
    for (int k = 0; k < step.relation->inputs(); ++k) {
        const BlockId x = step.inputs[at(k)];
        join(x, 1);
        Rows& to = rows_[at(x)];
        to.cover(s_.block(x), count(), rows.height(), rows.width(), rows.tops(), rows.lefts());
        const std::int64_t c = s_.block(x).channels;
        const std::int64_t wide = s_.block(x).width;
        const bool aligned = to.height() == rows.height() && to.width() == rows.width();
        for (std::int64_t r = 0; r < count(); ++r) {
            const StepState& y = state(r).step(b);
            rows.each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t m) {
                double* out = aligned ? to.row(r) + from
                                      : to.pixel(r, element / c / wide - to.top(r), element / c % wide - to.left(r));
                numeric::select_scale(m, rows.row(r) + from, y.slope_below[k].data() + element,
                                      y.slope_above[k].data() + element, out, true);
            });
        }
    }
}

void Pullback::group(BlockId b) {
    const Step& step = s_.step(b);
    const std::int64_t n = s_.block(b).size();
    Rows& rows = rows_[at(b)];
    rows.widen();
    for (int k = 0; k < step.group->inputs(); ++k) {
        const GroupRelation::Reads& reads = step.group->reads(k);
        const BlockId x = step.inputs[at(k)];
        join(x, n);  // no element is read twice for one output
        Rows& to = rows_[at(x)];
        to.cover(s_.block(x), count(), s_.block(x).height, s_.block(x).width, {}, {});
        for (std::int64_t r = 0; r < count(); ++r) {
            const StepState& y = state(r).step(b);
            double* out = to.row(r);
            for (std::int64_t o = 0; o < n; ++o) {
                const double a = rows.row(r)[o];
                if (a == 0.0) continue;
                const std::vector<double>& slopes = a >= 0.0 ? y.slope_below[k] : y.slope_above[k];
                for (auto e = at(reads.begin[at(o)]); e < at(reads.begin[at(o) + 1]); ++e)
                    out[reads.element[e]] += a * slopes[e];
            }
        }
    }
}

std::int64_t rows_at_once(const System& system, BlockId target) {
    std::int64_t widest = 1;
    for (BlockId b = 0; b <= target; ++b) widest = std::max(widest, system.block(b).size());
    return std::clamp<std::int64_t>(chunk_values / widest, 16, most_rows);
}

}  // namespace gonogo::linear
