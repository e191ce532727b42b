// Theorem 40 (back substitution). At every moment a row holds floats a_B and c for which, for every assignment that the
// system admits over the row's box, target >= sum_B a_B . x_B + c holds in exact arithmetic. Replacing a block y by its
// definition keeps that, if c is lowered by at least what rounding moved:
//   affine y = W x + b + e: new coefficients fl(a_x + a W), sums of K products and of what was there before, so with
//   p = K + 1 their errors are at most p u (1 + 2^-10) (|a_x| + |a||W|) (Theorem 39); times max |x| that is at most
//   p u (1 + 2^-10) (|a_x| . |x| + |a| . mass). `join` takes the first part, before anything is added, and `affine`
//   the second, with the values a . b, sums of n terms; W known to within rho |W| adds rho |a| . mass;
//   relation y >= s x + t where a >= 0, y <= s' x + t' elsewhere: the same with one product per coefficient;
//   input: the row's least value over the box.
// Products may underflow, each by at most 2^-1075, which `tiny` charges. The masses are sums of non-negative numbers
// computed in any order, Theorem 39 (b): 2^-52 in place of u covers that and the 2^-10.
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
    Chunk(const System& system, std::span<const Query> queries)
        : Pullback(system, queries), queries_(queries), bound_(queries.size(), 0.0), constant_(bound_) {}

    void run(BlockId target, std::span<double> result, std::span<double> forms) {
        forms_ = forms;
        Pullback::run(target);
        for (std::size_t r = 0; r < bound_.size(); ++r) {
            result[r] = bound_[r] > -infinity ? bound_[r] : -infinity;
            if (!forms_.empty())
                forms_[(r + 1) * form_size() - 1] = constant_[r] > -infinity ? constant_[r] : -infinity;
        }
    }

  private:
    // c += value, lowered by `factor` times the mass and by what may underflow. `factor` is twice what the theorem asks
    // for, so the product and the sum may be rounded. Whatever overflowed, to either side, and factors that the theorem
    // isn't about prove nothing; NaN stays nowhere.
    // `rest`: not an input's own share, so part of the form's constant too.
    void charge(std::int64_t r, RowSums sums, double factor, double tiny, bool rest = true) {
        const double error = numeric::rigorous ? sums.mass * factor + tiny : 0.0;
        const double change = numeric::sub_down(sums.value, error);
        const bool sound = factor < 1.0 && std::fabs(sums.value) < infinity && sums.mass < infinity;
        const auto add = [&](double& to) {
            to = numeric::add_down(to, change);
            if (!sound || !(to > -infinity)) to = -infinity;
        };
        add(bound_[at(r)]);
        if (rest) add(constant_[at(r)]);
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

    // Factor on a mass for coefficients that are sums of at most `terms` numbers, and a sum of n values. Twice what
    // Theorem 39 asks for, which leaves room for its 1 + 2^-10, for what the mass itself lost, and for rounding here.
    static double factor(std::int64_t terms, std::int64_t n, double uncertainty) {
        return static_cast<double>(terms + n + 20) * 0x1p-52 + uncertainty * (1.0 + 0x1p-12);
    }
    // Far more than 2 terms 2^-1074 (sum + 1), and quick, since nothing in it is subnormal: at most `terms` products in
    // every coefficient, of variables whose magnitudes have that sum, and `terms` values.
    static double underflow(std::int64_t terms, double sum) {
        return static_cast<double>(2 * terms + 4) * (sum + 1.0) * 0x1p-1021;
    }

    bool leave(BlockId b) override {
        for (std::int64_t r = 0; r < count(); ++r) {
            if (queries_[at(r)].rows != nullptr) keep_row(b, r);
        }
        switch (system().step(b).kind) {
            case Step::Kind::input:
                keep_forms(b);
                concretise(b, false);
                break;
            case Step::Kind::free:
                concretise(b, true);
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

    void keep_row(BlockId b, std::int64_t r) const {
        std::vector<double>& to = (*queries_[at(r)].rows)[at(b)];
        to.assign(at(system().block(b).size()), 0.0);
        rows(b).each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
            std::copy_n(rows(b).row(r) + from, n, to.begin() + element);
        });
    }

    void concretise(BlockId b, bool rest) {
        const std::int64_t n = system().block(b).size();
        for (std::int64_t r = 0; r < count(); ++r) {
            const BlockState& x = state(r).block(b);
            charge(r, dot(rows(b), r, x.lo.data(), x.hi.data(), x.magnitude.data()), factor(0, n, 0.0),
                   underflow(n, x.sum), rest);
        }
    }

    std::size_t form_size() const { return forms_.size() / bound_.size(); }

    void keep_forms(BlockId b) {
        if (forms_.empty()) return;
        std::int64_t before = 0;
        for (BlockId i = 0; i < b; ++i)
            before += system().step(i).kind == Step::Kind::input ? system().block(i).size() : 0;
        const auto all = static_cast<std::int64_t>(form_size());
        for (std::int64_t r = 0; r < count(); ++r) {
            rows(b).each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
                std::copy_n(rows(b).row(r) + from, n, forms_.data() + r * all + before + element);
            });
        }
    }

    // What coefficients that are there already lose when `terms` numbers are added to each: they meet every addition.
    void join(BlockId x, std::int64_t terms) override {
        if (rows(x).empty()) return;
        for (std::int64_t r = 0; r < count(); ++r) {
            const BlockState& v = state(r).block(x);
            RowSums sums = dot(rows(x), r, v.magnitude.data(), v.magnitude.data(), v.magnitude.data());
            sums.value = 0.0;
            charge(r, sums, factor(terms, 0, 0.0), underflow(system().block(x).size(), v.sum));
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

    // What a row loses where the bounds of a relation lie apart, in the middle of its inputs' ranges.
    void add_losses(BlockId b, std::int64_t r) const {
        const Step& step = system().step(b);
        const StepState& y = state(r).step(b);
        std::vector<double>& losses = (*queries_[at(r)].losses)[at(b)];
        losses.resize(at(system().block(b).size()), 0.0);
        rows(b).each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
            const double* a = rows(b).row(r) + from;
            for (std::int64_t i = 0; i < n; ++i) {
                const std::size_t e = at(element + i);
                double apart = y.above[e] - y.below[e];
                for (int k = 0; k < step.relation->inputs(); ++k) {
                    const BlockState& x = state(r).block(step.inputs[at(k)]);
                    apart += (y.slope_above[k][e] - y.slope_below[k][e]) * (0.5 * x.lo[e] + 0.5 * x.hi[e]);
                }
                if (apart > 0.0) losses[e] += std::fabs(a[i]) * apart;
            }
        });
    }

    void relation(BlockId b) {
        const Step& step = system().step(b);
        const std::int64_t n = system().block(b).size();
        for (std::int64_t r = 0; r < count(); ++r) {
            if (queries_[at(r)].losses != nullptr) add_losses(b, r);
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

    std::span<const Query> queries_;
    std::vector<double> bound_, constant_;
    std::span<double> forms_;
};

}  // namespace

std::int64_t input_count(const System& system) {
    std::int64_t n = 0;
    for (std::size_t b = 0; b < system.blocks.size(); ++b)
        n += system.steps[b].kind == Step::Kind::input ? system.blocks[b].size() : 0;
    return n;
}

double lower_bounds(const System& system, BlockId target, std::span<const Query> queries, std::span<double> result,
                    std::span<double> forms) {
    const std::int64_t rows = rows_at_once(system, target);
    const auto count = static_cast<std::int64_t>(queries.size());
    const std::int64_t form = count == 0 ? 0 : static_cast<std::int64_t>(forms.size()) / count;
    std::vector<double> work(at(count / rows + 1), 0.0);
    numeric::parallel_for(count, rows, [&](std::int64_t first, std::int64_t last) {
        const auto n = at(last - first);
        Chunk chunk(system, queries.subspan(at(first), n));
        chunk.run(target, result.subspan(at(first), n), forms.subspan(at(first * form), n * at(form)));
        work[at(first / rows)] = chunk.work();
    });
    double sum = 0.0;
    for (const double w : work) sum += w;
    return sum;
}

}  // namespace gonogo::linear
