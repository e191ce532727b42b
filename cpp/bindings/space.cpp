// Cost programs, their limits, and the search of a space for Python. The judge of the search is the cost judge; here
// their words are translated, nothing is computed.
#include "gonogo/engines/space.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include "gonogo/engines/cost_judge.hpp"
#include "gonogo/error.hpp"
#include "gonogo/ir/tape.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
using namespace gonogo;

namespace {

using Limit = std::tuple<std::string, double, bool>;

LimitedCost cost_named(const std::string& name) {
    if (name == "ram") return LimitedCost::ram;
    if (name == "flash") return LimitedCost::flash;
    if (name == "flash_model") return LimitedCost::flash_model;
    if (name == "latency") return LimitedCost::latency;
    if (name == "energy") return LimitedCost::energy;
    if (name == "macs") return LimitedCost::macs;
    throw LimitError("no limit '" + name + "'");
}

const char* name_of_answer(Answer a) {
    return a == Answer::feasible ? "feasible" : (a == Answer::infeasible ? "infeasible" : "undecided");
}

// A configuration, judged. What it costs beyond the verdict is worked out when asked for.
struct Judged {
    std::shared_ptr<const class Judge> judge;
    std::vector<double> values;
    CostNumbers numbers;
    Answer answer;
};

class Judge : public std::enable_shared_from_this<Judge> {
  public:
    Judge(const std::shared_ptr<Graph>& graph, const CostTarget& target,
          const std::vector<std::pair<std::string, std::vector<double>>>& parameters,
          const std::vector<std::optional<Expr>>& exists, const std::vector<Limit>& limits, double slack)
        : parameters_(read(parameters)), judge_(make(*graph, target, parameters_, exists, limits, slack)) {
        for (std::size_t p = 0; p < exists.size(); ++p) {
            if (exists[p]) conditional_.push_back(p);
        }
        for (const SearchParameter& p : parameters_) names_.emplace_back(py::str(p.name));
    }

    const std::vector<SearchParameter>& parameters() const { return parameters_; }
    const CostJudge& costs() const { return judge_; }
    const std::vector<std::size_t>& conditional() const { return conditional_; }

    Judged judged(std::vector<double> values) const {
        const CostNumbers numbers = judge_.program().point(values);
        const Answer answer = judge_.answer(numbers, numbers);
        return {shared_from_this(), std::move(values), numbers, answer};
    }

    // The plain case: integers under their names, and no parameter that may be missing. Anything else: nothing.
    std::optional<Judged> of_integers(const py::dict& config) const {
        if (!conditional_.empty()) return std::nullopt;
        std::vector<double> values(parameters_.size());
        for (std::size_t p = 0; p < parameters_.size(); ++p) {
            PyObject* item = PyDict_GetItemWithError(config.ptr(), names_[p].ptr());
            if (item == nullptr || !PyLong_CheckExact(item)) return std::nullopt;
            values[p] = PyLong_AsDouble(item);
            const std::vector<double>& known = parameters_[p].values;
            if (!std::binary_search(known.begin(), known.end(), values[p])) {
                PyErr_Clear();
                return std::nullopt;
            }
        }
        return judged(std::move(values));
    }

  private:
    static std::vector<SearchParameter> read(const std::vector<std::pair<std::string, std::vector<double>>>& given) {
        std::vector<SearchParameter> out;
        for (const auto& [name, values] : given) out.push_back({name, values});
        return out;
    }
    static CostJudge make(const Graph& graph, const CostTarget& target, const std::vector<SearchParameter>& parameters,
                          const std::vector<std::optional<Expr>>& exists, const std::vector<Limit>& limits,
                          double slack) {
        std::vector<Expr> conditions;
        for (const std::optional<Expr>& e : exists) {
            if (e) conditions.push_back(*e);
        }
        std::vector<CostLimit> kept;
        for (const auto& [name, limit, on_estimates] : limits) kept.push_back({cost_named(name), limit, on_estimates});
        return {CostProgram(graph, target, parameters, conditions), target, std::move(kept), slack};
    }

