// Integer expressions in hyper-parameters. A model file gives constants only; an architecture function gives symbols.
// Expressions are immutable and shared; constants are folded as they are built.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gonogo {

enum class ExprKind : std::uint8_t;

class Expr {
  public:
    Expr() = default;
    Expr(std::int64_t value) : value_(value) {}  // NOLINT: an integer is an expression
    static Expr symbol(std::string name);

    bool is_constant() const { return node_ == nullptr; }
    // Value of a constant; throws ShapeError for an expression that holds a symbol.
    std::int64_t constant() const;

    std::string text() const;
    // Names of the symbols in it, each once, in alphabetical order.
    std::vector<std::string> symbols() const;

    friend Expr operator+(const Expr& a, const Expr& b);
    friend Expr operator-(const Expr& a, const Expr& b);
    friend Expr operator*(const Expr& a, const Expr& b);
    friend Expr floor_div(const Expr& a, const Expr& b);
    friend Expr ceil_div(const Expr& a, const Expr& b);
    friend Expr max(const Expr& a, const Expr& b);
    friend Expr min(const Expr& a, const Expr& b);
    // Conditions are integers, 0 or 1: `a * b` is "and", `1 - a` is "not", `max(a, b)` is "or".
    friend Expr less(const Expr& a, const Expr& b);
    friend Expr equal(const Expr& a, const Expr& b);
    // `a` where the condition is 1, `b` where it is 0.
    friend Expr select(const Expr& condition, const Expr& a, const Expr& b);

    // Whether both are built alike: then they are equal at every point. Otherwise they may or may not be.
    friend bool alike(const Expr& a, const Expr& b);

    struct Node;
    const Node* node() const { return node_.get(); }  // null for constants

  private:
    explicit Expr(std::shared_ptr<const Node> node) : node_(std::move(node)) {}
    static Expr make(ExprKind kind, const Expr& a, const Expr& b);
    static Expr make(ExprKind kind, const Expr& a, const Expr& b, const Expr& c);

    std::int64_t value_ = 0;            // used when node_ is null
    std::shared_ptr<const Node> node_;  // null for constants
};

inline Expr less_equal(const Expr& a, const Expr& b) {
    return Expr(1) - less(b, a);
}
inline Expr remainder(const Expr& a, const Expr& b) {
    return a - b * floor_div(a, b);
}

}  // namespace gonogo
