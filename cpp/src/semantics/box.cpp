#include "gonogo/semantics/box.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "gonogo/error.hpp"
#include "gonogo/semantics/integer.hpp"

namespace gonogo {

void check_box(const Graph& graph, std::span<const IntervalTensor> box) {
    if (box.size() != graph.inputs.size()) {
        throw BoxError(graph.source + ": the box has " + std::to_string(box.size()) + " tensors, the model has " +
                       std::to_string(graph.inputs.size()) + " inputs");
    }
    for (std::size_t k = 0; k < box.size(); ++k) {
        const Tensor& t = graph.tensor(graph.inputs[k]);
        const std::string where = graph.source + ": box of input '" + t.name + "': ";
        if (t.symbolic) throw ShapeError(where + "the input's shape isn't concrete");
        if (t.dtype != DType::float32 && !t.is_quantized()) {
            throw UnsupportedTypeError(where + "the input is " + std::string(name_of(t.dtype)) +
                                       " without quantisation parameters; it stands for no real numbers");
        }
        if (static_cast<std::int64_t>(box[k].lo.size()) != t.elements() ||
            static_cast<std::int64_t>(box[k].hi.size()) != t.elements()) {
            throw BoxError(where + std::to_string(box[k].lo.size()) + " lower and " + std::to_string(box[k].hi.size()) +
                           " upper ends for shape " + to_string(t.dims));
        }
        for (std::size_t i = 0; i < box[k].size(); ++i) {
            if (!std::isfinite(box[k].lo[i]) || !std::isfinite(box[k].hi[i]))
                throw BoxError(where + "element " + std::to_string(i) + " is NaN or infinite");
            if (box[k].lo[i] > box[k].hi[i]) {
                throw BoxError(where + "element " + std::to_string(i) + " has lower end " +
                               std::to_string(box[k].lo[i]) + " above upper end " + std::to_string(box[k].hi[i]));
            }
        }
    }
}

std::vector<IntervalTensor> whole_box(const Graph& graph) {
    std::vector<IntervalTensor> box;
    for (const TensorId id : graph.inputs) {
        const Tensor& t = graph.tensor(id);
        if (t.symbolic) throw ShapeError(graph.source + ": input '" + t.name + "' has no concrete shape");
        if (!t.is_quantized()) {
            throw BoxError(graph.source + ": input '" + t.name + "' is " + std::string(name_of(t.dtype)) +
                           " and has no range of its own; give a box");
        }
        const ClampRange limits = storage_limits(t);
        IntervalTensor b(t.dims);
        std::fill(b.lo.begin(), b.lo.end(), dequantized(*t.quantization, limits.lo));
        std::fill(b.hi.begin(), b.hi.end(), dequantized(*t.quantization, limits.hi));
        box.push_back(std::move(b));
    }
    return box;
}

std::vector<IntervalTensor> settle_box(const Graph& graph, std::span<const IntervalTensor> box) {
    constexpr auto largest = static_cast<double>(std::numeric_limits<float>::max());
    constexpr float unlimited = std::numeric_limits<float>::infinity();
    std::vector<IntervalTensor> settled(box.begin(), box.end());
    for (std::size_t k = 0; k < settled.size(); ++k) {
        const Tensor& t = graph.tensor(graph.inputs[k]);
        if (t.is_quantized()) continue;
        for (std::size_t i = 0; i < settled[k].size(); ++i) {
            double& lo = settled[k].lo[i];
            double& hi = settled[k].hi[i];
            if (lo < -largest || hi > largest) {
                throw BoxError(graph.source + ": box of input '" + t.name + "': element " + std::to_string(i) +
                               " leaves the range of float32");
            }
            float low = static_cast<float>(lo);
            float high = static_cast<float>(hi);
            if (static_cast<double>(low) > lo) low = std::nextafter(low, -unlimited);
            if (static_cast<double>(high) < hi) high = std::nextafter(high, unlimited);
            lo = static_cast<double>(low);
            hi = static_cast<double>(high);
        }
    }
    return settled;
}

}  // namespace gonogo