    std::vector<SearchParameter> parameters_;
    CostJudge judge_;
    std::vector<std::size_t> conditional_;
    std::vector<py::str> names_;
};

// The search's judge: boxes of indices become boxes of values, answers become findings.
class Adapter : public SpaceJudge {
  public:
    explicit Adapter(std::shared_ptr<const Judge> judge) : judge_(std::move(judge)) {}

    void judge(std::span<const SpaceBox> boxes, std::uint64_t masked, std::vector<SpaceFinding>& out) const override {
        const CostJudge& costs = judge_->costs();
        const std::vector<CostNumberRange> ranges = evaluate(
            boxes, [&](const CostNumberRange& r) { return costs.answer(r.lo, r.hi, masked) == Answer::undecided; });
        const std::size_t conditions = judge_->conditional().size();
        out.assign(boxes.size(), {});
        for (std::size_t r = 0; r < boxes.size(); ++r) {
            const CostNumberRange& range = ranges[r];
            SpaceFinding& found = out[r];
            const Answer all = costs.answer(range.lo, range.hi, masked);
            found.region = all == Answer::feasible     ? Region::feasible
                           : all == Answer::infeasible ? Region::infeasible
                                                       : Region::undecided;
            found.is_network = of(range.hi, CostNumber::valid) != 0.0;
            for (std::size_t i = 0; i < costs.limits().size(); ++i) {
                if ((masked >> i & 1U) != 0) continue;
                const Answer one = costs.answer(i, range.lo, range.hi);
                if (one == Answer::infeasible) found.broken |= std::uint64_t{1} << i;
                if (one == Answer::undecided) found.open |= std::uint64_t{1} << i;
            }
            found.exists.assign(judge_->parameters().size(), Existence::always);
            for (std::size_t c = 0; c < conditions; ++c) {
                const double* ends = conditions_.data() + (r * conditions + c) * 2;
                found.exists[judge_->conditional()[c]] = ends[0] != 0.0   ? Existence::always
                                                         : ends[1] == 0.0 ? Existence::never
                                                                          : Existence::open;
            }
        }
    }

    void least(const SpaceBox& box, std::vector<double>& least, std::vector<double>& spread) const override {
        const CostJudge& costs = judge_->costs();
        const CostNumberRange range = evaluate({&box, 1}).front();
        least.clear();
        spread.clear();
        for (const CostLimit& limit : costs.limits()) {
            const CostEnds ends = costs.ends(limit.cost, range.lo, range.hi);
            const double low = limit.on_estimates ? std::max(ends.low, ends.floor) : ends.floor;
            least.push_back(low);
            spread.push_back(costs.spread(limit.cost, range.lo, range.hi));
        }
    }

  private:
    std::vector<CostNumberRange> evaluate(std::span<const SpaceBox> boxes, const CostProgram::Plans& plans = {}) const {
        const std::vector<SearchParameter>& parameters = judge_->parameters();
        const std::size_t rows = boxes.size();
        lo_.resize(parameters.size() * rows);
        hi_.resize(parameters.size() * rows);
        for (std::size_t p = 0; p < parameters.size(); ++p) {
            for (std::size_t r = 0; r < rows; ++r) {
                lo_[p * rows + r] = parameters[p].values[static_cast<std::size_t>(boxes[r].lo[p])];
                hi_[p * rows + r] = parameters[p].values[static_cast<std::size_t>(boxes[r].hi[p])];
            }
        }
        std::vector<CostNumberRange> out(rows);
        conditions_.resize(rows * judge_->conditional().size() * 2);
        judge_->costs().program().boxes(static_cast<std::int64_t>(rows), lo_.data(), hi_.data(), out.data(),
                                        conditions_.empty() ? nullptr : conditions_.data(), plans);
        return out;
    }

