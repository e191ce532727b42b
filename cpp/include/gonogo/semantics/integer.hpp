// A quantised graph as the device computes it under a kernel profile: exact at a point, enclosed over a box.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gonogo/domains/interval_tensor.hpp"
#include "gonogo/ops/record.hpp"

namespace gonogo {

// Value of one tensor on the device: integers for quantised tensors, float32 numbers for float tensors.
struct DeviceValue {
    std::vector<std::int32_t> integers;
    std::vector<float> floats;
};

// Range of one tensor on the device, likewise.
struct DeviceRange {
    QuantRange integers;
    IntervalTensor floats;
};

class IntegerProgram {
  public:
    // Throws UnsupportedOperatorError for a node that the profile has no kernel for, OverflowRiskError for an
    // accumulator that can overflow.
    IntegerProgram(std::shared_ptr<const Graph> graph, Profile profile);

    const Graph& graph() const { return *graph_; }
    Profile profile() const { return profile_; }
    // The prepared kernel of a node; its functions are empty for nodes that convert from or to float32.
    const Int8Kernel& kernel(NodeId node) const { return steps_[static_cast<std::size_t>(node)].kernel; }

    // For profile `any`, whose own points don't exist: the concrete profiles that it covers at every node, prepared.
    std::vector<IntegerProgram> members() const;

    // Exact: bit for bit what the device computes. One value per graph input.
    // Throws UnsupportedOperatorError under `any`, and where a kernel's answer at this point isn't determined.
    void run(std::span<const DeviceValue> inputs, std::vector<DeviceValue>& values) const;
    // Encloses what the device computes over boxes of inputs.
    void run(std::span<const DeviceRange> inputs, std::vector<DeviceRange>& ranges) const;

  private:
    enum class Way : std::uint8_t { left_out, integer, quantize, dequantize, move };
    struct Step {
        Way way = Way::left_out;
        Int8Kernel kernel;
    };
    Way way_of(const NodeView& view) const;
    void check_inputs(std::size_t given) const;

    std::shared_ptr<const Graph> graph_;
    Profile profile_;
    std::vector<Step> steps_;
};

// Real value of a quantised element, exact in binary64.
inline double dequantized(const Quantization& q, std::int32_t value) {
    return (static_cast<double>(value) - static_cast<double>(q.zero_point())) * static_cast<double>(q.scale());
}

// What a result under this profile assumes of the device, in words.
std::string assumption_of(Profile profile);

// Conversion of an integer to float32: |result - scale (q - zero_point)| <= 2^-24 scale |q - zero_point| + this.
double dequantize_error(Profile profile, const Quantization& q);

// Enclosure of the real values of a device range.
IntervalTensor real_range(const Tensor& tensor, const DeviceRange& range);

// Lowest and highest integer of a quantised tensor's element type.
ClampRange storage_limits(const Tensor& tensor);

}  // namespace gonogo
