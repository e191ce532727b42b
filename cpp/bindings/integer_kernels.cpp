// One node's integer kernel for Python: what the tests hold against the runtimes, and what a user replays a layer with.
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "gonogo/error.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/ops/ort_assumptions.hpp"
#include "gonogo/ops/record.hpp"
#include "gonogo/semantics/integer.hpp"

#include "arrays.hpp"
#include "bindings.hpp"

namespace py = pybind11;
using namespace gonogo;

namespace {

using Operands = std::vector<py::object>;
using Pointers = std::vector<const std::int32_t*>;

class IntegerKernel {
  public:
    IntegerKernel(std::shared_ptr<Graph> graph, const std::string& profile, std::int64_t node)
        : graph_(std::move(graph)), node_(node) {
        if (node < 0 || node >= static_cast<std::int64_t>(graph_->nodes.size())) {
            throw py::index_error("node " + std::to_string(node) + " doesn't exist");
        }
        const NodeView view = this->view();
        const numeric::EnvironmentGuard guard;
        kernel_ = integer_rule(view, profile_named(profile))(view);
    }

    py::array point(const Operands& inputs) const {
        std::vector<bindings::InputArray<std::int32_t>> keep;
        const Pointers in = pointers(inputs, keep);
        std::vector<std::int32_t> out(elements());
        {
            const py::gil_scoped_release release;
            const numeric::EnvironmentGuard guard;
            if (!kernel_.point) throw UnsupportedOperatorError(view().message("no exact integers in this profile"));
            kernel_.point(in, out.data());
        }
        return bindings::give(std::move(out), view().output().dims);
    }

    py::tuple range(const Operands& lo, const Operands& hi, bool unclamped) const {
        std::vector<bindings::InputArray<std::int32_t>> keep_lo;
        std::vector<bindings::InputArray<std::int32_t>> keep_hi;
        const Pointers in_lo = pointers(lo, keep_lo);
        const Pointers in_hi = pointers(hi, keep_hi);
        for (std::size_t i = 0; i < keep_lo.size(); ++i) {
            for (std::size_t k = 0; k < keep_lo[i].values.size(); ++k) {
                if (keep_lo[i].values[k] > keep_hi[i].values[k]) {
                    throw BoxError(view().message("lo > hi in element " + std::to_string(k)));
                }
            }
        }
        const auto& function = unclamped ? kernel_.unclamped_range : kernel_.range;
        if (!function) throw UnsupportedOperatorError(view().message("no range before the clamp"));
        std::vector<std::int32_t> out_lo(elements());
        std::vector<std::int32_t> out_hi(elements());
        {
            const py::gil_scoped_release release;
            const numeric::EnvironmentGuard guard;
            function(in_lo, in_hi, out_lo.data(), out_hi.data());
        }
        const Shape& shape = view().output().dims;
        return py::make_tuple(bindings::give(std::move(out_lo), shape), bindings::give(std::move(out_hi), shape));
    }

    std::pair<double, double> envelope() const { return {kernel_.envelope.absolute, kernel_.envelope.relative}; }
    std::vector<std::pair<std::string, std::string>> left_out() const {
        std::vector<std::pair<std::string, std::string>> out;
        for (const LeftOut& l : kernel_.left_out) out.emplace_back(name_of(l.profile), l.reason);
        return out;
    }
    std::pair<int, int> clamp() const { return {kernel_.clamp.lo, kernel_.clamp.hi}; }

  private:
    NodeView view() const { return {*graph_, static_cast<NodeId>(node_)}; }
    std::size_t elements() const { return static_cast<std::size_t>(view().output().elements()); }

    // One array per input of the node; None for constants and absent inputs. Values must fit the tensor's type: the
    // proofs that no accumulator overflows rest on it.
    Pointers pointers(const Operands& given, std::vector<bindings::InputArray<std::int32_t>>& keep) const {
        const NodeView node = view();
        if (given.size() != node.input_count()) {
            throw BoxError(node.message(std::to_string(given.size()) + " operands given, the node has " +
                                        std::to_string(node.input_count())));
        }
        Pointers in;
        keep.reserve(given.size());
        for (std::size_t i = 0; i < given.size(); ++i) {
            if (!node.has_input(i) || node.input(i).is_constant) {
                in.push_back(nullptr);
                continue;
            }
            const Tensor& tensor = node.input(i);
            keep.push_back(bindings::take<std::int32_t>(given[i], "inputs[" + std::to_string(i) + "]", tensor.dims));
            const ClampRange storage = storage_limits(tensor);
            for (const std::int32_t q : keep.back().values) {
                if (q < storage.lo || q > storage.hi) {
                    throw BoxError(
                        node.message("the integer " + std::to_string(q) + " doesn't fit tensor '" + tensor.name + "'"));
                }
            }
            in.push_back(keep.back().values.data());
        }
        return in;
    }

    std::shared_ptr<const Graph> graph_;
    std::int64_t node_;
    Int8Kernel kernel_;
};

}  // namespace

void register_integer_kernels(py::module_& m) {
    py::class_<IntegerKernel>(m, "IntegerKernel",
                              "The integers that one node of a quantised graph computes on the device.")
        .def(py::init<std::shared_ptr<Graph>, std::string, std::int64_t>(), py::arg("graph"), py::arg("profile"),
             py::arg("node"), "Prepares node number `node` for the kernels of `profile`.")
        .def("point", &IntegerKernel::point, py::arg("inputs"),
             "The output integers; one int32 array per input of the node, None for constants.")
        .def("range", &IntegerKernel::range, py::arg("lo"), py::arg("hi"), py::arg("unclamped") = false,
             "Integers (lo, hi) that enclose the output over a box of inputs; `unclamped`: before saturation.")
        .def_property_readonly(
            "envelope", &IntegerKernel::envelope,
            "(absolute, relative): |y - f| <= absolute + relative |f| in output steps, before the clamp.")
        .def_property_readonly("left_out", &IntegerKernel::left_out,
                               "Profiles that the ranges of profile 'any' don't cover, and why.")
        .def_property_readonly("clamp", &IntegerKernel::clamp, "The integers (lo, hi) that the output is clamped to.");

    m.def(
        "machine_assumptions",
        [](const std::shared_ptr<Graph>& graph) {
            std::vector<std::string> out;
            for (std::size_t i = 0; i < graph->nodes.size(); ++i) {
                std::string text = ort_machine_assumption(NodeView(*graph, static_cast<NodeId>(i)));
                if (!text.empty()) out.push_back(std::move(text));
            }
            return out;
        },
        py::arg("graph"),
        "What the exactness of profile 'ort' rests on besides the file: one line per node that needs it.");
}