    std::shared_ptr<const Judge> judge_;
    mutable std::vector<double> lo_, hi_, conditions_;  // one search, one thread
};

py::dict numbers_of(const CostNumbers& numbers) {
    py::dict out;
    for (std::size_t i = 0; i < cost_number_count; ++i) {
        const std::string_view name = name_of(static_cast<CostNumber>(i));
        out[py::str(name.data(), name.size())] = numbers[i];
    }
    return out;
}

py::dict points(const Judge& judge, const std::vector<py::array>& columns, bool plan) {
    if (columns.size() != judge.parameters().size())
        throw py::value_error("columns: one array per parameter is needed");
    std::vector<bindings::InputArray<double>> kept;
    std::vector<const double*> data;
    std::int64_t rows = columns.empty() ? 1 : static_cast<std::int64_t>(columns.front().size());
    for (std::size_t p = 0; p < columns.size(); ++p) {
        kept.push_back(bindings::take<double>(columns[p], judge.parameters()[p].name, std::vector<std::int64_t>{rows}));
        data.push_back(kept.back().values.data());
    }
    py::dict out;
    std::array<double*, cost_number_count> to = {};
    for (std::size_t i = 0; i < cost_number_count; ++i) {
        const auto number = static_cast<CostNumber>(i);
        if (!plan && (number == CostNumber::ram_activations || number == CostNumber::ram_live)) continue;
        py::array_t<double> column(rows);
        to[i] = column.mutable_data();
        const std::string_view name = name_of(number);
        out[py::str(name.data(), name.size())] = std::move(column);
    }
    {
        const py::gil_scoped_release no_gil;
        judge.costs().program().points(rows, data, to, plan);
    }
    return out;
}

SpaceShape shape_of(const Judge& judge, std::vector<std::vector<double>> places,
                    std::vector<std::vector<std::size_t>> exists_through) {
    SpaceShape shape;
    const CostJudge& costs = judge.costs();
    for (const SearchParameter& p : judge.parameters())
        shape.sizes.push_back(static_cast<std::int32_t>(p.values.size()));
    shape.places = std::move(places);
    shape.exists_through = std::move(exists_through);
    shape.structural = costs.program().structural();
    for (std::size_t i = 0; i < costs.limits().size(); ++i) shape.support.push_back(costs.support(i));
    for (const CostLimit& limit : costs.limits()) shape.limits.push_back(limit.limit);
    shape.requirements = costs.program().support(CostNumber::valid);
    return shape;
}

struct Search {
    std::shared_ptr<const Judge> judge;
    Adapter adapter;
    SpaceSearch search;

    Search(const std::shared_ptr<Judge>& j, std::vector<std::vector<double>> places,
           std::vector<std::vector<std::size_t>> exists_through)
        : judge(j), adapter(judge), search(adapter, shape_of(*j, std::move(places), std::move(exists_through))) {}

