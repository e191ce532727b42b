// From values to a line: sums in one step, and registers used again where a value is no longer read.
#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "gonogo/ir/tape.hpp"

namespace gonogo {

using numeric::TapeOp;
using numeric::TapeStep;

namespace {

constexpr double most_exact = 0x1p53;
constexpr std::size_t most_terms = 255;

TapeStep term_of(TapeValue v, double k) {
    TapeStep term;
    term.op = TapeOp::term_k;
    term.a = v;
    term.k = k;
    return term;
}

// A quotient by a power of two is a product, as exactly: divisions take longest of all.
TapeStep without_division(TapeStep step) {
    int exponent = 0;
    const bool divides = step.op == TapeOp::floor_div_k || step.op == TapeOp::ceil_div_k;
    if (!divides || std::frexp(step.k, &exponent) != 0.5) return step;
    step.op = step.op == TapeOp::floor_div_k ? TapeOp::floor_mul_k : TapeOp::ceil_mul_k;
    step.k = 1.0 / step.k;
    return step;
}

}  // namespace

// A value as number + term + term + ..., rounded after each. Values that are read by one sum alone become part of it.
struct TapeBuilder::Terms {
    double number = 0.0;
    std::vector<TapeStep> terms;

    bool is_one_term() const { return terms.size() == 1 && number == 0.0; }
    bool is_multiple() const { return is_one_term() && terms[0].op == TapeOp::term_k; }
    // What is as good as a step of its own.
    bool is_plain() const {
        const auto is_single = [&](std::size_t i) {
            return terms[i].op == TapeOp::term_k && (terms[i].k == 1.0 || (i > 0 && terms[i].k == -1.0));
        };
        if (terms.size() == 1) return number == 0.0 || is_single(0);
        return terms.size() == 2 && number == 0.0 && is_single(0) && is_single(1);
    }
};

// `inner`: the terms of a value that may become part of others, else nothing.
std::optional<TapeBuilder::Terms> TapeBuilder::terms_of(const Value& value,
                                                        const std::function<const Terms*(TapeValue)>& inner) const {
    const TapeStep& step = value.step;
    Terms made;
    if (step.op == TapeOp::mul_k) {
        made.terms = {term_of(step.a, step.k)};
        return made;
    }
    if (step.op == TapeOp::mul && step.not_negative) {
        made.terms = {step};
        made.terms[0].op = TapeOp::term;
        return made;
    }
    if (step.op == TapeOp::add_k) {
        // A number comes first. That changes nothing for one term, or where all is exact.
        const Terms* rest = inner(step.a);
        if (rest == nullptr || !(rest->is_one_term() || (value.integer && is_exact(*rest, step.k))))
            return std::nullopt;
        made = *rest;
        made.number += step.k;
        return made;
    }
    if (step.op != TapeOp::add && step.op != TapeOp::sub) return std::nullopt;
    TapeValue first = step.a;
    TapeValue second = step.b;
    const auto length = [&](TapeValue v) { return inner(v) != nullptr ? inner(v)->terms.size() : 0; };
    if (step.op == TapeOp::add &&
        (length(second) > length(first) || (inner(first) != nullptr && inner(first)->is_one_term())))
        std::swap(first, second);
    const Terms* more = inner(second);
    const bool joins = more != nullptr && (step.op == TapeOp::add ? more->is_one_term() : more->is_multiple());
    if (length(first) == most_terms) return std::nullopt;
    if (inner(first) != nullptr) {
        made = *inner(first);
    } else {
        made.terms = {term_of(first, 1.0)};
    }
    made.terms.push_back(joins ? more->terms[0] : term_of(second, 1.0));
    if (step.op == TapeOp::sub) made.terms.back().k = -made.terms.back().k;
    return made;
}

// Whether the terms, and `number` with them, add up to the same in any order.
bool TapeBuilder::is_exact(const Terms& sum, double number) const {
    const auto most = [&](TapeValue v) { return std::max(std::fabs(range(v).lo), std::fabs(range(v).hi)); };
    double mass = std::fabs(sum.number) + std::fabs(number);
    for (const TapeStep& term : sum.terms)
        mass += most(term.a) * (term.op == TapeOp::term ? most(term.b) : std::fabs(term.k));
    return mass < most_exact;
}

// By value, its steps; none where it isn't needed by itself.
std::vector<std::vector<TapeStep>> TapeBuilder::steps_for(const std::vector<TapeValue>& outputs) const {
    const std::size_t n = values_.size();
    std::vector<std::int32_t> readers(n, 0);
    const auto read = [&](TapeValue v) -> std::int32_t& { return readers[static_cast<std::size_t>(v)]; };
    for (const TapeValue v : outputs) read(v) += 2;  // an output keeps its register
    for (std::size_t i = n; i-- > 0;) {
        if (readers[i] == 0 || !values_[i].computed) continue;
        const TapeStep& s = values_[i].step;
        ++read(s.a);
        if (numeric::reads_second(s.op)) ++read(s.b);
        if (numeric::reads_third(s.op)) ++read(s.c);
    }
    std::vector<std::optional<Terms>> sums(n);
    const auto inner = [&](TapeValue v) -> const Terms* {
        const auto& sum = sums[static_cast<std::size_t>(v)];
        return sum && read(v) == 1 ? &*sum : nullptr;
    };
    for (std::size_t i = 0; i < n; ++i) {
        if (readers[i] != 0 && values_[i].computed) sums[i] = terms_of(values_[i], inner);
    }
    std::vector<std::vector<TapeStep>> steps(n);
    std::vector<char> wanted(n, 0);
    for (const TapeValue v : outputs) wanted[static_cast<std::size_t>(v)] = 1;
    for (std::size_t i = n; i-- > 0;) {
        if (wanted[i] == 0 || !values_[i].computed) continue;
        steps[i] = {without_division(values_[i].step)};
        if (sums[i] && !sums[i]->is_plain()) {
            TapeStep& head = steps[i].front();
            head.op = TapeOp::sum;
            head.terms = static_cast<std::int16_t>(sums[i]->terms.size());
            head.a = sums[i]->terms.front().a;
            head.k = sums[i]->number;
            steps[i].insert(steps[i].end(), sums[i]->terms.begin(), sums[i]->terms.end());
        }
        for (const TapeValue v : operands(steps[i])) wanted[static_cast<std::size_t>(v)] = 1;
    }
    return steps;
}

Tape TapeBuilder::laid_out(const std::vector<TapeValue>& outputs) const {
    const std::size_t n = values_.size();
    const std::vector<std::vector<TapeStep>> lines = steps_for(outputs);
    std::vector<std::int32_t> last(n, -1);  // the value that reads it last; n: an output
    for (std::size_t i = 0; i < n; ++i) {
        for (const TapeValue v : operands(lines[i])) last[static_cast<std::size_t>(v)] = static_cast<std::int32_t>(i);
    }
    for (const TapeValue v : outputs) last[static_cast<std::size_t>(v)] = static_cast<std::int32_t>(n);
    Tape tape;
    tape.variables_ = variable_count_;
    std::vector<std::int32_t> place(n, 0);
    std::vector<std::int32_t> free;
    auto next = static_cast<std::int32_t>(variable_count_);
    for (std::size_t i = 0; i < n; ++i) {
        if (values_[i].is_variable) place[i] = static_cast<std::int32_t>(i);
        if (last[i] < 0 || values_[i].computed || values_[i].is_variable) continue;
        place[i] = next++;
        tape.constants_.emplace_back(place[i], values_[i].range.lo);
    }
    for (std::size_t i = 0; i < n; ++i) {
        if (lines[i].empty()) continue;
        // The result's register is taken before those of the operands are given back: they must differ.
        if (free.empty()) {
            place[i] = next++;
        } else {
            place[i] = free.back();
            free.pop_back();
        }
        for (const TapeValue v : operands(lines[i])) {
            if (at(v).computed && last[static_cast<std::size_t>(v)] == static_cast<std::int32_t>(i))
                free.push_back(place[static_cast<std::size_t>(v)]);
        }
        const auto of = [&](TapeValue v) { return place[static_cast<std::size_t>(v)]; };
        for (TapeStep step : lines[i]) {
            step.a = of(step.a);
            step.b = numeric::reads_second(step.op) ? of(step.b) : step.a;
            step.c = numeric::reads_third(step.op) ? of(step.c) : step.a;
            step.out = place[i];
            tape.steps_.push_back(step);
        }
    }
    for (const TapeValue v : outputs) tape.outputs_.push_back(place[static_cast<std::size_t>(v)]);
    tape.registers_ = std::max<std::int32_t>(next, 1);
    return tape;
}

}  // namespace gonogo
