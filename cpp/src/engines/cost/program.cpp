#include "engines/cost/program.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <optional>

#include "gonogo/error.hpp"

namespace gonogo {

std::string_view name_of(CostNumber number) {
    static constexpr std::string_view names[cost_number_count] = {
        "valid",           "macs",     "other_operations", "parameter_bytes", "flash_around", "flash_code",
        "ram_activations", "ram_live", "ram_persistent",   "cycles",          "timed"};
    return names[static_cast<std::size_t>(number)];
}

namespace costing {

namespace {

std::vector<TapeValue> compiled(const std::vector<Expr>& expressions, TapeBuilder& builder) {
    std::vector<TapeValue> values;
    for (const Expr& e : expressions) values.push_back(builder.integer(e));
    return values;
}

// By value, where it stands first.
std::vector<std::int32_t> firsts(const std::vector<TapeValue>& values) {
    std::vector<std::int32_t> out;
    for (const TapeValue v : values)
        out.push_back(static_cast<std::int32_t>(std::find(values.begin(), values.end(), v) - values.begin()));
    return out;
}

class Compiler {
  public:
    Compiler(const Graph& graph, const CostTarget& target, std::vector<TapeVariable> variables)
        : graph_(graph), target_(target), summary_(summarise(graph)), tape_(std::move(variables)) {}

    ProgramFacts compile(const std::vector<Expr>& conditions) {
        ProgramFacts facts;
        std::vector<TapeValue> outputs(plain, tape_.number(0.0));
        const auto set = [&](CostNumber n, TapeValue v) { outputs[at(n)] = v; };
        set(CostNumber::valid, valid());
        set(CostNumber::macs, tape_.integer(summary_.total.macs));
        set(CostNumber::other_operations, tape_.integer(summary_.total.other_operations));
        set(CostNumber::parameter_bytes, tape_.integer(summary_.total.parameter_bytes));
        set(CostNumber::flash_around, tape_.integer(summary_.flash.around));
        set(CostNumber::flash_code, tape_.integer(summary_.flash.code(target_.flash.code)));
        facts.problem = summary_.problem;
        add_buffers(facts, outputs);
        if (facts.problem.empty()) {
            Expr persistent = 0;
            for (const SymbolicPart& part : persistent_parts(summary_, target_)) persistent = persistent + part.second;
            set(CostNumber::ram_persistent, tape_.integer(persistent));
        }
        std::vector<TapeValue> nodes = add_latency(outputs);
        add_structure(facts, outputs);
        for (const Expr& c : conditions) outputs.push_back(tape_.integer(c));
        facts.asked = conditions.size();
        facts.tape = tape_.build(outputs);
        facts.counts = tape_.build({outputs.begin(), outputs.begin() + static_cast<std::ptrdiff_t>(plain)});
        facts.node_tape = tape_.build(nodes);
        facts.node_names = summary_.node_names;
        facts.planner = std::make_unique<const ArenaPlanner>(summary_, facts.scratch_nodes);
        facts.requirements = graph_.requirements;
        facts.schedule = summary_.schedule;
        add_support(facts);
        return facts;
    }

  private:
    TapeValue valid() {
        TapeValue all = tape_.number(1.0);
        for (const Requirement& r : graph_.requirements) all = tape_.mul(all, tape_.integer(r.condition));
        return all;
    }

    void add_buffers(ProgramFacts& facts, std::vector<TapeValue>& outputs) {
        for (const Activation& a : summary_.activations) {
            facts.buffer_sizes.push_back(a.bytes);
            facts.tensors.push_back(a.tensor);
        }
        for (std::size_t i = 0; i < summary_.nodes.size(); ++i) {
            const Scratch scratch = scratch_of(summary_.nodes[i], target_.kernels);
            for (const Expr& bytes : scratch.requests()) {
                if (bytes.is_constant() && bytes.constant() == 0) continue;
                facts.buffer_sizes.push_back(aligned(bytes));
                facts.scratch_nodes.push_back(static_cast<std::int32_t>(i));
            }
        }
        facts.buffers = facts.buffer_sizes.size();
        Expr all = 0;
        for (const Expr& bytes : facts.buffer_sizes) all = all + bytes;
        (void)tape_.integer(all);  // within 2^53: so are the sums that the planner forms
        const std::vector<TapeValue> values = compiled(facts.buffer_sizes, tape_);
        facts.same = firsts(values);
        outputs.insert(outputs.end(), values.begin(), values.end());
    }

