// All that is known about one operator. A plain struct of values and stateless functions; an empty field means
// "unsupported here" and becomes an UnsupportedOperatorError naming node, operator and engine. registry.cpp lists them.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/ir/attributes.hpp"
#include "gonogo/ir/expr.hpp"
#include "gonogo/ops/int8.hpp"
#include "gonogo/ops/node_view.hpp"

namespace gonogo {

enum class AttributeKind : std::uint8_t { integer, number, text, integers };

struct AttributeSpec {
    std::string_view name;
    AttributeKind kind;
    Attribute fallback;                          // used when the node leaves the attribute out
    bool required = false;                       // then `fallback` is ignored
    std::vector<std::string_view> choices = {};  // allowed texts; empty = any
};

using SymbolicShape = std::vector<Expr>;

// Exact counts over the node's shapes.
struct Work {
    Expr macs = 0;              // multiply-accumulates
    Expr other_operations = 0;  // additions, comparisons, table look-ups ...: one per output element and operand
    Expr parameter_bytes = 0;   // constants the node reads, each counted at its own node
};

// Enclosure of a node's real-valued result: writes `out` (already of the output's shape) so that it contains the result
// for every choice of inputs in the boxes `in`. One pointer per node input; constants with weights (dense,
// convolutions, batch_norm) and absent inputs are nullptr, the kernel holds what it needs of them. Theorem:
// docs/soundness.md, "Interval propagation".
using RealKernel = std::function<void(std::span<const IntervalTensor* const> in, IntervalTensor& out)>;

// How the bound on the error walks through the node (engines/error).
enum class JointKind : std::uint8_t {
    none,        // no joint rule: the engine falls back to the difference of two separate ranges
    affine,      // linear in the first input with constant weights
    add,         // linear in both inputs
    multiply,    // bilinear in both inputs
    movement,    // moves elements; every output element is one input element or a constant
    univariate,  // one monotone scalar function
    maximum,     // maximum over windows of one input
    average,     // average over windows or axes of one input
    softmax,
};

struct OperatorRecord {
    std::string_view name;
    std::string_view summary;  // one line for docs/operators.md
    std::string_view onnx;     // names in the formats, comma separated; empty if none
    std::string_view tflite;
    int min_inputs = 1;
    int max_inputs = 1;
    int outputs = 1;
    std::vector<AttributeSpec> attributes = {};

    // Shapes of the outputs from those of the inputs. Throws ShapeError.
    std::vector<SymbolicShape> (*shape)(const NodeView&) = nullptr;
    // Work counts. Empty: the operator only moves data, all counts are zero except parameter bytes.
    Work (*work)(const NodeView&) = nullptr;
    // Prepares the enclosure of the real-valued result over boxes of inputs (a point is a box of width zero).
    RealKernel (*real)(const NodeView&) = nullptr;
    Int8Rules int8 = {};   // of int8 and uint8 activations
    Int8Rules int16 = {};  // of int16 activations
    JointKind joint = JointKind::none;
};

// The record of a canonical name, or nullptr.
const OperatorRecord* find_operator(std::string_view name);
std::span<const OperatorRecord* const> all_operators();

}  // namespace gonogo
