// Integer expressions, and real numbers made from them, compiled once into a straight line of operations
// (numeric/tape.hpp); then evaluated at points, on many points, and on boxes of the variables.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "gonogo/ir/expr.hpp"
#include "gonogo/numeric/tape.hpp"

namespace gonogo {

struct TapeRange {
    double lo = 0.0;
    double hi = 0.0;
    bool decided() const { return lo == hi; }
};

struct TapeVariable {
    std::string name;
    TapeRange range;  // of integers, or of real numbers for variables that no expression reads
};

// A value of the line under construction.
using TapeValue = std::int32_t;

// An immutable line. Registers are numbered; outputs have theirs at the end of a run.
class Tape {
  public:
    std::size_t variables() const { return variables_; }
    std::size_t outputs() const { return outputs_.size(); }
    std::size_t steps() const { return steps_.size(); }
    std::size_t registers() const { return static_cast<std::size_t>(registers_); }
    // The register of output i; variable v has register v.
    std::int32_t output(std::size_t i) const { return outputs_[i]; }

    // The whole line as text.
    std::string text() const;
    // Variables that output i depends on, ascending.
    std::vector<std::size_t> support(std::size_t i) const;

    // `registers`: as many numbers as registers(), variables filled in. Afterwards the outputs can be read.
    void point(std::span<double> registers) const;

    // Blocks of numeric::tape_width points (tape_boxes boxes) on all threads. `fill` writes the variables' registers of
    // rows first to first + count - 1 (row r of register v: registers[v * tape_width + r - first], upper ends
    // tape_boxes further); `take` reads the outputs. Both are called on any thread.
    using Block = std::function<void(std::int64_t first, std::int64_t count, double* registers)>;
    void points(std::int64_t rows, const Block& fill, const Block& take) const;
    void boxes(std::int64_t rows, const Block& fill, const Block& take) const;

  private:
    friend class TapeBuilder;
    void set_constants(double* registers, std::int64_t stride) const;
    using Kernel = void (*)(const numeric::TapeStep* steps, std::int64_t count, double* registers);
    void blocks(std::int64_t rows, std::int64_t in_block, Kernel run, const Block& fill, const Block& take) const;

    std::vector<numeric::TapeStep> steps_;
    std::vector<std::pair<std::int32_t, double>> constants_;
    std::vector<std::int32_t> outputs_;
    std::size_t variables_ = 0;
    std::int32_t registers_ = 0;
};

class TapeBuilder {
  public:
    explicit TapeBuilder(std::vector<TapeVariable> variables);

    TapeValue variable(std::size_t i) const { return static_cast<TapeValue>(i); }
    TapeValue number(double value);
    // Throws ShapeError for a symbol that is no variable, a divisor that may be zero or negative, and integers that may
    // leave +-2^53 somewhere on the variables' ranges.
    TapeValue integer(const Expr& expression);
    // Real numbers rounded to nearest; the operations with a constant are chosen by themselves.
    TapeValue apply(numeric::TapeOp op, TapeValue a, TapeValue b);
    TapeValue select(TapeValue condition, TapeValue a, TapeValue b);
    TapeValue add(TapeValue a, TapeValue b) { return apply(numeric::TapeOp::add, a, b); }
    TapeValue mul(TapeValue a, TapeValue b) { return apply(numeric::TapeOp::mul, a, b); }
    TapeValue max(TapeValue a, TapeValue b) { return apply(numeric::TapeOp::max, a, b); }

    // Contains every value over the variables' ranges.
    TapeRange range(TapeValue value) const { return values_[static_cast<std::size_t>(value)].range; }

    // What the outputs need: sums of integers with like terms collected, and registers used again where a value is no
    // longer read.
    Tape build(std::vector<TapeValue> outputs) const;

  private:
    struct Value {
        numeric::TapeStep step;  // operands are values
        TapeRange range;
        bool computed = false;  // else a variable, or a constant where the range is one number
        bool is_variable = false;
        bool integer = false;
    };
    using Key = std::tuple<numeric::TapeOp, TapeValue, TapeValue, TapeValue, double>;

    const Value& at(TapeValue v) const { return values_[static_cast<std::size_t>(v)]; }
    bool is_constant(TapeValue v) const { return !at(v).computed && !at(v).is_variable; }
    TapeValue push(numeric::TapeStep step, TapeRange range, bool integer);
    void check_integer(TapeValue v, const Expr& expression) const;
    static std::vector<TapeValue> operands(std::span<const numeric::TapeStep> steps);  // each once
    TapeValue put(const numeric::TapeStep& step);
    // tape_sums.cpp
    struct Sum;
    struct KnownSums;
    bool is_sum(TapeValue v) const;
    std::optional<Sum> sum_of(TapeValue v) const;
    TapeValue put_sum(const Sum& sum);
    TapeBuilder collected(std::vector<TapeValue>& outputs) const;

    // tape_layout.cpp
    struct Terms;
    std::optional<Terms> terms_of(const Value& value, const std::function<const Terms*(TapeValue)>& inner) const;
    bool is_exact(const Terms& sum, double number) const;
    std::vector<std::vector<numeric::TapeStep>> steps_for(const std::vector<TapeValue>& outputs) const;
    Tape laid_out(const std::vector<TapeValue>& outputs) const;

    std::vector<Value> values_;
    std::size_t variable_count_;
    std::map<double, TapeValue> numbers_;
    std::map<Key, TapeValue> known_;
    std::unordered_map<const Expr::Node*, TapeValue> expressions_;
    std::vector<Expr> kept_;  // so that addresses in `expressions_` stay theirs
    std::map<std::string, TapeValue> names_;
};

// Range of one operation's result over its operands' ranges, as the boxes' kernel computes it.
TapeRange tape_range(numeric::TapeOp op, TapeRange a, TapeRange b, TapeRange c = {});

}  // namespace gonogo