    // A formula as value_of() computes it: the same roundings.
    TapeValue value_of(const Formula& formula, const Factors& factors) {
        const auto value = [&](Factor f) { return tape_.integer(factors[static_cast<std::size_t>(f)]); };
        TapeValue sum = tape_.number(0.0);
        for (const FormulaGroup& group : formula) {
            TapeValue inner = tape_.number(group.alone);
            for (const auto& [factor, weight] : group.last)
                inner = tape_.add(inner, tape_.mul(tape_.number(weight), value(factor)));
            for (const Factor f : group.common) inner = tape_.mul(inner, value(f));
            sum = tape_.add(sum, inner);
        }
        return sum;
    }

    // Cycles as CostModel adds them up, node by node: the largest of the target's rooflines.
    std::vector<TapeValue> add_latency(std::vector<TapeValue>& outputs) {
        const TapeValue zero = tape_.number(0.0);
        TapeValue sum = zero;
        TapeValue timed = tape_.number(1.0);
        std::vector<TapeValue> nodes;
        for (std::size_t i = 0; i < summary_.nodes.size(); ++i) {
            const NodeFacts& node = summary_.nodes[i];
            const TapeValue active = tape_.integer(node.active);
            TapeValue cycles = zero;
            Expr known = 0;
            for (const Timing& timing : node.timings) {
                TapeValue of_class = zero;
                bool is_known = false;
                for (const FormulaTable& table : target_.cycles) {
                    const std::optional<Formula>& formula = table[static_cast<std::size_t>(timing.kernel)];
                    if (!formula) continue;
                    is_known = true;
                    of_class = tape_.max(of_class, value_of(*formula, node.factors));
                }
                if (!is_known) continue;
                known = known + timing.when;
                cycles = tape_.select(tape_.integer(timing.when), of_class, cycles);
            }
            sum = tape_.add(sum, tape_.select(active, cycles, zero));
            timed = tape_.mul(timed, tape_.select(active, tape_.integer(known), tape_.number(1.0)));
            const SymbolicWork& work = summary_.work[i];
            nodes.insert(nodes.end(), {active, tape_.integer(work.macs), tape_.integer(work.other_operations),
                                       tape_.integer(work.parameter_bytes), cycles});
        }
        const bool clocked = target_.clock_hz && !target_.cycles.empty();
        outputs[at(CostNumber::cycles)] = clocked ? sum : zero;
        outputs[at(CostNumber::timed)] = clocked ? timed : zero;
        return nodes;
    }

    std::int32_t condition(const Expr& e, std::vector<TapeValue>& conditions) {
        const TapeValue v = tape_.integer(e);
        const TapeRange r = tape_.range(v);
        if (r.decided()) return r.lo != 0.0 ? -2 : -1;
        const auto found = std::find(conditions.begin(), conditions.end(), v);
        if (found != conditions.end()) return static_cast<std::int32_t>(found - conditions.begin());
        conditions.push_back(v);
        return static_cast<std::int32_t>(conditions.size() - 1);
    }

    void add_structure(ProgramFacts& facts, std::vector<TapeValue>& outputs) {
        std::vector<TapeValue> conditions;
        for (const Schedule::Step& step : summary_.schedule.steps)
            facts.active.push_back(condition(step.active, conditions));
        for (const std::optional<Merge>& merge : summary_.schedule.merges)
            facts.yes.push_back(merge ? condition(merge->condition, conditions) : -1);
        facts.structure = conditions.size();
        facts.structures = tape_.build(conditions);
        outputs.insert(outputs.end(), conditions.begin(), conditions.end());
    }

    void add_support(ProgramFacts& facts) const {
        const std::size_t outputs = plain + facts.buffers + facts.structure + facts.asked;
        std::vector<std::vector<std::size_t>> by_output;
        for (std::size_t i = 0; i < outputs; ++i) by_output.push_back(facts.tape.support(i));
        facts.support.assign(by_output.begin(), by_output.begin() + static_cast<std::ptrdiff_t>(plain));
        const auto join = [&](std::size_t from, std::size_t to, std::vector<std::size_t>& into) {
            for (std::size_t i = from; i < to; ++i) into.insert(into.end(), by_output[i].begin(), by_output[i].end());
            std::sort(into.begin(), into.end());
            into.erase(std::unique(into.begin(), into.end()), into.end());
        };
        join(plain + facts.buffers, plain + facts.buffers + facts.structure, facts.structural);
        for (const CostNumber n : {CostNumber::ram_activations, CostNumber::ram_live})
            join(plain, plain + facts.buffers + facts.structure, facts.support[at(n)]);
    }

