// The immutable, validated network. Built by GraphBuilder, read by engines, shared between threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gonogo/ir/attributes.hpp"
#include "gonogo/ir/expr.hpp"
#include "gonogo/tensor/dtype.hpp"
#include "gonogo/tensor/quantization.hpp"
#include "gonogo/tensor/shape.hpp"

namespace gonogo {

using TensorId = std::int32_t;
using NodeId = std::int32_t;
inline constexpr TensorId absent = -1;  // an optional input that isn't there

struct OperatorRecord;

// Of two tensors the one that a configuration has: `yes` where the condition is 1, else `no`.
struct Merge {
    Expr condition;
    TensorId yes = absent;
    TensorId no = absent;
};

// What must hold for a configuration to be a network at all.
struct Requirement {
    Expr condition;    // 0 or 1
    std::string text;  // what is wrong where it is 0
};

struct Tensor {
    std::string name;
    DType dtype = DType::float32;
    std::vector<Expr> shape;
    Expr wide = 0;         // architectures only: 1 where the configuration stores float32 in place of int8
    Expr scale_count = 0;  // architectures only: scales of a quantised constant
    std::optional<Merge> merge = std::nullopt;  // architectures only: the tensor is another name for one of two others
    Shape dims;  // the shape's values when all of them are constants, else empty with symbolic == true
    bool symbolic = false;
    std::optional<Quantization> quantization;

    bool is_constant = false;
    std::vector<std::byte> data;  // constants only; empty when only the shape is known (`has_values` false)
    bool has_values = false;
    // An int4 constant: `data` holds its values as int8, which is how every kernel computes with them; the file and the
    // device's flash hold two per byte.
    bool packed_int4 = false;

    // Values of an activation that the loader could fold (shape arithmetic). The tensor stays in the schedule, because
    // the device's memory planner sees it; bound engines treat it as a constant.
    std::optional<std::vector<std::int64_t>> known_value;

    NodeId producer = -1;           // -1 for graph inputs and constants
    std::vector<NodeId> consumers;  // in schedule order, without repeats

    template <class T>
    std::span<const T> values() const {
        return {reinterpret_cast<const T*>(data.data()), data.size() / sizeof(T)};
    }
    std::int64_t elements() const { return element_count(dims); }
    std::int64_t bytes() const { return elements() * byte_size(dtype); }
    Expr element_bytes() const {
        return wide.is_constant() && wide.constant() == 0 ? Expr(byte_size(dtype)) : Expr(1) + wide * Expr(3);
    }
    std::int64_t stored_bytes() const { return packed_int4 ? (elements() + 1) / 2 : bytes(); }
    std::string_view type_name() const { return packed_int4 ? "int4" : name_of(dtype); }
    bool is_quantized() const { return quantization.has_value() && dtype != DType::float32; }
};

struct Node {
    std::string name;
    const OperatorRecord* op = nullptr;
    std::vector<TensorId> inputs;  // `absent` for optional inputs left out
    std::vector<TensorId> outputs;
    Expr active = 1;        // architectures only: whether the configuration has the node, 0 or 1
    Attributes attributes;  // complete: defaults filled in, checked against the record's schema
};

class Graph {
  public:
    std::string source;  // what the user loaded, for error messages
    std::string format;  // "onnx", "tflite", "architecture"
    std::int64_t file_bytes = 0;
    std::string sha256;

    std::vector<Tensor> tensors;
    std::vector<Node> nodes;  // in the file's schedule, which is a topological order
    std::vector<TensorId> inputs;
    std::vector<TensorId> outputs;
    std::vector<Requirement> requirements;  // architectures only

    const Tensor& tensor(TensorId id) const { return tensors[static_cast<std::size_t>(id)]; }
    const Node& node(NodeId id) const { return nodes[static_cast<std::size_t>(id)]; }
    // Throws ModelError that lists the nearest names when there is no such tensor.
    TensorId find(const std::string& name) const;
    // "<source>: node 3 'name' (conv2d)"
    std::string where(NodeId id) const;
};

}  // namespace gonogo