    SpaceBox box(const std::optional<std::vector<std::pair<std::int32_t, std::int32_t>>>& ends) const {
        SpaceBox box = search.whole();
        if (!ends) return box;
        if (ends->size() != box.lo.size()) throw py::value_error("box: one pair of indices per parameter is needed");
        for (std::size_t p = 0; p < ends->size(); ++p) {
            const auto [lo, hi] = (*ends)[p];
            if (lo < 0 || lo > hi || hi > box.hi[p]) throw py::value_error("box: indices out of range");
            box.lo[p] = lo;
            box.hi[p] = hi;
        }
        return box;
    }
};

using Ends = std::optional<std::vector<std::pair<std::int32_t, std::int32_t>>>;

const char* name_of_region(Region r) {
    return r == Region::feasible ? "feasible" : (r == Region::infeasible ? "infeasible" : "undecided");
}

py::tuple paving_of(const Paving& paving) {
    const std::size_t n = paving.boxes.size();
    const std::size_t parameters = n == 0 ? 0 : paving.boxes.front().box.lo.size();
    py::array_t<std::int32_t> lo({n, parameters});
    py::array_t<std::int32_t> hi({n, parameters});
    py::array_t<double> volume(static_cast<py::ssize_t>(n));
    py::array_t<std::uint8_t> region(static_cast<py::ssize_t>(n));
    py::array_t<std::uint64_t> broken(static_cast<py::ssize_t>(n));
    py::array_t<std::uint8_t> exists({n, parameters});
    for (std::size_t i = 0; i < n; ++i) {
        const PavedBox& b = paving.boxes[i];
        for (std::size_t p = 0; p < parameters; ++p) {
            lo.mutable_at(i, p) = b.box.lo[p];
            hi.mutable_at(i, p) = b.box.hi[p];
            exists.mutable_at(i, p) = b.finding.exists[p] == Existence::never ? 0 : 1;
        }
        volume.mutable_at(i) = b.volume;
        region.mutable_at(i) = static_cast<std::uint8_t>(b.finding.region);
        broken.mutable_at(i) = b.finding.is_network ? b.finding.broken : ~std::uint64_t{0};
    }
    return py::make_tuple(lo, hi, volume, region, broken, exists, paving.evaluated);
}

// Expressions as a tape of their own. Everything else in this module runs on such tapes.
class Expressions {
  public:
    Expressions(const std::vector<Expr>& expressions, const std::vector<std::tuple<std::string, double, double>>& names)
        : variables_(static_cast<std::int64_t>(names.size())) {
        std::vector<TapeVariable> variables;
        for (const auto& [name, lo, hi] : names) variables.push_back({name, {lo, hi}});
        TapeBuilder builder(std::move(variables));
        std::vector<TapeValue> outputs;
        for (const Expr& e : expressions) outputs.push_back(builder.integer(e));
        tape_ = builder.build(outputs);
    }

    std::size_t steps() const { return tape_.steps(); }

    std::vector<double> point(const std::vector<double>& values) const {
        if (static_cast<std::int64_t>(values.size()) != variables_)
            throw py::value_error("values: one number per variable is needed");
        std::vector<double> registers(tape_.registers());
        std::copy(values.begin(), values.end(), registers.begin());
        tape_.point(registers);
        std::vector<double> out;
        for (std::size_t i = 0; i < tape_.outputs(); ++i)
            out.push_back(registers[static_cast<std::size_t>(tape_.output(i))]);
        return out;
    }

    py::array_t<double> points(const py::array& columns) const {
        const std::array<bindings::InputArray<double>, 1> ends = {bindings::take<double>(columns, "columns")};
        return run(ends);
    }

    py::array_t<double> boxes(const py::array& lo, const py::array& hi) const {
        const auto low = bindings::take<double>(lo, "lo");
        const std::array<bindings::InputArray<double>, 2> ends = {low, bindings::take<double>(hi, "hi", low.shape)};
        return run(ends);
    }

  private:
    // One array of numbers per end in; [end, output, row] out.
    template <std::size_t ends>
    py::array_t<double> run(const std::array<bindings::InputArray<double>, ends>& in) const {
        if (in[0].shape.size() != 2 || in[0].shape[0] != variables_)
            throw py::value_error("expected shape [variables, rows]");
        const std::int64_t rows = in[0].shape[1];
        const auto outputs = static_cast<std::int64_t>(tape_.outputs());
        py::array_t<double> result({static_cast<py::ssize_t>(ends), static_cast<py::ssize_t>(outputs), rows});
        double* to = result.mutable_data();
        constexpr auto stride = numeric::tape_width;
        constexpr auto to_end = numeric::tape_boxes;
        const auto fill = [&](std::int64_t first, std::int64_t count, double* registers) {
            for (std::int64_t v = 0; v < variables_; ++v) {
                for (std::size_t e = 0; e < ends; ++e) {
                    std::copy_n(in[e].values.data() + v * rows + first, count,
                                registers + v * stride + static_cast<std::int64_t>(e) * to_end);
                }
            }
        };
        const auto take = [&](std::int64_t first, std::int64_t count, double* registers) {
            for (std::int64_t i = 0; i < outputs; ++i) {
                const double* from = registers + tape_.output(static_cast<std::size_t>(i)) * stride;
                for (std::size_t e = 0; e < ends; ++e) {
                    const auto end = static_cast<std::int64_t>(e);
                    std::copy_n(from + end * to_end, count, to + (end * outputs + i) * rows + first);
                }
            }
        };
        const py::gil_scoped_release no_gil;
        if constexpr (ends == 1) {
            tape_.points(rows, fill, take);
        } else {
            tape_.boxes(rows, fill, take);
        }
        return result;
    }

