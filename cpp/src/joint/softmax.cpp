// Softmax of rows. What it depends on is differences of a row's elements, in which much of what their ranges say apart
// cancels: where rows are short these are hints with ranges of their own.
#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "gonogo/numeric/elementary.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "joint/functions.hpp"
#include "joint/pair_rules.hpp"
#include "ops/smooth.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::joint {

namespace {

using linear::GroupRelation;
using linear::Lines;
using linear::Ranges;
using Reads = GroupRelation::Reads;

Reads rows_of(std::int64_t rows, std::int64_t n) {
    Reads r;
    for (std::int64_t o = 0; o < rows * n; ++o) {
        r.begin.push_back(static_cast<std::int64_t>(r.element.size()));
        for (std::int64_t j = 0; j < n; ++j) r.element.push_back(o / n * n + j);
    }
    r.begin.push_back(static_cast<std::int64_t>(r.element.size()));
    return r;
}

// Upper bound on sum w_j e_j over weights in their ranges with sum w_j in `total`, for any number c: that sum is
// c sum w_j + sum w_j (e_j - c).
double weighted_above(std::span<const Interval> w, std::span<const double> e, Interval total, double c) {
    double sum = numeric::mul_up(c >= 0.0 ? total.hi : total.lo, c);
    for (std::size_t j = 0; j < w.size(); ++j) {
        const double rest = numeric::sub_up(e[j], c);
        sum = numeric::add_up(sum, numeric::mul_up(rest >= 0.0 ? w[j].hi : w[j].lo, rest));
    }
    return sum;
}

// The same with the best c: one of the e_j, down to which the weights can be filled up from the greatest on, or zero.
double weighted_above(std::span<const Interval> w, const std::vector<double>& e, Interval total) {
    std::vector<std::size_t> order(w.size());
    for (std::size_t j = 0; j < order.size(); ++j) order[j] = j;
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return e[a] > e[b]; });
    double room = total.hi;
    for (const Interval& v : w) room -= v.lo;
    double best = weighted_above(w, e, total, 0.0);
    for (const std::size_t j : order) {
        room -= w[j].hi - w[j].lo;
        if (room > 0.0 && j != order.back()) continue;
        best = std::min(best, weighted_above(w, e, total, e[j]));
        break;
    }
    return best;
}

// Encloses sum w_j e_j.
Interval weighted(std::span<const Interval> w, std::span<const Interval> e, Interval total) {
    std::vector<double> most, least;
    for (const Interval& v : e) most.push_back(v.hi), least.push_back(-v.lo);
    return {-weighted_above(w, least, total), weighted_above(w, most, total)};
}

// Inputs x, or r and d. Hints: for a pair softmax(r); then, where they are given, the differences of the last input.
// Bounded by its range alone.
class Softmax final : public GroupRelation {
  public:
    Softmax(RowsOfSoftmax rows, double beta, int inputs)
        : GroupRelation(std::vector<Reads>(at(inputs), rows_of(rows.count, rows.n))), rows_(rows), beta_(beta) {}

    void enclose(const Ranges& x, double* lo, double* hi) const override {
        const std::int64_t n = rows_.n;
        std::vector<double> p_lo(at(n)), p_hi(at(n));
        for (std::int64_t row = 0; row < rows_.count; ++row) {
            const auto span = [&](const double* v) { return std::span<const double>(v + row * n, at(n)); };
            if (inputs() == 1) softmax_row(span(x.lo[0]), span(x.hi[0]), beta_, 1, at(n), p_lo.data(), p_hi.data());
            for (std::int64_t i = 0; i < n; ++i) {
                const std::size_t o = at(row * n + i);
                Interval y{p_lo[at(i)], p_hi[at(i)]};
                if (inputs() == 2) {
                    y = n == 1 ? Interval::point(0.0) : pair(x, row, i);
                } else if (rows_.differences()) {
                    y = meet(y, probability(x, row, i));
                }
                lo[o] = std::max(lo[o], y.lo);
                hi[o] = std::min(hi[o], y.hi);
            }
        }
    }

    void relax(const Ranges& x, const double* const*, Lines& out) const override {
        for (int k = 0; k < inputs(); ++k) {
            std::fill_n(out.slope_below[k], reads(k).element.size(), 0.0);
            std::fill_n(out.slope_above[k], reads(k).element.size(), 0.0);
        }
        std::fill_n(out.below, at(rows_.count * rows_.n), -infinity);
        std::fill_n(out.above, at(rows_.count * rows_.n), infinity);
        enclose(x, out.below, out.above);
    }

    // dp_i / dx_j = beta p_i ([i = j] - p_j), at r + d and, where both are read, less the same at r.
    void tangents(const Ranges& x, Lines& out) const override {
        std::fill_n(out.below, at(rows_.count * rows_.n), 0.0);
        std::fill_n(out.above, at(rows_.count * rows_.n), 0.0);
        for (std::int64_t row = 0; row < rows_.count; ++row) {
            const std::vector<double> reference = probabilities(x, row, 1);
            const std::vector<double> device = inputs() == 2 ? probabilities(x, row, 2) : reference;
            for (std::size_t i = 0; i < at(rows_.n); ++i) {
                for (std::size_t j = 0; j < at(rows_.n); ++j) {
                    const auto slope = [&](const std::vector<double>& p) {
                        return beta_ * p[i] * ((i == j ? 1.0 : 0.0) - p[j]);
                    };
                    const std::size_t place = (at(row * rows_.n) + i) * at(rows_.n) + j;
                    const double first = inputs() == 2 ? slope(device) - slope(reference) : slope(reference);
                    out.slope_below[0][place] = out.slope_above[0][place] = first;
                    if (inputs() == 2) out.slope_below[1][place] = out.slope_above[1][place] = slope(device);
                }
            }
        }
    }

