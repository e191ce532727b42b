// Holds what a kernel answers on points [x, x] against the oracle.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "oracle.hpp"

namespace deep {

// Enclosures of f over [lo[i], hi[i]].
using Kernel = void (*)(Name f, const double* lo, const double* hi, double* out_lo, double* out_hi, std::int64_t count);

// Distance of an end from the true value, in units in the last place of the value, and where.
struct Greatest {
    double ulp = 0.0;
    double x = 0.0;
    void see(double candidate, double at) {
        if (candidate > ulp) {
            ulp = candidate;
            x = at;
        }
    }
};

struct Tally {
    std::int64_t points = 0;    // checked
    std::int64_t outside = 0;   // no real value: not checked
    std::int64_t direct = 0;    // decided by a call of MPFR for this very point
    std::int64_t whole = 0;     // sin, cos: the answer was [-1, 1] or more
    std::int64_t series = 0;    // Taylor polynomials used
    std::int64_t failures = 0;  // not enclosed
    Greatest low, high, width;
    void add(const Tally& other);
};

// What came out of comparing a block: whether a point is left undecided, and the greatest distances in ulp.
struct Judgement {
    bool pending;
    double low, high, width;
};

class Checker {
  public:
    static constexpr int capacity = 4096;

    Checker(Name f, Kernel kernel);

    // x[0..n) ascending or descending in size, one sign, finite, n <= capacity. float_steps: consecutive binary32
    // numbers of one binade.
    void check(const double* x, int n, bool float_steps);

    const Tally& tally() const { return tally_; }
    Oracle& oracle() { return oracle_; }

  private:
    void block(int first, int last);
    bool neighbour_block(int first, int last);
    bool constant_block(int first, int last);
    bool flat(int first, int last) const;
    void phase_block(int first, int last);
    void judge(int first, int last, double error);
    void judge_tight(int first, int last, const double* down, const double* up, const double* value);
    bool is_record(const Judgement& j) const;
    void direct(int i);
    void see(long double y, int i);

    Name f_;
    Kernel kernel_;
    Oracle oracle_;
    Tally tally_;
    std::vector<Series> table_;  // of the sine, 4096 entries, when first needed
    const double* x_ = nullptr;
    std::array<double, capacity> low_, high_, value_, rest_, down_, up_;
    std::array<double, 2 * capacity> turn_;  // of phase_block: t = turn_[2 i] + turn_[2 i + 1]
    std::array<std::int32_t, capacity> index_;
    std::array<std::uint8_t, capacity> pending_;
};

// The inner loops (evaluate.cpp), one copy per instruction set.
//
// value[i] + rest[i] is within s.error of f(x[i]) for the x[i] that s was made for.
void evaluate(const Series& s, double c, const double* x, int n, double* value, double* rest);
// The sine of (index / 4096 + t) turns, t = turn[2 i] + turn[2 i + 1]; see phase_block.
void evaluate_turns(const Series* table, const std::int32_t* index, const double* turn, int n, double* value,
                    double* rest);
// pending[i]: not certain that low[i] <= value + rest <= high[i] with `error` to spare.
Judgement judge_ends(const double* low, const double* high, const double* value, const double* rest, double error,
                     int n, std::uint8_t* pending);
// The same where the closest bounds are known.
Judgement judge_tight_ends(const double* low, const double* high, const double* down, const double* up,
                           const double* value, int n, std::uint8_t* pending);

}  // namespace deep