    std::int64_t variables_;
    Tape tape_;
};

}  // namespace

void register_space(py::module_& m) {
    py::class_<Expressions>(m, "Expressions", "Integer expressions, compiled for points, columns and boxes.")
        .def(py::init<const std::vector<Expr>&, const std::vector<std::tuple<std::string, double, double>>&>(),
             py::arg("expressions"), py::arg("variables"), "`variables`: name, least and greatest value.")
        .def_property_readonly("steps", &Expressions::steps)
        .def("point", &Expressions::point, py::arg("values"))
        .def("points", &Expressions::points, py::arg("columns"), "[variables, rows] in, [1, expressions, rows] out.")
        .def("boxes", &Expressions::boxes, py::arg("lo"), py::arg("hi"),
             "[variables, rows] twice in, [2, expressions, rows] out: least and greatest.");

    py::class_<Judged>(m, "Judged", "A configuration's verdict and numbers.")
        .def_property_readonly("verdict", [](const Judged& j) { return name_of_answer(j.answer); })
        .def_property_readonly("infeasible", [](const Judged& j) { return j.answer == Answer::infeasible; })
        .def_property_readonly("numbers", [](const Judged& j) { return numbers_of(j.numbers); })
        .def_property_readonly("values", [](const Judged& j) { return j.values; })
        .def_property_readonly("is_network", [](const Judged& j) { return of(j.numbers, CostNumber::valid) != 0.0; })
        .def("broken", [](const Judged& j) { return j.judge->costs().program().broken(j.values); })
        .def("ends",
             [](const Judged& j, std::size_t limit) {
                 const CostJudge& costs = j.judge->costs();
                 const CostEnds e = costs.ends(costs.limits().at(limit).cost, j.numbers, j.numbers);
                 return std::tuple(e.floor, e.low, e.high);
             })
        .def("nodes", [](const Judged& j) {
            py::list out;
            const CostProgram& program = j.judge->costs().program();
            const std::vector<NodeNumbers> nodes = program.nodes(j.values);
            for (std::size_t i = 0; i < nodes.size(); ++i) {
                const NodeNumbers& n = nodes[i];
                if (!n.active) continue;
                out.append(
                    py::make_tuple(program.node_names()[i], n.macs, n.other_operations, n.parameter_bytes, n.cycles));
            }
            return out;
        });

    py::class_<Judge, std::shared_ptr<Judge>>(m, "Judge", "Limits on what an architecture costs, for a space.")
        .def(py::init([](const std::shared_ptr<Graph>& graph, const CostTarget& target,
                         const std::vector<std::pair<std::string, std::vector<double>>>& parameters,
                         const std::vector<std::optional<Expr>>& exists, const std::vector<Limit>& limits,
                         double slack) {
                 return std::make_shared<Judge>(graph, target, parameters, exists, limits, slack);
             }),
             py::arg("graph"), py::arg("target"), py::arg("parameters"), py::arg("exists"), py::arg("limits"),
             py::arg("slack"))
        .def("of_integers", &Judge::of_integers, py::arg("config"))
        .def("of_values", &Judge::judged, py::arg("values"))
        .def("points", &points, py::arg("columns"), py::arg("plan"))
        .def(
            "boxes",
            [](const Judge& j, const py::array& lo, const py::array& hi, bool plan) {
                const auto n = static_cast<std::int64_t>(j.parameters().size());
                const auto a = bindings::take<double>(lo, "lo");
                const auto b = bindings::take<double>(hi, "hi", a.shape);
                if (a.shape.size() != 2 || a.shape[0] != n)
                    throw py::value_error("lo, hi: expected shape [parameters, boxes]");
                const std::int64_t rows = a.shape[1];
                std::vector<CostNumberRange> out(static_cast<std::size_t>(rows));
                {
                    const py::gil_scoped_release no_gil;
                    j.costs().program().boxes(rows, a.values.data(), b.values.data(), out.data(), nullptr,
                                              [&](const CostNumberRange&) { return plan; });
                }
                py::array_t<double> result(
                    {static_cast<py::ssize_t>(rows), py::ssize_t{2}, static_cast<py::ssize_t>(cost_number_count)});
                double* to = result.mutable_data();
                for (const CostNumberRange& r : out) {
                    to = std::copy(r.lo.begin(), r.lo.end(), to);
                    to = std::copy(r.hi.begin(), r.hi.end(), to);
                }
                return result;
            },
            py::arg("lo"), py::arg("hi"), py::arg("plan") = true,
            "Array [boxes, 2, numbers]: least and greatest of each number; without `plan` the arena lies between the\n"
            "bytes alive at once and those of all buffers.")
        .def_property_readonly("problem", [](const Judge& j) { return j.costs().program().problem(); })
        .def_property_readonly("steps", [](const Judge& j) { return j.costs().program().steps(); })
        .def_property_readonly("text", [](const Judge& j) { return j.costs().text(); })
        .def_property_readonly_static("number_names",
                                      [](const py::object&) {
                                          std::vector<std::string> names;
                                          for (std::size_t i = 0; i < cost_number_count; ++i)
                                              names.emplace_back(name_of(static_cast<CostNumber>(i)));
                                          return names;
                                      })
        .def("support", [](const Judge& j, std::size_t limit) { return j.costs().support(limit); });

    py::class_<Search>(m, "SpaceSearch", "Branch and prune over a space.")
        .def(py::init<const std::shared_ptr<Judge>&, std::vector<std::vector<double>>,
                      std::vector<std::vector<std::size_t>>>(),
             py::arg("judge"), py::arg("places"), py::arg("exists_through"))
        .def(
            "pave",
            [](const Search& s, std::int64_t boxes, double seconds,
               const std::function<bool(std::int64_t, double)>& watch) {
                Paving paving;
                {
                    const py::gil_scoped_release no_gil;
                    SpaceBudget budget{.boxes = boxes, .seconds = seconds};
                    if (watch) {
                        budget.watch = [&](std::int64_t evaluated, double decided) {
                            const py::gil_scoped_acquire gil;
                            return watch(evaluated, decided);
                        };
                    }
                    paving = s.search.pave(budget);
                }
                return paving_of(paving);
            },
            py::arg("boxes"), py::arg("seconds"), py::arg("watch"))
        .def(
            "find",
            [](const Search& s, const Ends& box, std::int64_t boxes, std::uint64_t masked, int must_exist) {
                const Found f = s.search.find(s.box(box), boxes, masked, must_exist);
                return std::pair(f.point, f.proved);
            },
            py::arg("box"), py::arg("boxes"), py::arg("masked") = 0, py::arg("must_exist") = -1,
            py::call_guard<py::gil_scoped_release>())
        .def(
            "least",
            [](const Search& s, const Ends& box, std::optional<std::size_t> limit, std::int64_t boxes) {
                const SpaceSearch::Least l = s.search.least(s.box(box), limit, boxes);
                return std::tuple(l.value, l.found.point, l.found.proved);
            },
            py::arg("box"), py::arg("limit"), py::arg("boxes"), py::call_guard<py::gil_scoped_release>())
        .def_property_readonly_static("regions", [](const py::object&) {
            return std::vector<std::string>{name_of_region(Region::feasible), name_of_region(Region::infeasible),
                                            name_of_region(Region::undecided)};
        });
}
