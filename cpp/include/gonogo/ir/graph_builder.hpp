// The only way to make a Graph. Each call checks what it is given; build() checks the whole.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gonogo/ir/graph.hpp"

namespace gonogo {

class GraphBuilder {
  public:
    GraphBuilder(std::string source, std::string format);

    void set_file(std::int64_t file_bytes, std::string sha256);

    TensorId input(std::string name, std::vector<Expr> shape, DType dtype, std::optional<Quantization> quantization);
    // `bytes` holds the values in C order, native endianness; float32 values must be finite.
    TensorId constant(std::string name, DType dtype, Shape shape, std::vector<std::byte> bytes,
                      std::optional<Quantization> quantization);
    // Says that an int8 constant is stored as int4, two values per byte. Throws if a value or zero point doesn't fit.
    void set_packed_int4(TensorId tensor);
    // A constant whose values aren't needed (cost of a published tensor graph). Bound engines refuse such a graph.
    TensorId constant_without_values(std::string name, DType dtype, Shape shape,
                                     std::optional<Quantization> quantization);
    // An output of a node to come. Its shape, if the file states one, is checked against the operator's shape rule;
    // an empty optional means "whatever the rule gives".
    TensorId activation(std::string name, std::optional<std::vector<Expr>> shape, DType dtype,
                        std::optional<Quantization> quantization);
    // A constant of an architecture: shape and storage (`wide`, see Tensor) may depend on hyper-parameters.
    TensorId parameters(std::string name, DType dtype, std::vector<Expr> shape, Expr wide, Expr scale_count);
    // Says that a graph input or output of a node to come is float32 where `wide` is 1.
    void set_wide(TensorId tensor, Expr wide);
    // Another name for `yes` where the condition is 1, else for `no`: no node, no buffer. Throws ShapeError when they
    // have different numbers of dimensions.
    TensorId merge(std::string name, const Expr& condition, TensorId yes, TensorId no);
    // Of a tensor whose shape is known by now.
    const std::vector<Expr>& shape_of(TensorId tensor);
    // Nodes added from now on exist where the condition is 1.
    void set_active(Expr condition);
    void set_known_value(TensorId tensor, std::vector<std::int64_t> values);
    NodeId node(const std::string& op, std::string name, std::vector<TensorId> inputs, std::vector<TensorId> outputs,
                Attributes attributes);
    void output(TensorId tensor);

    // Throws ModelError / ShapeError / QuantizationError / UnsupportedOperatorError. The builder is empty afterwards.
    std::shared_ptr<const Graph> build();

  private:
    Graph& open();
    Tensor& at(TensorId id, const char* what);
    TensorId add(Tensor tensor);
    std::unique_ptr<Graph> graph_;
    Expr active_ = 1;
};

}  // namespace gonogo
