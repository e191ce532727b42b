// The cost engine for Python. Results keep the graph alive and hand out plain numbers; nothing is computed here.
#include "gonogo/engines/cost.hpp"

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/error.hpp"

#include "bindings.hpp"

namespace py = pybind11;
using namespace gonogo;

namespace {

using Ends = std::tuple<double, double, double>;
using Table = std::map<std::string, std::map<std::string, double>>;

struct GraphCost {
    CostModel model;
    CostResult result;
};

// The last graphs asked about, read once: repeated queries then cost microseconds. Entries don't keep graphs alive.
class ModelCache {
  public:
    CostModel of(const std::shared_ptr<const Graph>& graph) {
        {
            const std::scoped_lock lock(mutex_);
            for (const Entry& entry : entries_) {
                if (entry.graph.lock() == graph) return *entry.model;
            }
        }
        const CostModel model(*graph);
        const std::scoped_lock lock(mutex_);
        entries_[next_] = {graph, model};
        next_ = (next_ + 1) % entries_.size();
        return model;
    }

  private:
    struct Entry {
        std::weak_ptr<const Graph> graph;
        std::optional<CostModel> model;
    };
    std::mutex mutex_;
    std::array<Entry, 8> entries_;
    std::size_t next_ = 0;
};

CostModel model_of(const std::shared_ptr<Graph>& graph) {
    static ModelCache cache;
    return cache.of(graph);
}

std::optional<Ends> ends(const std::optional<Bracket>& b) {
    if (!b) return std::nullopt;
    return Ends{b->lower, b->estimate, b->upper};
}

// A bracket of a target: finite, not negative, in order.
std::optional<Bracket> bracket(const std::optional<Ends>& given, const std::string& target, const char* what) {
    if (!given) return std::nullopt;
    const auto [lower, estimate, upper] = *given;
    if (!(lower >= 0.0 && lower <= estimate && estimate <= upper && upper <= 1e12)) {
        throw TargetError("target '" + target + "': " + what + " must satisfy 0 <= lower <= estimate <= upper");
    }
    return Bracket{lower, estimate, upper};
}

KernelSet kernel_set(const std::string& target, const std::string& name) {
    if (name == "reference") return KernelSet::reference;
    if (name == "cmsis-nn-plain") return KernelSet::cmsis_nn_plain;
    if (name == "cmsis-nn-dsp") return KernelSet::cmsis_nn_dsp;
    if (name == "cmsis-nn-mve") return KernelSet::cmsis_nn_mve;
    throw TargetError("target '" + target + "': kernels '" + name +
                      "' aren't known; known: reference, cmsis-nn-plain, cmsis-nn-dsp, cmsis-nn-mve");
}

template <class Name>
Name named(const std::string& name, std::size_t count, const CostTarget& target, const char* what) {
    for (std::size_t i = 0; i < count; ++i) {
        if (name_of(static_cast<Name>(i)) == name) return static_cast<Name>(i);
    }
    throw TargetError("target '" + target.name + "': no " + what + " '" + name + "'");
}

// "p2*n2*k4" as its factors.
std::vector<Factor> factors_of(const std::string& term, double weight, const std::string& kernel,
                               const CostTarget& target) {
    if (!(weight >= 0.0 && weight <= 1e9)) {
        throw TargetError("target '" + target.name + "': coefficient " + kernel + " '" + term +
                          "' must lie in [0, 1e9]");
    }
    std::vector<Factor> factors;
    std::istringstream names(term);
    for (std::string name; std::getline(names, name, '*');)
        factors.push_back(named<Factor>(name, factor_count, target, "factor"));
    if (factors.empty() || factors.size() > 4) {
        throw TargetError("target '" + target.name + "': term '" + term + "' of " + kernel + " has " +
                          std::to_string(factors.size()) + " factors; 1 to 4 are possible");
    }
    return factors;
}

FormulaTable formulas(const Table& table, const CostTarget& target) {
    FormulaTable formulas;
    for (const auto& [kernel, row] : table) {
        const auto k = named<KernelClass>(kernel, kernel_class_count, target, "kernel class");
        std::vector<std::pair<std::vector<Factor>, double>> products;
        for (const auto& [term, weight] : row) products.emplace_back(factors_of(term, weight, kernel, target), weight);
        formulas[static_cast<std::size_t>(k)] = formula_from(products);
    }
    return formulas;
}

Standing standing_of(const std::string& text, std::initializer_list<Standing> allowed, const std::string& target,
                     const char* what) {
    std::string known;
    for (const Standing s : allowed) {
        if (name_of(s) == text) return s;
        known += (known.empty() ? "'" : ", '") + std::string(name_of(s)) + "'";
    }
    throw TargetError("target '" + target + "': " + what + " must be one of " + known);
}

using CodeBytes = std::array<std::int64_t, 4>;

FlashRule flash_rule(const std::string& target, bool stores_file, const Ends& stored, const CodeBytes& code,
                     const Ends& code_scale, const std::string& code_standing) {
    FlashRule rule;
    rule.stores_file = stores_file;
    rule.stored = *bracket(stored, target, "stored_constants");
    for (const std::int64_t bytes : code) {
        if (bytes < 0 || bytes > std::int64_t{1} << 40)
            throw TargetError("target '" + target + "': code_bytes must lie in [0, 2^40]");
    }
    rule.code = {.base = code[0],
                 .per_node = code[1],
                 .per_scale = code[2],
                 .float_base = code[3],
                 .scale = *bracket(code_scale, target, "code_scale"),
                 .standing = standing_of(code_standing, {Standing::exact, Standing::estimated, Standing::assumed},
                                         target, "code_standing")};
    const bool fixed = code[1] == 0 && code[2] == 0 && code[3] == code[0] && rule.code.scale.lower == 1.0 &&
                       rule.code.scale.upper == 1.0;
    if (rule.code.standing == Standing::exact && !fixed)
        throw TargetError("target '" + target + "': only one size for all networks can be exact");
    return rule;
}

CostTarget make_target(std::string name, const std::string& kernels, int pointer_bits, bool plans_as_tflm,
                       const Ends& stored_constants, const CodeBytes& code_bytes, const Ends& code_scale,
                       const std::string& code_standing, std::optional<double> clock_hz, const Table& instructions,
                       const std::vector<Table>& cycles, const Ends& latency_scale, bool skips_zero_filters,
                       const std::string& latency_standing, const std::optional<Ends>& power_watts) {
    CostTarget target;
    target.name = std::move(name);
    target.kernels = kernel_set(target.name, kernels);
    if (pointer_bits != 32 && pointer_bits != 64) {
        throw TargetError("target '" + target.name + "': pointer_bits must be 32 or 64");
    }
    target.pointer_bits = pointer_bits;
    target.plans_as_tflm = plans_as_tflm;
    target.flash = flash_rule(target.name, plans_as_tflm, stored_constants, code_bytes, code_scale, code_standing);
    if (clock_hz && !(*clock_hz > 0.0 && *clock_hz <= 1e12)) {
        throw TargetError("target '" + target.name + "': clock_hz must lie in (0, 1e12]");
    }
    target.clock_hz = clock_hz;
    target.instructions = formulas(instructions, target);
    for (const Table& table : cycles) target.cycles.push_back(formulas(table, target));
    target.latency_scale = *bracket(latency_scale, target.name, "latency_scale");
    target.skips_zero_filters = skips_zero_filters;
    target.latency_standing =
        standing_of(latency_standing, {Standing::estimated, Standing::assumed}, target.name, "latency_standing");
    target.power_watts = bracket(power_watts, target.name, "power_watts");
    return target;
}

Ends ends_of(const Bracket& b) {
    return {b.lower, b.estimate, b.upper};
}

CodeBytes assumed_code() {
    const CodeSize code;
    return {code.base, code.per_node, code.per_scale, code.float_base};
}

py::dict parts_of(const std::vector<Part>& parts) {
    py::dict out;
    for (const auto& [name, value] : parts) out[py::str(name.data(), name.size())] = value;
    return out;
}

std::tuple<std::int64_t, std::int64_t, std::int64_t> bytes_of(const ByteRange& r) {
    return {r.lower, r.estimate, r.upper};
}

template <class Field>
auto field(Field CostResult::* member) {
    return [member](const GraphCost& c) { return c.result.*member; };
}

auto standing(Standing CostResult::* member) {
    return [member](const GraphCost& c) { return name_of(c.result.*member); };
}

}  // namespace

