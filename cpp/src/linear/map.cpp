#include "linear/map.hpp"

#include <algorithm>
#include <cmath>

#include "gonogo/numeric/interval.hpp"

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

using numeric::Interval;

class Diagonal final : public Map {
  public:
    Diagonal(const Block& block, std::vector<double> scales, double sign, double uncertainty)
        : Map(block, block), scales_(std::move(scales)), sign_(sign), uncertainty_(uncertainty) {}

    double scale(std::int64_t i) const { return scales_.empty() ? sign_ : scales_[at(i)]; }

    void enclose(const double* lo, const double* hi, double* out_lo, double* out_hi) const override {
        if (scales_.empty() && (sign_ == 1.0 || sign_ == -1.0)) {
            for (std::int64_t i = 0; i < in().size(); ++i) {
                out_lo[i] = sign_ > 0.0 ? lo[i] : -hi[i];
                out_hi[i] = sign_ > 0.0 ? hi[i] : -lo[i];
            }
            return;
        }
        for (std::int64_t i = 0; i < in().size(); ++i) {
            const double s = scale(i);
            const double slack = numeric::mul_up(uncertainty_, std::fabs(s));
            const Interval y =
                (slack == 0.0 ? Interval::point(s) : Interval{numeric::sub_down(s, slack), numeric::add_up(s, slack)}) *
                Interval{lo[i], hi[i]};
            out_lo[i] = y.lo;
            out_hi[i] = y.hi;
        }
    }

    void mass(const double* x, double* out) const override {
        for (std::int64_t i = 0; i < in().size(); ++i) out[i] = numeric::mul_up(std::fabs(scale(i)), x[i]);
    }

    void pull(const Rows& from, Rows& to) const override {
        to.cover(in(), from.count(), from.height(), from.width(), from.tops(), from.lefts());
        const bool aligned = to.height() == from.height() && to.width() == from.width();
        const std::int64_t c = in().channels;
        for (std::int64_t r = 0; r < from.count(); ++r) {
            from.each_run(r, [&](std::int64_t source, std::int64_t element, std::int64_t n) {
                // A run of a whole block is contiguous in `to` only when that is whole too.
                double* out =
                    aligned ? to.row(r) + source
                            : to.pixel(r, element / c / in().width - to.top(r), element / c % in().width - to.left(r));
                const double* a = from.row(r) + source;
                for (std::int64_t i = 0; i < n; ++i) out[i] += a[i] * scale(element + i);
            });
        }
    }

    std::int64_t terms() const override { return 1; }
    std::int64_t work() const override { return out().channels; }
    double uncertainty() const override { return uncertainty_; }

  private:
    std::vector<double> scales_;
    double sign_, uncertainty_;
};

class Sparse final : public Map {
  public:
    Sparse(const Block& in, const Block& out, std::vector<SparseEntry> entries, double uncertainty)
        : Map(in, out), entries_(std::move(entries)), uncertainty_(uncertainty) {
        std::vector<std::int64_t> uses(at(in.size()), 0);
        for (const SparseEntry& e : entries_) terms_ = std::max(terms_, ++uses[at(e.element)]);
    }

    void enclose(const double* lo, const double* hi, double* out_lo, double* out_hi) const override {
        std::fill(out_lo, out_lo + out().size(), 0.0);
        std::fill(out_hi, out_hi + out().size(), 0.0);
        for (const SparseEntry& e : entries_) {
            const double slack = numeric::mul_up(uncertainty_, std::fabs(e.weight));
            const Interval w = slack == 0.0
                                   ? Interval::point(e.weight)
                                   : Interval{numeric::sub_down(e.weight, slack), numeric::add_up(e.weight, slack)};
            const Interval y =
                Interval{out_lo[e.output], out_hi[e.output]} + w * Interval{lo[e.element], hi[e.element]};
            out_lo[e.output] = y.lo;
            out_hi[e.output] = y.hi;
        }
    }

    void mass(const double* x, double* out) const override {
        std::fill(out, out + this->out().size(), 0.0);
        for (const SparseEntry& e : entries_)
            out[e.output] = numeric::add_up(out[e.output], numeric::mul_up(std::fabs(e.weight), x[e.element]));
    }

    void pull(const Rows& from, Rows& to) const override {
        Rows wide;
        const Rows* source = &from;
        if (!from.whole()) {
            wide = from;
            wide.widen();
            source = &wide;
        }
        to.cover(in(), from.count(), in().height, in().width, {}, {});
        for (std::int64_t r = 0; r < from.count(); ++r) {
            const double* a = source->row(r);
            double* out = to.row(r);
            for (const SparseEntry& e : entries_) out[e.element] += a[e.output] * e.weight;
        }
    }

    std::int64_t terms() const override { return terms_; }
    std::int64_t work() const override {
        return static_cast<std::int64_t>(entries_.size()) / std::max<std::int64_t>(1, out().height * out().width) + 1;
    }
    double uncertainty() const override { return uncertainty_; }

  private:
    std::vector<SparseEntry> entries_;
    double uncertainty_;
    std::int64_t terms_ = 1;
};

}  // namespace

MapPointer diagonal_map(const Block& block, double sign) {
    return std::make_shared<Diagonal>(block, std::vector<double>{}, sign, 0.0);
}

MapPointer diagonal_map(const Block& block, std::vector<double> scales, double uncertainty) {
    return std::make_shared<Diagonal>(block, std::move(scales), 1.0, uncertainty);
}

MapPointer sparse_map(const Block& in, const Block& out, std::vector<SparseEntry> entries, double uncertainty) {
    return std::make_shared<Sparse>(in, out, std::move(entries), uncertainty);
}

}  // namespace gonogo::linear
