// What an operator's rules see of a node: its attributes and tensors, by role, with errors that name the place.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "gonogo/error.hpp"
#include "gonogo/ir/graph.hpp"

namespace gonogo {

class NodeView {
  public:
    NodeView(const Graph& graph, NodeId id, std::vector<Requirement>* requirements = nullptr)
        : graph_(&graph), id_(id), requirements_(requirements) {}

    const Graph& graph() const { return *graph_; }
    NodeId id() const { return id_; }
    const Node& node() const { return graph_->node(id_); }
    const OperatorRecord& op() const { return *node().op; }

    std::size_t input_count() const { return node().inputs.size(); }
    bool has_input(std::size_t i) const { return i < node().inputs.size() && node().inputs[i] != absent; }
    const Tensor& input(std::size_t i) const { return graph_->tensor(node().inputs[i]); }
    const Tensor& output(std::size_t i = 0) const { return graph_->tensor(node().outputs[i]); }

    std::int64_t integer(std::string_view key) const;
    double number(std::string_view key) const;
    const std::string& text(std::string_view key) const;
    const std::vector<std::int64_t>& integers(std::string_view key) const;
    // A list of integers that may be expressions in hyper-parameters.
    std::vector<Expr> expressions(std::string_view key) const;
    bool has(std::string_view key) const { return node().attributes.find(key) != node().attributes.end(); }

    // The node is well formed only where the condition is 1. Throws ShapeError where it is decided and 0; where it
    // depends on hyper-parameters the graph keeps it.
    void require(const Expr& condition, const std::string& what) const;

    // "<source>: node 3 'name' (conv2d): " + what
    std::string message(const std::string& what) const { return graph_->where(id_) + ": " + what; }

  private:
    const Graph* graph_;
    NodeId id_;
    std::vector<Requirement>* requirements_;  // of the graph being built; null afterwards
};

}  // namespace gonogo
