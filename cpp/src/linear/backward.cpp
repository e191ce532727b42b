// Theorem 40 (back substitution). At every moment a row holds floats a_B and c for which, for every assignment that the
// system admits over the row's box, target >= sum_B a_B . x_B + c holds in exact arithmetic. Replacing a block y by its
// definition keeps that, if c is lowered by at least what rounding moved:
//   affine y = W x + b + e: new coefficients fl(a_x + a W); (K + 2) u (1 + 2^-10) (|a_x| + |a||W|) bounds their error
//   (Theorem 39), times max |x| that is at most (K + 2) u (1 + 2^-10) (|a_x| . |x| + |a| . mass); values a . b likewise
//   with n terms; W known to within rho |W| adds rho |a| . mass;
//   relation y >= s x + t where a >= 0, y <= s' x + t' elsewhere: the same with one product per coefficient;
//   input: the row's least value over the box.
// Products may underflow, each by at most 2^-1075, which `tiny` charges. The masses are sums of non-negative numbers
// computed in any order, so they are at least (1 - (n + 2) u) of the exact ones: 2^-52 in place of u covers that.
// Whatever isn't finite makes the bound -inf. Proof: docs/soundness.md, "Back substitution".
#include "linear/backward.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/numeric/parallel.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "linear/pullback.hpp"

namespace gonogo::linear {

namespace {

using numeric::RowSums;

constexpr double infinity = std::numeric_limits<double>::infinity();

std::size_t at(std::int64_t i) {
    return static_cast<std::size_t>(i);
}

class Chunk final : public Pullback {
  public:
    Chunk(const System& system, std::span<const Query> queries) : Pullback(system, queries) {
        bound_.assign(queries.size(), 0.0);
    }

    void run(BlockId target, std::span<double> result) {
        Pullback::run(target);
        for (std::size_t r = 0; r < bound_.size(); ++r) result[r] = bound_[r] > -infinity ? bound_[r] : -infinity;
    }

  private:
    // c += value, lowered by `factor` times the mass and by what may underflow.
    void charge(std::int64_t r, RowSums sums, double factor, double tiny) {
        const double error = numeric::rigorous ? numeric::add_up(numeric::mul_up(sums.mass, factor), tiny) : 0.0;
        bound_[at(r)] = numeric::add_down(bound_[at(r)], numeric::sub_down(sums.value, error));
        if (!(bound_[at(r)] > -infinity)) bound_[at(r)] = -infinity;  // NaN stays nowhere
    }

    static RowSums dot(const Rows& rows, std::int64_t r, const double* below, const double* above,
                       const double* weight) {
        RowSums sums;
        rows.each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
            const RowSums part =
                numeric::select_dot(n, rows.row(r) + from, below + element, above + element, weight + element);
            sums.value += part.value;
            sums.mass += part.mass;
        });
        return sums;
    }

    // Factor on a mass for sums of at most `terms` products, and n values, of which 2^-53 each would be exact.
    static double factor(std::int64_t terms, std::int64_t n, double uncertainty) {
        return numeric::add_up(static_cast<double>(std::max(terms, n) + 16) * 0x1p-52, uncertainty);
    }
    static double underflow(std::int64_t terms, double sum) {
        return numeric::mul_up(static_cast<double>(terms + 2) * 0x1p-1074, numeric::add_up(sum, 1.0));
    }

    bool leave(BlockId b) override {
        switch (system().step(b).kind) {
            case Step::Kind::input:
            case Step::Kind::free:
                concretise(b);
                break;
            case Step::Kind::affine:
                affine(b);
                break;
            case Step::Kind::relation:
                relation(b);
                break;
            case Step::Kind::group:
                group(b);
        }
        return true;
    }

    void concretise(BlockId b) {
        const std::int64_t n = system().block(b).size();
        for (std::int64_t r = 0; r < count(); ++r) {
            const BlockState& x = state(r).block(b);
            charge(r, dot(rows(b), r, x.lo.data(), x.hi.data(), x.magnitude.data()), factor(0, n, 0.0),
                   underflow(n, x.sum));
        }
    }

    // What coefficients that are there already lose when something is added to them.
    void join(BlockId x) override {
        if (rows(x).empty()) return;
        for (std::int64_t r = 0; r < count(); ++r) {
            const BlockState& v = state(r).block(x);
            RowSums sums = dot(rows(x), r, v.magnitude.data(), v.magnitude.data(), v.magnitude.data());
            sums.value = 0.0;
            charge(r, sums, 0x1p-51, underflow(system().block(x).size(), v.sum));
        }
    }

    void affine(BlockId b) {
        const Step& step = system().step(b);
        const std::int64_t n = system().block(b).size();
        std::int64_t terms = 1;
        double uncertainty = 0.0;
        for (const AffineTerm& t : step.terms) {
            terms = std::max(terms, t.map->terms() + 2);
            uncertainty = std::max(uncertainty, t.map->uncertainty());
        }
        for (std::int64_t r = 0; r < count(); ++r) {
            const StepState& y = state(r).step(b);
            double sum = 0.0;
            for (const AffineTerm& t : step.terms) sum = numeric::add_up(sum, state(r).block(t.x).sum);
            charge(r, dot(rows(b), r, y.below.data(), y.above.data(), y.mass.data()), factor(terms, n, uncertainty),
                   underflow(terms + n, sum));
        }
    }

    void relation(BlockId b) {
        const Step& step = system().step(b);
        const std::int64_t n = system().block(b).size();
        for (std::int64_t r = 0; r < count(); ++r) {
            const StepState& y = state(r).step(b);
            double sum = 0.0;
            for (int k = 0; k < step.relation->inputs(); ++k)
                sum = numeric::add_up(sum, state(r).block(step.inputs[at(k)]).sum);
            charge(r, dot(rows(b), r, y.below.data(), y.above.data(), y.mass.data()), factor(2, n, 0.0),
                   underflow(n, sum));
        }
    }

    void group(BlockId b) {
        const Step& step = system().step(b);
        const std::int64_t n = system().block(b).size();
        for (std::int64_t r = 0; r < count(); ++r) {
            const StepState& y = state(r).step(b);
            double sum = 0.0;
            std::int64_t terms = 2;
            for (int k = 0; k < step.group->inputs(); ++k) {
                sum = numeric::add_up(sum, state(r).block(step.inputs[at(k)]).sum);
                terms += static_cast<std::int64_t>(step.group->reads(k).element.size());
            }
            charge(r, dot(rows(b), r, y.below.data(), y.above.data(), y.mass.data()), factor(n, n, 0.0),
                   underflow(terms, sum));
        }
    }

    std::vector<double> bound_;
};

}  // namespace

void lower_bounds(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result) {
    const std::int64_t rows = rows_at_once(system, target);
    const auto count = static_cast<std::int64_t>(queries.size());
    numeric::parallel_for(count, rows, [&](std::int64_t first, std::int64_t last) {
        const auto n = at(last - first);
        Chunk(system, queries.subspan(at(first), n)).run(target, result.subspan(at(first), n));
    });
}

}  // namespace gonogo::linear
