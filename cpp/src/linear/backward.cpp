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
// Where the row's assignments lie in half spaces x >= l or x <= l as well, it may take m (x - l) with any m of the sign
// that makes it no more than nought there (Theorem 59); the sum with a coefficient and m l are rounded once.
// Values and charges are added up in round-to-nearest; `lower_end` takes off what that may have lost.
// Whatever isn't finite makes the bound -inf. Proof: docs/soundness.md, "Back substitution".
#include "linear/backward.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>

#include "gonogo/numeric/parallel.hpp"
#include "gonogo/numeric/rounding.hpp"

#include "linear/pullback.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

using numeric::RowSums;

class Chunk final : public Pullback {
  public:
    Chunk(const System& system, std::span<const Query> queries)
        : Pullback(system, queries), rest_(queries.size()), inputs_(queries.size()), origin_(queries.size()) {
        std::iota(origin_.begin(), origin_.end(), std::size_t{0});
        ends_early_ = std::any_of(queries.begin(), queries.end(), [](const Query& q) { return q.enough < infinity; });
        find_first_rows();
    }

    void run(BlockId target, std::span<double> result, std::span<double> forms) {
        forms_ = forms;
        result_ = result;
        ends_early_ = ends_early_ && forms_.empty();
        Pullback::run(target);
        for (std::size_t r = 0; r < rest_.size(); ++r) {
            result_[origin_[r]] = lower_end(r);
            if (!forms_.empty()) forms_[(r + 1) * form_size() - 1] = lower_end(rest_[r]);
        }
    }

  private:
    // Sums in round-to-nearest: of values, of their magnitudes, and of what the values may be too large by.
    struct Total {
        double value = 0.0, size = 0.0, error = 0.0;

        void add(const Total& other) {
            value += other.value;
            size += other.size;
            error += other.error;
        }
    };
    double lower_end(std::size_t r) const {
        Total all = rest_[r];
        all.add(inputs_[r]);
        return lower_end(all);
    }
    double lower_end(const Total& t) const {
        const double adding = numeric::rigorous ? t.size * (charges_ * 0x1p-52) : 0.0;
        const double low = numeric::sub_down(t.value, (t.error + adding) * (1.0 + 0x1p-20));
        return t.size < infinity && low > -infinity ? low : -infinity;
    }

    // Runs of rows over one state.
    void find_first_rows() {
        first_rows_.clear();
        for (std::int64_t r = 0; r < count(); ++r) {
            if (r == 0 || &state(r) != &state(r - 1)) first_rows_.push_back(r);
        }
        first_rows_.push_back(count());
    }

    // What one state's rows over a block are summed up with.
    struct Terms {
        const double *below, *above, *weight;
        double factor, tiny;
    };
    enum class Share : std::uint8_t { values, errors_only, inputs };

    // Every row's value, to be lowered by `factor` times the mass and by what may underflow. `factor` is twice what the
    // theorem asks for, so products and sums may be rounded. Whatever overflowed, to either side, and factors that the
    // theorem isn't about prove nothing; NaN stays nowhere.
    template <class Make>
    void charge(BlockId b, Share share, Make&& make) {
        const Rows& rows = this->rows(b);
        const std::int64_t n = rows.row_size();
        charges_ += 1.0;
        std::vector<Total>& totals = share == Share::inputs ? inputs_ : rest_;
        for (std::size_t g = 0; g + 1 < first_rows_.size(); ++g) {
            const std::int64_t first = first_rows_[g];
            const std::int64_t last = first_rows_[g + 1];
            const Terms t = make(state(first));
            sums_.assign(at(last - first), {});
            if (rows.whole()) {
                numeric::select_dots(last - first, n, rows.row(first), n, t.below, t.above, t.weight, sums_.data());
            } else {
                for (std::int64_t r = first; r < last; ++r) sums_[at(r - first)] = dot(rows, r, t);
            }
            for (std::int64_t r = first; r < last; ++r) {
                const RowSums& sums = sums_[at(r - first)];
                Total& to = totals[at(r)];
                if (share != Share::errors_only) {
                    to.value += sums.value;
                    to.size += std::fabs(sums.value);
                }
                const bool sound = t.factor < 1.0 && sums.mass < infinity;
                if (numeric::rigorous) to.error += sums.mass * t.factor + t.tiny;
                if (!sound) to.size = infinity;
            }
        }
    }

