// Sums of integers, written anew: like terms are collected, what cancels isn't computed, and a sum that holds another
// one begins with it. Theorem 84 (docs/soundness.md): integers are exact in any order, and a box's ends no wider.
#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "gonogo/ir/tape.hpp"

namespace gonogo {

using numeric::TapeOp;
using numeric::TapeStep;

namespace {

// Of all that is added up in a sum, so that each part of it is exact.
constexpr double most_mass = 0x1p52;

// Whether the result is exact.
bool add_to(double& sum, double more) {
    if (!(std::fabs(more) <= most_mass)) return false;
    sum += more;
    return std::fabs(sum) <= most_mass;
}

}  // namespace

// A number, and multiples of values that are no sums.
struct TapeBuilder::Sum {
    double constant = 0.0;
    std::map<TapeValue, double> terms;

    std::size_t size() const { return terms.size() + (constant != 0.0 ? 1 : 0); }
    // Whether it is `other` and more of the same signs.
    bool holds(const Sum& other) const {
        const auto within = [](double part, double whole) { return part > 0.0 ? part <= whole : part >= whole; };
        if (other.constant != 0.0 && !within(other.constant, constant)) return false;
        return std::all_of(other.terms.begin(), other.terms.end(), [&](const auto& term) {
            const auto own = terms.find(term.first);
            return own != terms.end() && within(term.second, own->second);
        });
    }
    Sum without(const Sum& other) const {
        Sum rest = *this;
        rest.constant -= other.constant;
        for (const auto& [value, factor] : other.terms) {
            if ((rest.terms[value] -= factor) == 0.0) rest.terms.erase(value);
        }
        return rest;
    }
};

bool TapeBuilder::is_sum(TapeValue v) const {
    const TapeOp op = at(v).step.op;
    return at(v).computed && at(v).integer &&
           (op == TapeOp::add || op == TapeOp::sub || op == TapeOp::add_k || op == TapeOp::mul_k);
}

// Nothing where a number on the way might not be exact.
std::optional<TapeBuilder::Sum> TapeBuilder::sum_of(TapeValue v) const {
    Sum sum;
    double mass = 0.0;
    std::map<TapeValue, double> open = {{v, 1.0}};
    while (!open.empty()) {
        const auto last = std::prev(open.end());  // whatever adds to it has been seen
        const auto [value, factor] = *last;
        open.erase(last);
        if (factor == 0.0) continue;
        const TapeStep& step = at(value).step;
        bool exact = true;
        if (is_constant(value)) {
            exact = add_to(sum.constant, factor * at(value).range.lo);
        } else if (!is_sum(value)) {
            sum.terms.emplace(value, factor);
            exact = add_to(mass, std::fabs(factor) * std::max(std::fabs(range(value).lo), std::fabs(range(value).hi)));
        } else {
            exact = add_to(open[step.a], step.op == TapeOp::mul_k ? factor * step.k : factor);
            if (step.op == TapeOp::add) exact = exact && add_to(open[step.b], factor);
            if (step.op == TapeOp::sub) exact = exact && add_to(open[step.b], -factor);
            if (step.op == TapeOp::add_k) exact = exact && add_to(sum.constant, factor * step.k);
        }
        if (!exact) return std::nullopt;
    }
    if (!add_to(mass, std::fabs(sum.constant))) return std::nullopt;
    return sum;
}

// Appends the steps of a sum whose terms are values of this builder.
TapeValue TapeBuilder::put_sum(const Sum& sum) {
    std::optional<TapeValue> all;
    for (const bool single : {true, false}) {  // begins with a term that needs no product
        for (const auto& [value, factor] : sum.terms) {
            if ((factor == 1.0) != single) continue;
            if (all && factor == -1.0) {
                all = apply(TapeOp::sub, *all, value);
            } else {
                const TapeValue term = mul(value, number(factor));
                all = all ? add(*all, term) : term;
            }
        }
    }
    return all ? add(*all, number(sum.constant)) : number(sum.constant);
}

// By last term the sums that a line holds already, and what they are in it.
struct TapeBuilder::KnownSums {
    std::map<TapeValue, std::vector<std::pair<const Sum*, TapeValue>>> by_last;

    void add(const Sum& sum, TapeValue made) {
        if (sum.terms.size() > 1) by_last[std::prev(sum.terms.end())->first].emplace_back(&sum, made);
    }
    // The one that leaves least of `sum`; without it, in one step more, the sum must be shorter.
    std::optional<TapeValue> take_from(Sum& sum) const {
        std::optional<TapeValue> best;
        Sum left = sum;
        for (const auto& term : sum.terms) {
            const auto here = by_last.find(term.first);
            if (here == by_last.end()) continue;
            for (const auto& [known, made] : here->second) {
                if (!sum.holds(*known)) continue;
                Sum without = sum.without(*known);
                if (without.size() + (best ? 0 : 1) >= left.size()) continue;
                left = std::move(without);
                best = made;
            }
        }
        sum = std::move(left);
        return best;
    }
};

// The line of the values that `outputs` need, in a builder of its own; `outputs` become its values.
TapeBuilder TapeBuilder::collected(std::vector<TapeValue>& outputs) const {
    std::vector<char> needed(values_.size(), 0);
    std::vector<std::optional<Sum>> sums(values_.size());
    const auto need = [&](TapeValue v) { needed[static_cast<std::size_t>(v)] = 1; };
    for (const TapeValue v : outputs) need(v);
    for (std::size_t i = values_.size(); i-- > 0;) {
        if (needed[i] == 0 || !values_[i].computed) continue;
        const auto v = static_cast<TapeValue>(i);
        if (is_sum(v)) sums[i] = sum_of(v);
        if (sums[i]) {
            for (const auto& term : sums[i]->terms) need(term.first);
        } else {
            for (const TapeValue operand : operands({&values_[i].step, 1})) need(operand);
        }
    }
    TapeBuilder made({});
    made.variable_count_ = variable_count_;
    made.values_.assign(values_.begin(), values_.begin() + static_cast<std::ptrdiff_t>(variable_count_));
    std::vector<TapeValue> now(values_.size());  // by value, what it is in the new builder
    const auto renamed = [&](TapeValue v) { return now[static_cast<std::size_t>(v)]; };
    KnownSums known;
    for (std::size_t i = 0; i < values_.size(); ++i) {
        if (values_[i].is_variable) now[i] = static_cast<TapeValue>(i);
        if (needed[i] == 0 || values_[i].is_variable) continue;
        if (!values_[i].computed) {
            now[i] = made.number(values_[i].range.lo);
        } else if (!sums[i]) {
            TapeStep step = values_[i].step;
            for (TapeValue* operand : {&step.a, &step.b, &step.c}) *operand = renamed(*operand);
            now[i] = made.put(step);
        } else {
            Sum rest = *sums[i];
            Sum sum;
            while (const std::optional<TapeValue> part = known.take_from(rest)) sum.terms[*part] += 1.0;
            sum.constant = rest.constant;
            for (const auto& [value, factor] : rest.terms) sum.terms[renamed(value)] += factor;
            now[i] = made.put_sum(sum);
            known.add(*sums[i], now[i]);
        }
    }
    for (TapeValue& v : outputs) v = renamed(v);
    return made;
}

}  // namespace gonogo
