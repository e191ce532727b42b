#include "gonogo/ir/expr.hpp"

#include <algorithm>
#include <limits>
#include <set>
#include <unordered_set>
#include <utility>

#include "gonogo/error.hpp"

#include "ir/expr_node.hpp"

namespace gonogo {

namespace {

[[noreturn]] void overflow() {
    throw ShapeError("an integer expression leaves the range of 64-bit integers");
}

std::int64_t floor_quotient(std::int64_t a, std::int64_t b) {
    if (b == 0) throw ShapeError("an integer expression divides by zero");
    if (b == -1 && a == std::numeric_limits<std::int64_t>::min()) overflow();
    const std::int64_t q = a / b;
    return (a % b != 0 && ((a < 0) != (b < 0))) ? q - 1 : q;
}

std::int64_t ceil_quotient(std::int64_t a, std::int64_t b) {
    const std::int64_t q = floor_quotient(a, b);
    return q * b == a ? q : q + 1;
}

std::int64_t apply(ExprKind kind, std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    switch (kind) {
        case ExprKind::add:
            if (__builtin_add_overflow(a, b, &r)) overflow();
            return r;
        case ExprKind::sub:
            if (__builtin_sub_overflow(a, b, &r)) overflow();
            return r;
        case ExprKind::mul:
            if (__builtin_mul_overflow(a, b, &r)) overflow();
            return r;
        case ExprKind::floor_div:
            return floor_quotient(a, b);
        case ExprKind::ceil_div:
            return ceil_quotient(a, b);
        case ExprKind::max:
            return std::max(a, b);
        case ExprKind::less:
            return a < b ? 1 : 0;
        case ExprKind::equal:
            return a == b ? 1 : 0;
        default:
            return std::min(a, b);
    }
}

}  // namespace

Expr Expr::symbol(std::string name) {
    auto node = std::make_shared<Node>();
    node->name = std::move(name);
    return Expr(std::shared_ptr<const Node>(std::move(node)));
}

Expr Expr::make(ExprKind kind, const Expr& a, const Expr& b) {
    if (a.is_constant() && b.is_constant()) return apply(kind, a.value_, b.value_);
    return make(kind, a, b, {});
}

Expr Expr::make(ExprKind kind, const Expr& a, const Expr& b, const Expr& c) {
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->a = a;
    node->b = b;
    node->c = c;
    return Expr(std::shared_ptr<const Node>(std::move(node)));
}

std::int64_t Expr::constant() const {
    if (!is_constant()) throw ShapeError("expression " + text() + " isn't a constant: give its symbols values first");
    return value_;
}

std::vector<std::string> Expr::symbols() const {
    std::set<std::string> names;
    std::unordered_set<const Node*> seen;
    std::vector<const Node*> open = {node()};
    while (!open.empty()) {
        const Node* node = open.back();
        open.pop_back();
        if (node == nullptr || !seen.insert(node).second) continue;
        if (node->kind == ExprKind::symbol) names.insert(node->name);
        for (const Expr* part : {&node->a, &node->b, &node->c}) open.push_back(part->node());
    }
    return {names.begin(), names.end()};
}

bool alike(const Expr& a, const Expr& b) {
    // Pairs of nodes seen before count as alike: if they aren't, the pair itself has said so.
    std::set<std::pair<const Expr::Node*, const Expr::Node*>> seen;
    std::vector<std::pair<const Expr*, const Expr*>> open = {{&a, &b}};
    while (!open.empty()) {
        const auto [x, y] = open.back();
        open.pop_back();
        if (x->is_constant() != y->is_constant()) return false;
        if (x->is_constant() && x->value_ != y->value_) return false;
        const Expr::Node* p = x->node();
        const Expr::Node* q = y->node();
        if (p == q || !seen.emplace(p, q).second) continue;
        if (p->kind != q->kind || p->name != q->name) return false;
        open.emplace_back(&p->a, &q->a);
        open.emplace_back(&p->b, &q->b);
        open.emplace_back(&p->c, &q->c);
    }
    return true;
}

std::string Expr::text() const {
    if (is_constant()) return std::to_string(value_);
    const auto pair = [this](const char* before, const char* between) {
        return before + node_->a.text() + between + node_->b.text() + ")";
    };
    switch (node_->kind) {
        case ExprKind::symbol:
            return node_->name;
        case ExprKind::add:
            return pair("(", " + ");
        case ExprKind::sub:
            return pair("(", " - ");
        case ExprKind::mul:
            return pair("(", " * ");
        case ExprKind::floor_div:
            return pair("floor_div(", ", ");
        case ExprKind::ceil_div:
            return pair("ceil_div(", ", ");
        case ExprKind::max:
            return pair("max(", ", ");
        case ExprKind::min:
            return pair("min(", ", ");
        case ExprKind::less:
            return pair("(", " < ");
        case ExprKind::equal:
            return pair("(", " == ");
        case ExprKind::select:
            break;
    }
    return "select(" + node_->a.text() + ", " + node_->b.text() + ", " + node_->c.text() + ")";
}

// The identities below keep expressions short; they hold for all integers.
Expr operator+(const Expr& a, const Expr& b) {
    if (a.is_constant() && a.value_ == 0) return b;
    if (b.is_constant() && b.value_ == 0) return a;
    return Expr::make(ExprKind::add, a, b);
}
Expr operator-(const Expr& a, const Expr& b) {
    if (b.is_constant() && b.value_ == 0) return a;
    if (!a.is_constant() && a.node_ == b.node_) return 0;
    return Expr::make(ExprKind::sub, a, b);
}
Expr operator*(const Expr& a, const Expr& b) {
    if (a.is_constant() && (a.value_ == 1 || a.value_ == 0)) return a.value_ == 0 ? a : b;
    if (b.is_constant() && (b.value_ == 1 || b.value_ == 0)) return b.value_ == 0 ? b : a;
    return Expr::make(ExprKind::mul, a, b);
}
Expr floor_div(const Expr& a, const Expr& b) {
    if (b.is_constant() && b.value_ == 1) return a;
    return Expr::make(ExprKind::floor_div, a, b);
}
Expr ceil_div(const Expr& a, const Expr& b) {
    if (b.is_constant() && b.value_ == 1) return a;
    return Expr::make(ExprKind::ceil_div, a, b);
}
Expr max(const Expr& a, const Expr& b) {
    if (!a.is_constant() && a.node_ == b.node_) return a;
    return Expr::make(ExprKind::max, a, b);
}
Expr min(const Expr& a, const Expr& b) {
    if (!a.is_constant() && a.node_ == b.node_) return a;
    return Expr::make(ExprKind::min, a, b);
}
Expr less(const Expr& a, const Expr& b) {
    if (!a.is_constant() && a.node_ == b.node_) return 0;
    return Expr::make(ExprKind::less, a, b);
}
Expr equal(const Expr& a, const Expr& b) {
    if (!a.is_constant() && a.node_ == b.node_) return 1;
    return Expr::make(ExprKind::equal, a, b);
}
Expr select(const Expr& condition, const Expr& a, const Expr& b) {
    if (condition.is_constant()) return condition.value_ != 0 ? a : b;
    const bool alike = a.is_constant() ? b.is_constant() && a.value_ == b.value_ : a.node_ == b.node_;
    return alike ? a : Expr::make(ExprKind::select, condition, a, b);
}

}  // namespace gonogo