    static RowSums dot(const Rows& rows, std::int64_t r, const Terms& t) {
        RowSums sums;
        rows.each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
            const RowSums part =
                numeric::select_dot(n, rows.row(r) + from, t.below + element, t.above + element, t.weight + element);
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
            if (query(r).rows != nullptr) keep_row(b, r);
        }
        const bool relates = system().step(b).relation != nullptr || system().step(b).group != nullptr;
        if (ends_early_ && relates && alone(b)) end_rows(b);
        if (count() == 0) return false;
        switch (system().step(b).kind) {
            case Step::Kind::input:
                keep_forms(b);
                concretise(b, Share::inputs);
                break;
            case Step::Kind::free:
                concretise(b, Share::values);
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

    // Rows that are high enough with what is left of them bounded over the block's ranges end here.
    void end_rows(BlockId b) {
        const std::vector<Total> so_far = rest_;
        const double charges = charges_;
        concretise(b, Share::values);
        std::vector<std::int64_t> left;
        for (std::int64_t r = 0; r < count(); ++r) {
            const double low = lower_end(at(r));
            if (low >= query(r).enough) {
                result_[origin_[at(r)]] = low;
            } else {
                left.push_back(r);
            }
        }
        rest_ = so_far;
        charges_ = charges;
        if (std::ssize(left) == count()) return;
        keep(left);
        for (std::size_t i = 0; i < left.size(); ++i) {
            rest_[i] = rest_[at(left[i])];
            inputs_[i] = inputs_[at(left[i])];
            origin_[i] = origin_[at(left[i])];
        }
        rest_.resize(left.size());
        inputs_.resize(left.size());
        find_first_rows();
    }

    void keep_row(BlockId b, std::int64_t r) const {
        std::vector<double>& to = (*query(r).rows)[at(b)];
        to.assign(at(system().block(b).size()), 0.0);
        rows(b).each_run(r, [&](std::int64_t from, std::int64_t element, std::int64_t n) {
            std::copy_n(rows(b).row(r) + from, n, to.begin() + element);
        });
    }

    void concretise(BlockId b, Share share) {
        const std::int64_t n = system().block(b).size();
        charge(b, share, [&](const BoxState& state) {
            const BlockState& x = state.block(b);
            return Terms{x.lo.data(), x.hi.data(), x.magnitude.data(), factor(0, n, 0.0), underflow(n, x.sum)};
        });
    }

    std::size_t form_size() const { return forms_.size() / rest_.size(); }

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
        charge(x, Share::errors_only, [&](const BoxState& state) {
            const BlockState& v = state.block(x);
            const double* m = v.magnitude.data();
            return Terms{m, m, m, factor(terms, 0, 0.0), underflow(system().block(x).size(), v.sum)};
        });
    }

    // The new coefficient and the constant are rounded once each, and may underflow.
    void use(const Phase& phase, std::int64_t r, double coefficient, double multiplier) override {
        const double magnitude = state(r).block(phase.block).magnitude[at(phase.element)];
        const double product = multiplier * phase.limit;
        Total& to = rest_[at(r)];
        to.value -= product;
        to.size += std::fabs(product);
        charges_ += 1.0;
        const double moved = (std::fabs(coefficient) + std::fabs(multiplier)) * magnitude + std::fabs(product);
        if (numeric::rigorous) to.error += moved * 0x1p-51 + underflow(1, magnitude);
        if (!(moved < infinity)) to.size = infinity;
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
        charge(b, Share::values, [&](const BoxState& state) {
            double sum = 0.0;
            for (const AffineTerm& t : step.terms) sum = numeric::add_up(sum, state.block(t.x).sum);
            return lines(state.step(b), factor(terms, n, uncertainty), underflow(terms + n, sum));
        });
    }

    // What a row loses where the bounds of a relation lie apart, in the middle of its inputs' ranges.
    void add_losses(BlockId b, std::int64_t r) const {
        const Step& step = system().step(b);
        const StepState& y = state(r).step(b);
        std::vector<double>& losses = (*query(r).losses)[at(b)];
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
            if (query(r).losses != nullptr) add_losses(b, r);
        }
        charge(b, Share::values, [&](const BoxState& state) {
            double sum = 0.0;
            for (int k = 0; k < step.relation->inputs(); ++k)
                sum = numeric::add_up(sum, state.block(step.inputs[at(k)]).sum);
            return lines(state.step(b), factor(2, n, 0.0), underflow(n, sum));
        });
    }

    void group(BlockId b) {
        const Step& step = system().step(b);
        const std::int64_t n = system().block(b).size();
        charge(b, Share::values, [&](const BoxState& state) {
            double sum = 0.0;
            std::int64_t terms = 2;
            for (int k = 0; k < step.group->inputs(); ++k) {
                sum = numeric::add_up(sum, state.block(step.inputs[at(k)]).sum);
                terms += static_cast<std::int64_t>(step.group->reads(k).element.size());
            }
            return lines(state.step(b), factor(n, n, 0.0), underflow(terms, sum));
        });
    }
    static Terms lines(const StepState& y, double factor, double tiny) {
        return {y.below.data(), y.above.data(), y.mass.data(), factor, tiny};
    }

    std::vector<std::int64_t> first_rows_;  // of each run of rows over one state
    std::vector<Total> rest_, inputs_;      // what isn't an input's share, and what is
    std::vector<std::size_t> origin_;       // the rows' queries
    bool ends_early_ = false;
    std::span<double> result_;
    std::vector<RowSums> sums_;
    double charges_ = 0.0;  // of each row
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
