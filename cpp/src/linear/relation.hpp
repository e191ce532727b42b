// Element-wise relations between blocks: y_i is a function (or a set-valued one) of the i-th elements of its inputs.
// A relation encloses y over ranges of the inputs, and gives linear bounds on it there.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

#include "ops/common.hpp"

namespace gonogo::linear {

inline constexpr int most_inputs = 4;

// Ranges of the inputs of a relation, then of its hints: variables that its inputs determine, and whose ranges may be
// sharper than what the inputs' ranges imply.
struct Ranges {
    const double* lo[most_inputs] = {};
    const double* hi[most_inputs] = {};
    const double* noise[most_inputs] = {};  // bound on what is added to the input, either sign; null: nothing
};

// Bounds on element i: sum_k slope_below[k][i] x_k + below[i] <= y <= sum_k slope_above[k][i] x_k + above[i] for all
// inputs in their ranges. Slopes are finite.
struct Lines {
    double* slope_below[most_inputs] = {};
    double* slope_above[most_inputs] = {};
    double* below = nullptr;
    double* above = nullptr;
};

class Relation {
  public:
    Relation(int inputs, int hints) : inputs_(inputs), hints_(hints) {}
    virtual ~Relation() = default;
    Relation(const Relation&) = delete;
    Relation& operator=(const Relation&) = delete;

    int inputs() const { return inputs_; }
    int hints() const { return hints_; }

    // Intersects [lo, hi] with an enclosure of y_i for elements first <= i < last.
    virtual void enclose(const Ranges& x, std::int64_t first, std::int64_t last, double* lo, double* hi) const = 0;
    // Linear bounds for the same elements. `points`, if given, has one array per input: where the bounds should be
    // sharpest; else the middle of the ranges. Any choice of slopes is sound; intercepts are rounded outward.
    virtual void relax(const Ranges& x, std::int64_t first, std::int64_t last, const double* const* points,
                       Lines& out) const = 0;
    // Whether a narrower range of input or hint k could improve the bounds on y_i; false where y_i is linear.
    virtual bool loose(const Ranges& x, std::int64_t i, int k) const = 0;
    // A number inside the range of input or hint k on either side of which y_i is nearer to a straight line: where it
    // bends, or the middle. NaN: there is none.
    virtual double bend(const Ranges&, std::int64_t, int) const { return std::numeric_limits<double>::quiet_NaN(); }
    // The number inside the range of a loose input that matters: once the range lies on one side of it y_i is linear.
    // NaN: there is none, or there are several.
    virtual double limit(const Ranges&, std::int64_t, int) const { return std::numeric_limits<double>::quiet_NaN(); }

  private:
    int inputs_, hints_;
};

using RelationPointer = std::shared_ptr<const Relation>;

// The same where an output depends on several elements of each input: the maximum over a window, softmax. Slopes are
// given for the elements that `reads` lists, in that order.
class GroupRelation {
  public:
    // Output o reads element[begin[o]] ... element[begin[o + 1] - 1] of the input.
    struct Reads {
        std::vector<std::int64_t> begin, element;
    };

    explicit GroupRelation(std::vector<Reads> reads) : reads_(std::move(reads)) {}
    virtual ~GroupRelation() = default;
    GroupRelation(const GroupRelation&) = delete;
    GroupRelation& operator=(const GroupRelation&) = delete;

    int inputs() const { return static_cast<int>(reads_.size()); }
    const Reads& reads(int k) const { return reads_[static_cast<std::size_t>(k)]; }

    virtual void enclose(const Ranges& x, double* lo, double* hi) const = 0;
    virtual void relax(const Ranges& x, const double* const* points, Lines& out) const = 0;
    // Slopes near a point, for ranges around it, both below and above. No bound is made of them: a relation whose
    // linear bounds don't follow its inputs gives its derivative here.
    virtual void tangents(const Ranges& x, Lines& out) const { relax(x, nullptr, out); }
    // Elements of input k whose narrower range could improve the bounds.
    virtual std::vector<bool> loose(const Ranges& x, int k) const = 0;

  private:
    std::vector<Reads> reads_;
};

using GroupPointer = std::shared_ptr<const GroupRelation>;

// The middle of a range; NaN: nothing lies between its ends.
double halfway(double l, double u);
// The limit of a clamp that lies deepest inside a range; NaN: neither does.
double bend_inside(double l, double u, RealClamp c);

// y = clamp(x)
RelationPointer clamp_relation(RealClamp clamp);
// Inputs r, d; hint v = r + d + e, e the noise of d: y = phi(v) - psi(r).
RelationPointer clamp_pair_relation(RealClamp phi, RealClamp psi);

}  // namespace gonogo::linear
