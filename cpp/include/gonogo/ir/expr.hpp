// Integer expressions in hyper-parameters. A model file gives constants only; an architecture function gives symbols.
// Expressions are immutable and shared; constants are folded as they are built.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>

namespace gonogo {

// Closed integer range; lo <= hi.
struct IntegerRange {
    std::int64_t lo = 0;
    std::int64_t hi = 0;
};

class Expr {
  public:
    Expr() = default;
    Expr(std::int64_t value) : value_(value) {}  // NOLINT: an integer is an expression
    static Expr symbol(std::string name);

    bool is_constant() const { return node_ == nullptr; }
    // Value of a constant; throws ShapeError for an expression that holds a symbol.
    std::int64_t constant() const;

    // Value at a point. Throws ShapeError for an unknown symbol, a division by zero or an overflow of int64.
    std::int64_t evaluate(const std::map<std::string, std::int64_t>& point) const;
    // A range that contains every value over the box. Tight for expressions in which each symbol occurs once and
    // operations are monotone; never too small. Throws as evaluate().
    IntegerRange evaluate(const std::map<std::string, IntegerRange>& box) const;

    std::string text() const;

    friend Expr operator+(const Expr& a, const Expr& b);
    friend Expr operator-(const Expr& a, const Expr& b);
    friend Expr operator*(const Expr& a, const Expr& b);
    friend Expr floor_div(const Expr& a, const Expr& b);
    friend Expr ceil_div(const Expr& a, const Expr& b);
    friend Expr max(const Expr& a, const Expr& b);
    friend Expr min(const Expr& a, const Expr& b);

    struct Node;

  private:
    explicit Expr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
    static Expr make(int kind, const Expr& a, const Expr& b);

    std::int64_t value_ = 0;            // used when node_ is null
    std::shared_ptr<const Node> node_;  // null for constants
};

}  // namespace gonogo
