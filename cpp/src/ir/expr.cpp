#include "gonogo/ir/expr.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "gonogo/error.hpp"

namespace gonogo {

namespace {

enum Kind : int { kSymbol, kAdd, kSub, kMul, kFloorDiv, kCeilDiv, kMax, kMin };

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

std::int64_t apply(int kind, std::int64_t a, std::int64_t b) {
    std::int64_t r = 0;
    switch (kind) {
        case kAdd:
            if (__builtin_add_overflow(a, b, &r)) overflow();
            return r;
        case kSub:
            if (__builtin_sub_overflow(a, b, &r)) overflow();
            return r;
        case kMul:
            if (__builtin_mul_overflow(a, b, &r)) overflow();
            return r;
        case kFloorDiv:
            return floor_quotient(a, b);
        case kCeilDiv:
            return ceil_quotient(a, b);
        case kMax:
            return std::max(a, b);
        default:
            return std::min(a, b);
    }
}

// Each operation is monotone in either argument once the other's sign is fixed (division: for a divisor of one sign),
// so the extremes over a box of two ranges are attained at its four corners.
IntegerRange apply(int kind, IntegerRange a, IntegerRange b) {
    if ((kind == kFloorDiv || kind == kCeilDiv) && b.lo <= 0 && b.hi >= 0) {
        throw ShapeError("an integer expression divides by a range that contains zero");
    }
    const std::array<std::int64_t, 4> corner = {apply(kind, a.lo, b.lo), apply(kind, a.lo, b.hi),
                                                apply(kind, a.hi, b.lo), apply(kind, a.hi, b.hi)};
    const auto [lo, hi] = std::minmax_element(corner.begin(), corner.end());
    return {*lo, *hi};
}

}  // namespace

struct Expr::Node {
    int kind = kSymbol;
    std::string name;  // of a symbol
    Expr a, b;
};

Expr Expr::symbol(std::string name) {
    auto node = std::make_shared<Node>();
    node->name = std::move(name);
    return Expr(std::shared_ptr<const Node>(std::move(node)));
}

Expr Expr::make(int kind, const Expr& a, const Expr& b) {
    if (a.is_constant() && b.is_constant()) return apply(kind, a.value_, b.value_);
    auto node = std::make_shared<Node>();
    node->kind = kind;
    node->a = a;
    node->b = b;
    return Expr(std::shared_ptr<const Node>(std::move(node)));
}

std::int64_t Expr::constant() const {
    if (!is_constant()) throw ShapeError("expression " + text() + " isn't a constant: give its symbols values first");
    return value_;
}

std::int64_t Expr::evaluate(const std::map<std::string, std::int64_t>& point) const {
    if (is_constant()) return value_;
    if (node_->kind == kSymbol) {
        const auto found = point.find(node_->name);
        if (found == point.end()) throw ShapeError("no value given for the symbol '" + node_->name + "'");
        return found->second;
    }
    return apply(node_->kind, node_->a.evaluate(point), node_->b.evaluate(point));
}

IntegerRange Expr::evaluate(const std::map<std::string, IntegerRange>& box) const {
    if (is_constant()) return {value_, value_};
    if (node_->kind == kSymbol) {
        const auto found = box.find(node_->name);
        if (found == box.end()) throw ShapeError("no range given for the symbol '" + node_->name + "'");
        return found->second;
    }
    return apply(node_->kind, node_->a.evaluate(box), node_->b.evaluate(box));
}

std::string Expr::text() const {
    if (is_constant()) return std::to_string(value_);
    const auto pair = [this](const char* before, const char* between) {
        return before + node_->a.text() + between + node_->b.text() + ")";
    };
    switch (node_->kind) {
        case kSymbol:
            return node_->name;
        case kAdd:
            return pair("(", " + ");
        case kSub:
            return pair("(", " - ");
        case kMul:
            return pair("(", " * ");
        case kFloorDiv:
            return pair("floor_div(", ", ");
        case kCeilDiv:
            return pair("ceil_div(", ", ");
        case kMax:
            return pair("max(", ", ");
        default:
            return pair("min(", ", ");
    }
}

// The identities below keep shape expressions short; they hold for all integers.
Expr operator+(const Expr& a, const Expr& b) {
    if (a.is_constant() && a.value_ == 0) return b;
    if (b.is_constant() && b.value_ == 0) return a;
    return Expr::make(kAdd, a, b);
}
Expr operator-(const Expr& a, const Expr& b) {
    if (b.is_constant() && b.value_ == 0) return a;
    return Expr::make(kSub, a, b);
}
Expr operator*(const Expr& a, const Expr& b) {
    if (a.is_constant() && a.value_ == 1) return b;
    if (b.is_constant() && b.value_ == 1) return a;
    return Expr::make(kMul, a, b);
}
Expr floor_div(const Expr& a, const Expr& b) {
    if (b.is_constant() && b.value_ == 1) return a;
    return Expr::make(kFloorDiv, a, b);
}
Expr ceil_div(const Expr& a, const Expr& b) {
    if (b.is_constant() && b.value_ == 1) return a;
    return Expr::make(kCeilDiv, a, b);
}
Expr max(const Expr& a, const Expr& b) {
    return Expr::make(kMax, a, b);
}
Expr min(const Expr& a, const Expr& b) {
    return Expr::make(kMin, a, b);
}

}  // namespace gonogo
