// Linear maps between blocks, the same for every box: what affine steps are made of. A map knows how to enclose its
// image of a box, how to bound the mass |W| x, and how to pull rows of coefficients back through itself.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/numeric/back_substitution.hpp"

#include "linear/rows.hpp"
#include "ops/affine.hpp"

namespace gonogo::linear {

class Map {
  public:
    Map(Block in, Block out) : in_(in), out_(out) {}
    virtual ~Map() = default;
    Map(const Map&) = delete;
    Map& operator=(const Map&) = delete;

    const Block& in() const { return in_; }
    const Block& out() const { return out_; }

    // Encloses W x for every x in [lo, hi] and every admitted W.
    virtual void enclose(const double* lo, const double* hi, double* out_lo, double* out_hi) const = 0;
    // An upper bound on sum_j |W_ij| x_j for x >= 0.
    virtual void mass(const double* x, double* out) const = 0;
    // to += from W, with the matrix W of numbers; from is over out(), to over in(). Every coefficient of `to` is a sum
    // of at most terms() products added to what was there.
    virtual void pull(const Rows& from, Rows& to) const = 0;
    virtual std::int64_t terms() const = 0;
    // Multiplications that pulling one pixel of out() takes.
    virtual std::int64_t work() const = 0;
    // Admitted matrices W' have |W' - W| <= uncertainty() |W|.
    virtual double uncertainty() const { return 0.0; }

  private:
    Block in_, out_;
};

using MapPointer = std::shared_ptr<const Map>;

// A convolution, dense layer or depthwise convolution without its bias. The map's window must be in the order height,
// width, channels (channels_first false), batch 1, whatever the graph's layout.
MapPointer window_map(AffineMap map);

// y_i = scale_i x_i, or sign * x_i for all i. Scales are exact, or known up to `uncertainty`.
MapPointer diagonal_map(const Block& block, double sign);
MapPointer diagonal_map(const Block& block, std::vector<double> scales, double uncertainty);

// Output o is the sum of its entries' weight times element; outputs without an entry are zero.
struct SparseEntry {
    std::int64_t output, element;
    double weight;
};
MapPointer sparse_map(const Block& in, const Block& out, std::vector<SparseEntry> entries, double uncertainty);

}  // namespace gonogo::linear
