// Rows of coefficients on their way back through a system: what bounds (backward.hpp) and slopes (gradient.hpp) share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "linear/backward.hpp"
#include "linear/rows.hpp"

namespace gonogo::linear {

// Replaces block after block by its linear bounds, from the target to the inputs. What is concluded from the rows, and
// what their rounding costs, is for those who derive from it.
class Pullback {
  public:
    Pullback(const System& system, std::span<const Query> queries);
    virtual ~Pullback() = default;
    // Multiplications so far.
    double work() const { return work_; }
    Pullback(const Pullback&) = delete;
    Pullback& operator=(const Pullback&) = delete;

  protected:
    void run(BlockId target);

    const System& system() const { return s_; }
    std::int64_t count() const { return static_cast<std::int64_t>(queries_.size()); }
    const Query& query(std::int64_t r) const { return queries_[static_cast<std::size_t>(r)]; }
    const BoxState& state(std::int64_t r) const { return *query(r).state; }
    const Rows& rows(BlockId b) const { return rows_[static_cast<std::size_t>(b)]; }

    // Nothing but the rows over block b is left to replace.
    bool alone(BlockId b) const;
    // These rows alone go on, in ascending order.
    void keep(std::span<const std::int64_t> rows);

    // The rows over block b are complete and about to be replaced; false: they end here.
    virtual bool leave(BlockId b) = 0;
    // The rows over block x, empty or not, are about to be added to: at most `terms` numbers to each coefficient.
    virtual void join(BlockId x, std::int64_t terms) = 0;
    // Row r takes multiplier * (element - limit) of a phase on block b: not more than nought where the phase holds.
    virtual void use(const Phase& phase, std::int64_t r, double coefficient, double multiplier);

  private:
    void use_phases(BlockId b);
    void affine(BlockId b);
    void relation(BlockId b);
    void group(BlockId b);

    const System& s_;
    std::vector<Query> queries_;
    std::vector<Rows> rows_;
    double work_ = 0.0;
};

// How many rows to carry at a time.
std::int64_t rows_at_once(const System& system, BlockId target);

}  // namespace gonogo::linear