    const Graph& graph_;
    const CostTarget& target_;
    Summary summary_;
    TapeBuilder tape_;
};

std::vector<TapeVariable> variables_of(const std::vector<SearchParameter>& parameters) {
    std::vector<TapeVariable> variables;
    for (const SearchParameter& p : parameters) {
        if (p.values.empty() || !std::is_sorted(p.values.begin(), p.values.end()))
            throw ShapeError("parameter '" + p.name + "': values must be ascending, and at least one");
        variables.push_back({p.name, {p.values.front(), p.values.back()}});
    }
    return variables;
}

constexpr std::size_t few_values = 8;

// With a stride or a kernel decided, sizes become equal that aren't always.
void add_equal(ProgramFacts& facts, const std::vector<SearchParameter>& parameters,
               const std::vector<TapeVariable>& variables) {
    for (std::size_t p = 0; p < parameters.size(); ++p) {
        if (parameters[p].values.size() < 2 || parameters[p].values.size() > few_values) continue;
        for (const double value : parameters[p].values) {
            std::vector<TapeVariable> decided = variables;
            decided[p].range = {value, value};
            TapeBuilder builder(std::move(decided));
            ProgramFacts::Equal equal{p, value, firsts(compiled(facts.buffer_sizes, builder)), {}};
            for (std::size_t b = 0; b < facts.buffers; ++b) {
                const std::size_t a = at(equal.same[b]);
                if (facts.same[a] != facts.same[b]) equal.joined.emplace_back(a, b);
            }
            if (!equal.joined.empty()) facts.equal.push_back(std::move(equal));
        }
    }
}

std::uint64_t next_number() {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

}  // namespace

}  // namespace costing

using namespace costing;

CostProgram::CostProgram(const Graph& graph, const CostTarget& target, const std::vector<SearchParameter>& parameters,
                         const std::vector<Expr>& conditions) {
    std::vector<TapeVariable> variables = variables_of(parameters);
    auto facts = std::make_shared<ProgramFacts>(Compiler(graph, target, variables).compile(conditions));
    facts->number = next_number();
    add_equal(*facts, parameters, variables);
    for (const SearchParameter& p : parameters) facts->values.push_back(p.values);
    facts->parameters = parameters.size();
    facts->variables = std::move(variables);
    facts_ = std::move(facts);
}

std::size_t CostProgram::parameters() const {
    return facts_->parameters;
}
std::size_t CostProgram::conditions() const {
    return facts_->asked;
}
const std::vector<std::size_t>& CostProgram::support(CostNumber number) const {
    return facts_->support[static_cast<std::size_t>(number)];
}
const std::vector<std::size_t>& CostProgram::structural() const {
    return facts_->structural;
}
const std::string& CostProgram::problem() const {
    return facts_->problem;
}
std::size_t CostProgram::steps() const {
    return facts_->tape.steps();
}
std::string CostProgram::text() const {
    const ProgramFacts& f = *facts_;
    std::string text = f.tape.text();
    for (const Schedule::Step& step : f.schedule.steps) {
        text += ';';
        for (const TensorId t : step.inputs) text += std::to_string(t) + ' ';
        for (const TensorId t : step.outputs) text += std::to_string(t) + ' ';
    }
    return text;
}
const std::vector<std::string>& CostProgram::node_names() const {
    return facts_->node_names;
}

CostNumbers CostProgram::point(std::span<const double> values) const {
    const ProgramFacts& f = *facts_;
    static thread_local std::vector<double> registers;
    registers.resize(f.tape.registers());
    std::copy(values.begin(), values.end(), registers.begin());
    f.tape.point(registers);
    CostNumbers numbers = {};
    for (std::size_t i = 0; i < plain; ++i) numbers[i] = registers[static_cast<std::size_t>(f.tape.output(i))];
    reader_of(f).memory(registers.data(), 1, 0, numbers, true);
    return numbers;
}

std::vector<NodeNumbers> CostProgram::nodes(std::span<const double> values) const {
    const Tape& tape = facts_->node_tape;
    std::vector<double> registers(tape.registers());
    std::copy(values.begin(), values.end(), registers.begin());
    tape.point(registers);
    std::vector<NodeNumbers> nodes(facts_->node_names.size());
    for (std::size_t i = 0; i < nodes.size(); ++i) {
        const auto number = [&](std::size_t k) { return registers[static_cast<std::size_t>(tape.output(5 * i + k))]; };
        nodes[i] = {number(0) != 0.0, number(1), number(2), number(3), number(4)};
    }
    return nodes;
}

std::string CostProgram::broken(std::span<const double> values) const {
    TapeBuilder builder(facts_->variables);
    for (const Requirement& r : facts_->requirements) {
        const Tape tape = builder.build({builder.integer(r.condition)});
        std::vector<double> registers(tape.registers());
        std::copy(values.begin(), values.end(), registers.begin());
        tape.point(registers);
        if (registers[static_cast<std::size_t>(tape.output(0))] == 0.0) return r.text;
    }
    return {};
}

void CostProgram::points(std::int64_t rows, const std::vector<const double*>& columns,
                         const std::array<double*, cost_number_count>& out, bool plan) const {
    const ProgramFacts& f = *facts_;
    constexpr std::int64_t width = numeric::tape_width;
    const bool memory = out[at(CostNumber::ram_activations)] != nullptr || out[at(CostNumber::ram_live)] != nullptr;
    const Tape& tape = memory ? f.tape : f.counts;
    tape.points(
        rows,
        [&](std::int64_t first, std::int64_t count, double* registers) {
            for (std::size_t p = 0; p < columns.size(); ++p)
                std::copy_n(columns[p] + first, count, registers + static_cast<std::int64_t>(p) * width);
        },
        [&](std::int64_t first, std::int64_t count, double* registers) {
            for (std::size_t i = 0; i < plain; ++i) {
                if (out[i] == nullptr) continue;
                std::copy_n(registers + tape.output(i) * width, count, out[i] + first);
            }
            if (!memory) return;
            Reader& reader = reader_of(f);
            CostNumbers numbers = {};
            for (std::int64_t r = 0; r < count; ++r) {
                reader.memory(registers, width, r, numbers, plan);
                for (const CostNumber n : {CostNumber::ram_activations, CostNumber::ram_live}) {
                    if (out[at(n)] != nullptr) out[at(n)][first + r] = of(numbers, n);
                }
            }
        });
}

void CostProgram::boxes(std::int64_t rows, const double* lo, const double* hi, CostNumberRange* out, double* conditions,
                        const Plans& plans) const {
    const ProgramFacts& f = *facts_;
    constexpr std::int64_t width = numeric::tape_width;
    constexpr std::int64_t to_upper = numeric::tape_boxes;
    f.tape.boxes(
        rows,
        [&](std::int64_t first, std::int64_t count, double* registers) {
            for (std::size_t p = 0; p < f.parameters; ++p) {
                const auto v = static_cast<std::int64_t>(p);
                std::copy_n(lo + v * rows + first, count, registers + v * width);
                std::copy_n(hi + v * rows + first, count, registers + v * width + to_upper);
            }
        },
        [&](std::int64_t first, std::int64_t count, double* registers) {
            Reader& reader = reader_of(f);
            for (std::int64_t r = 0; r < count; ++r) {
                CostNumberRange& box = out[first + r];
                for (std::size_t i = 0; i < plain; ++i) {
                    const double* from = registers + f.tape.output(i) * width + r;
                    box.lo[i] = from[0];
                    box.hi[i] = from[to_upper];
                }
                reader.box_memory(registers, r, box, plans);
                if (conditions == nullptr) continue;
                for (std::size_t c = 0; c < f.asked; ++c) {
                    const double* from = registers + f.tape.output(plain + f.buffers + f.structure + c) * width + r;
                    double* to = conditions + (static_cast<std::size_t>(first + r) * f.asked + c) * 2;
                    to[0] = from[0];
                    to[1] = from[to_upper];
                }
            }
        });
}

}  // namespace gonogo