void register_cost(py::module_& m) {
    py::class_<CostTarget, py::smart_holder>(m, "CostTarget",
                                             "A device in numbers; gonogo.targets reads it from a file.")
        .def(py::init(&make_target), py::kw_only(), py::arg("name"), py::arg("kernels"), py::arg("pointer_bits") = 32,
             py::arg("plans_as_tflm") = true, py::arg("stored_constants") = ends_of(FlashRule{}.stored),
             py::arg("code_bytes") = assumed_code(), py::arg("code_scale") = ends_of(CodeSize{}.scale),
             py::arg("code_standing") = "assumed", py::arg("clock_hz") = py::none(), py::arg("instructions") = Table{},
             py::arg("cycles") = std::vector<Table>{}, py::arg("latency_scale") = Ends{1.0, 1.0, 1.0},
             py::arg("skips_zero_filters") = false, py::arg("latency_standing") = "estimated",
             py::arg("power_watts") = py::none())
        .def_readonly("name", &CostTarget::name)
        .def_readonly("pointer_bits", &CostTarget::pointer_bits)
        .def_readonly("plans_as_tflm", &CostTarget::plans_as_tflm)
        .def_readonly("clock_hz", &CostTarget::clock_hz)
        .def_property_readonly(
            "latency_scale", [](const CostTarget& t) { return ends_of(t.latency_scale); },
            "What the sum of the nodes' cycles is multiplied by: (lower, estimate, upper).")
        .def("__repr__", [](const CostTarget& t) { return "<gonogo.CostTarget '" + t.name + "'>"; });

    py::class_<NodeCost>(m, "NodeCost",
                         "Work of one node: exact counts, and instructions and time, estimated where known.")
        .def_readonly("macs", &NodeCost::macs)
        .def_readonly("other_operations", &NodeCost::other_operations)
        .def_readonly("parameter_bytes", &NodeCost::parameter_bytes)
        .def_readonly("instructions", &NodeCost::instructions)
        .def_readonly("seconds", &NodeCost::seconds);

    py::class_<PlannedBuffer>(m, "PlannedBuffer", "A buffer of the activation arena: place, and first and last step.")
        .def_readonly("name", &PlannedBuffer::name)
        .def_readonly("size_bytes", &PlannedBuffer::size_bytes)
        .def_readonly("offset_bytes", &PlannedBuffer::offset_bytes)
        .def_readonly("first", &PlannedBuffer::first)
        .def_readonly("last", &PlannedBuffer::last);

    py::class_<GraphCost>(m, "Cost", "What a network costs on a target. None: undecided, and `notes` says why.")
        .def_property_readonly("macs", field(&CostResult::macs), "Multiply-accumulates: exact.")
        .def_property_readonly("other_operations", field(&CostResult::other_operations),
                               "Additions, comparisons, look-ups and the like: exact.")
        .def_property_readonly("parameter_bytes", field(&CostResult::parameter_bytes), "All constants: exact.")
        .def_property_readonly("macs_by_op", [](const GraphCost& c) { return parts_of(c.result.macs_by_op); })
        .def_property_readonly("nodes", field(&CostResult::nodes), "One entry per node, in schedule order.")
        .def_property_readonly(
            "flash_model_bytes", [](const GraphCost& c) { return bytes_of(c.result.flash_model); },
            "The model as the engine stores it: (lower, estimate, upper).")
        .def_property_readonly("flash_model_standing", standing(&CostResult::flash_model_standing))
        .def_property_readonly(
            "flash_code_bytes", [](const GraphCost& c) { return bytes_of(c.result.flash_code); },
            "Kernels and runtime: (lower, estimate, upper).")
        .def_property_readonly("flash_code_standing", standing(&CostResult::flash_code_standing))
        .def_property_readonly("flash_model_floor_bytes", field(&CostResult::flash_model_floor_bytes),
                               "Proved: the model can't take less.")
        .def_property_readonly("ram_bytes", field(&CostResult::ram_bytes), "Activation and persistent part together.")
        .def_property_readonly("ram_activation_bytes", field(&CostResult::ram_activation_bytes))
        .def_property_readonly("ram_activation_standing", standing(&CostResult::ram_activation_standing))
        .def_property_readonly("ram_persistent_bytes", field(&CostResult::ram_persistent_bytes))
        .def_property_readonly("ram_persistent_standing", standing(&CostResult::ram_persistent_standing))
        .def_property_readonly("ram_persistent_parts",
                               [](const GraphCost& c) { return parts_of(c.result.ram_persistent_parts); })
        .def_property_readonly("ram_live_bytes", field(&CostResult::ram_live_bytes),
                               "Most bytes alive at once: a floor for every plan of this schedule without overlap.")
        .def_property_readonly("peak_node",
                               [](const GraphCost& c) -> std::optional<std::string> {
                                   if (c.result.peak_node < 0) return std::nullopt;
                                   return c.model.node_name(c.result.peak_node);
                               })
        .def_property_readonly("peak_index", field(&CostResult::peak_node))
        .def_property_readonly("instructions", field(&CostResult::instructions))
        .def_property_readonly(
            "latency_seconds", [](const GraphCost& c) { return ends(c.result.latency_seconds); },
            "(lower, estimate, upper)")
        .def_property_readonly("latency_standing", standing(&CostResult::latency_standing))
        .def_property_readonly(
            "energy_joules", [](const GraphCost& c) { return ends(c.result.energy_joules); },
            "(lower, estimate, upper)")
        .def_property_readonly("notes", field(&CostResult::notes));

    m.def(
        "cost",
        [](const std::shared_ptr<Graph>& graph, const CostTarget& target) {
            const py::gil_scoped_release no_gil;
            CostModel model = model_of(graph);
            CostResult result = model.cost(target);
            return GraphCost{std::move(model), std::move(result)};
        },
        py::arg("graph").none(false), py::arg("target"),
        "Work, flash, RAM, latency and energy of a graph on a target.");

    m.def(
        "plan_buffers",
        [](const std::shared_ptr<Graph>& graph, const CostTarget& target) { return model_of(graph).plan(target); },
        py::arg("graph").none(false), py::arg("target"), py::call_guard<py::gil_scoped_release>(),
        "Where TensorFlow Lite Micro's planner puts each activation and scratch buffer.");

    m.def(
        "greedy_offsets",
        [](const std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>>& buffers) {
            std::vector<BufferRequest> requests;
            requests.reserve(buffers.size());
            for (const auto& [size, first, last] : buffers) {
                if (size < 0 || size > (std::int64_t{1} << 40) || first > last) {
                    throw py::value_error(
                        "buffers: each is (size, first, last) with size in [0, 2^40] and first <= last");
                }
                requests.push_back({size, first, last});
            }
            return greedy_offsets(requests);
        },
        py::arg("buffers"), "The planner by itself: offsets for buffers given as (size, first step, last step).");
}
