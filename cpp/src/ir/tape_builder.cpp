// Compiling expressions into a tape: values computed once, decided ones folded, registers used again (sums of integers:
// tape_sums.cpp).
#include <algorithm>
#include <cmath>
#include <optional>

#include "gonogo/error.hpp"
#include "gonogo/ir/tape.hpp"

#include "ir/expr_node.hpp"

namespace gonogo {

using numeric::TapeOp;
using numeric::TapeStep;

namespace {

constexpr double largest_integer = 0x1p53;

bool commutes(TapeOp op) {
    return op == TapeOp::add || op == TapeOp::mul || op == TapeOp::max || op == TapeOp::min || op == TapeOp::equal;
}

bool divides(TapeOp op) {
    return op == TapeOp::floor_div || op == TapeOp::ceil_div;
}

// The same operation with a number for its second operand.
TapeOp with_number(TapeOp op) {
    switch (op) {
        case TapeOp::add:
            return TapeOp::add_k;
        case TapeOp::mul:
            return TapeOp::mul_k;
        case TapeOp::floor_div:
            return TapeOp::floor_div_k;
        case TapeOp::ceil_div:
            return TapeOp::ceil_div_k;
        case TapeOp::max:
            return TapeOp::max_k;
        case TapeOp::min:
            return TapeOp::min_k;
        case TapeOp::less:
            return TapeOp::less_k;
        case TapeOp::equal:
            return TapeOp::equal_k;
        default:
            return op;
    }
}

TapeOp without_number(TapeOp op) {
    using enum TapeOp;
    for (const TapeOp plain : {add, mul, floor_div, ceil_div, max, min, less, equal}) {
        if (with_number(plain) == op) return plain;
    }
    return op;
}

TapeOp op_of(ExprKind kind) {
    switch (kind) {
        case ExprKind::add:
            return TapeOp::add;
        case ExprKind::sub:
            return TapeOp::sub;
        case ExprKind::mul:
            return TapeOp::mul;
        case ExprKind::floor_div:
            return TapeOp::floor_div;
        case ExprKind::ceil_div:
            return TapeOp::ceil_div;
        case ExprKind::max:
            return TapeOp::max;
        case ExprKind::min:
            return TapeOp::min;
        case ExprKind::less:
            return TapeOp::less;
        case ExprKind::equal:
            return TapeOp::equal;
        default:
            return TapeOp::select;
    }
}

TapeRange hull(std::initializer_list<double> values) {
    const auto [lo, hi] = std::minmax_element(values.begin(), values.end());
    return {*lo, *hi};
}

}  // namespace

TapeRange tape_range(TapeOp op, TapeRange a, TapeRange b, TapeRange c) {
    switch (op) {
        case TapeOp::add:
            return {a.lo + b.lo, a.hi + b.hi};
        case TapeOp::sub:
            return {a.lo - b.hi, a.hi - b.lo};
        case TapeOp::mul:
            return hull({a.lo * b.lo, a.lo * b.hi, a.hi * b.lo, a.hi * b.hi});
        case TapeOp::floor_div:
            return {std::floor(std::min(a.lo / b.lo, a.lo / b.hi)), std::floor(std::max(a.hi / b.lo, a.hi / b.hi))};
        case TapeOp::ceil_div:
            return {std::ceil(std::min(a.lo / b.lo, a.lo / b.hi)), std::ceil(std::max(a.hi / b.lo, a.hi / b.hi))};
        case TapeOp::max:
            return {std::max(a.lo, b.lo), std::max(a.hi, b.hi)};
        case TapeOp::min:
            return {std::min(a.lo, b.lo), std::min(a.hi, b.hi)};
        case TapeOp::less:
            return {a.hi < b.lo ? 1.0 : 0.0, a.lo < b.hi ? 1.0 : 0.0};
        case TapeOp::equal:
            return {a.decided() && b.decided() && a.lo == b.lo ? 1.0 : 0.0, a.lo <= b.hi && b.lo <= a.hi ? 1.0 : 0.0};
        default:
            if (a.lo != 0.0) return b;
            if (a.hi == 0.0) return c;
            return {std::min(b.lo, c.lo), std::max(b.hi, c.hi)};
    }
}

TapeBuilder::TapeBuilder(std::vector<TapeVariable> variables) : variable_count_(variables.size()) {
    for (TapeVariable& v : variables) {
        names_.emplace(std::move(v.name), static_cast<TapeValue>(values_.size()));
        values_.push_back({.step = {}, .range = v.range, .is_variable = true, .integer = true});
    }
}

TapeValue TapeBuilder::number(double value) {
    const auto [at, is_new] = numbers_.try_emplace(value, static_cast<TapeValue>(values_.size()));
    if (is_new) values_.push_back({.step = {}, .range = {value, value}, .integer = std::floor(value) == value});
    return at->second;
}

TapeValue TapeBuilder::push(TapeStep step, TapeRange range, bool integer) {
    if (range.decided()) return number(range.lo);
    const Key key{step.op, step.a, step.b, step.c, step.k};
    const auto [at, is_new] = known_.try_emplace(key, static_cast<TapeValue>(values_.size()));
    if (is_new) values_.push_back({.step = step, .range = range, .computed = true, .integer = integer});
    return at->second;
}

TapeValue TapeBuilder::apply(TapeOp op, TapeValue a, TapeValue b) {
    if (commutes(op) && (is_constant(a) || (a > b && !is_constant(b)))) std::swap(a, b);
    const TapeRange x = range(a);
    const TapeRange y = range(b);
    if (divides(op) && y.lo <= 0.0) throw ShapeError("an expression divides by what may be zero or negative");
    const TapeRange result = tape_range(op, x, y);
    // Identities that hold for every number.
    if (is_constant(b)) {
        if (op == TapeOp::add && y.lo == 0.0) return a;
        if ((op == TapeOp::mul || (divides(op) && at(a).integer)) && y.lo == 1.0) return a;
    }
    if (op == TapeOp::max && (a == b || x.lo >= y.hi)) return a;
    if (op == TapeOp::max && y.lo >= x.hi) return b;
    if (op == TapeOp::min && (a == b || x.hi <= y.lo)) return a;
    if (op == TapeOp::min && y.hi <= x.lo) return b;
    if (a == b && (op == TapeOp::sub || op == TapeOp::less)) return number(0.0);
    if (a == b && op == TapeOp::equal) return number(1.0);
    const bool whole = at(a).integer && at(b).integer;
    if (op == TapeOp::mul && whole && !is_constant(b) && result.lo > -largest_integer && result.hi < largest_integer) {
        // Numbers go outermost, where sums collect them.
        for (const auto& [product, other] : {std::pair(a, b), std::pair(b, a)}) {
            const TapeStep inner = at(product).step;
            if (at(product).computed && inner.op == TapeOp::mul_k) return mul(mul(inner.a, other), number(inner.k));
        }
    }
    TapeStep step;
    step.op = op;
    step.a = a;
    step.b = b;
    step.not_negative = x.lo >= 0.0 && y.lo >= 0.0;
    if (op == TapeOp::sub && is_constant(b)) return apply(TapeOp::add, a, number(-y.lo));
    if (is_constant(b) && with_number(op) != op) {
        step.op = with_number(op);
        step.k = y.lo;
        step.b = 0;
    }
    return push(step, result, whole || divides(op) || op == TapeOp::less || op == TapeOp::equal);
}

TapeValue TapeBuilder::select(TapeValue condition, TapeValue a, TapeValue b) {
    if (a == b) return a;
    const TapeRange c = range(condition);
    if (c.lo != 0.0) return a;
    if (c.hi == 0.0) return b;
    TapeStep step;
    step.op = TapeOp::select;
    step.a = condition;
    step.b = a;
    step.c = b;
    const TapeRange result = tape_range(TapeOp::select, c, range(a), range(b));
    return push(step, result, at(a).integer && at(b).integer);
}

void TapeBuilder::check_integer(TapeValue v, const Expr& expression) const {
    const TapeRange r = range(v);
    if (r.lo > -largest_integer && r.hi < largest_integer) return;
    std::string text = expression.text();
    if (text.size() > 120) text = text.substr(0, 120) + "...";
    throw ShapeError("an integer may leave +-2^53 in this space: " + text + "; narrow the parameters' ranges");
}

TapeValue TapeBuilder::integer(const Expr& expression) {
    if (expression.is_constant()) {
        const TapeValue constant = number(static_cast<double>(expression.constant()));
        check_integer(constant, expression);
        return constant;
    }
    const Expr::Node* node = expression.node();
    if (const auto found = expressions_.find(node); found != expressions_.end()) return found->second;
    TapeValue value = 0;
    if (node->kind == ExprKind::symbol) {
        const auto named = names_.find(node->name);
        if (named == names_.end()) throw ShapeError("'" + node->name + "' is no parameter of this space");
        value = named->second;
        if (range(value).decided()) value = number(range(value).lo);
    } else if (node->kind == ExprKind::select) {
        const TapeValue condition = integer(node->a);
        // A branch that is never taken may not even be well defined.
        if (range(condition).lo != 0.0) {
            value = integer(node->b);
        } else if (range(condition).hi == 0.0) {
            value = integer(node->c);
        } else {
            const TapeValue yes = integer(node->b);
            value = select(condition, yes, integer(node->c));
        }
    } else {
        const TapeValue a = integer(node->a);
        value = apply(op_of(node->kind), a, integer(node->b));
    }
    check_integer(value, expression);
    expressions_.emplace(node, value);
    kept_.push_back(expression);
    return value;
}

// The operation anew, which then may be a simpler one.
TapeValue TapeBuilder::put(const TapeStep& step) {
    if (step.op == TapeOp::select) return select(step.a, step.b, step.c);
    const TapeOp op = without_number(step.op);
    return apply(op, step.a, op == step.op ? step.b : number(step.k));
}

std::vector<TapeValue> TapeBuilder::operands(std::span<const TapeStep> steps) {
    std::vector<TapeValue> out;
    const auto also = [&](TapeValue v) {
        if (std::find(out.begin(), out.end(), v) == out.end()) out.push_back(v);
    };
    for (const TapeStep& s : steps) {
        also(s.a);
        if (numeric::reads_second(s.op)) also(s.b);
        if (numeric::reads_third(s.op)) also(s.c);
    }
    return out;
}

Tape TapeBuilder::build(std::vector<TapeValue> outputs) const {
    const TapeBuilder made = collected(outputs);
    return made.laid_out(outputs);
}

}  // namespace gonogo