    std::vector<bool> loose(const Ranges&, int k) const override {
        return std::vector<bool>(at(rows_.count * (k < inputs() ? rows_.n : rows_.pairs())), true);
    }

  private:
    // x_i - x_j of the last input.
    Interval difference(const Ranges& x, std::int64_t row, std::int64_t i, std::int64_t j) const {
        const int k = inputs() - 1;
        const auto element = [&](std::int64_t e) {
            return Interval{x.lo[k][at(row * rows_.n + e)], x.hi[k][at(row * rows_.n + e)]};
        };
        const Interval apart = element(i) - element(j);
        if (!rows_.differences()) return apart;
        const int hint = inputs() == 2 ? 3 : 1;
        const std::size_t place = at(row * rows_.pairs() + rows_.place(std::min(i, j), std::max(i, j)));
        const Interval known{x.lo[hint][place], x.hi[hint][place]};
        return meet(apart, i < j ? known : -known);
    }
    // softmax_i(r + d) - softmax_i(r), from the shift of the odds as a whole, and from that of each.
    Interval pair(const Ranges& x, std::int64_t row, std::int64_t i) const {
        const auto p = [&](std::int64_t j) {
            return Interval{x.lo[2][at(row * rows_.n + j)], x.hi[2][at(row * rows_.n + j)]};
        };
        const Interval whole = softmax_pair(p(i), Interval::point(beta_) * shift(x, row, i));
        const Interval unit = Interval::hull(0.0, 1.0);
        std::vector<Interval> weights, gains;
        for (std::int64_t j = 0; j < rows_.n; ++j) {
            if (j == i) continue;
            weights.push_back(meet(p(j), unit));
            gains.push_back(Interval::point(1.0) - numeric::exp(Interval::point(-beta_) * difference(x, row, i, j)));
            if (!gains.back().is_bounded()) return whole;
        }
        const Interval total = meet(Interval::point(1.0) - p(i), unit);
        // At a point, where ranges are rounded numbers, they needn't meet.
        const Interval y = meet(whole, meet(p(i) + whole, unit) * weighted(weights, gains, total));
        return y.lo <= y.hi ? y : whole;
    }
    // All x_i - x_j, j != i.
    Interval shift(const Ranges& x, std::int64_t row, std::int64_t i) const {
        Interval all{infinity, -infinity};
        for (std::int64_t j = 0; j < rows_.n; ++j) {
            if (j == i) continue;
            const Interval one = difference(x, row, i, j);
            all = {std::min(all.lo, one.lo), std::max(all.hi, one.hi)};
        }
        return all;
    }
    // 1 / (1 + sum_j!=i e^(-beta (x_i - x_j)))
    Interval probability(const Ranges& x, std::int64_t row, std::int64_t i) const {
        const Interval one = Interval::point(1.0);
        Interval sum = one;
        for (std::int64_t j = 0; j < rows_.n; ++j)
            if (j != i) sum += numeric::exp(Interval::point(-beta_) * difference(x, row, i, j));
        return one / sum;
    }

    // About the softmax of one row, of the sum of the first `terms` inputs.
    std::vector<double> probabilities(const Ranges& x, std::int64_t row, int terms) const {
        std::vector<double> p(at(rows_.n), 0.0);
        for (std::size_t j = 0; j < at(rows_.n); ++j) {
            for (int k = 0; k < terms; ++k)
                p[j] += 0.5 * x.lo[k][at(row * rows_.n) + j] + 0.5 * x.hi[k][at(row * rows_.n) + j];
        }
        const double most = *std::max_element(p.begin(), p.end());
        double sum = 0.0;
        for (double& v : p) sum += v = std::exp(beta_ * (v - most));  // libm: slopes for the search
        for (double& v : p) v /= sum;
        return p;
    }

    RowsOfSoftmax rows_;
    double beta_;
};

}  // namespace

linear::MapPointer row_differences(const linear::Block& from, const RowsOfSoftmax& rows) {
    std::vector<linear::SparseEntry> entries;
    for (std::int64_t row = 0; row < rows.count; ++row) {
        for (std::int64_t i = 0; i < rows.n; ++i) {
            for (std::int64_t j = i + 1; j < rows.n; ++j) {
                const std::int64_t place = row * rows.pairs() + rows.place(i, j);
                entries.push_back({place, row * rows.n + i, 1.0});
                entries.push_back({place, row * rows.n + j, -1.0});
            }
        }
    }
    return linear::sparse_map(from, {rows.count, 1, rows.pairs()}, std::move(entries), 0.0);
}

linear::GroupPointer softmax_relation(RowsOfSoftmax rows, double beta) {
    return std::make_shared<Softmax>(rows, beta, 1);
}

linear::GroupPointer softmax_pair_relation(RowsOfSoftmax rows, double beta) {
    return std::make_shared<Softmax>(rows, beta, 2);
}

}  // namespace gonogo::joint
