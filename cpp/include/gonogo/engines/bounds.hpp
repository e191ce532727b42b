// Output range of a network over a box of inputs.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "gonogo/joint/device.hpp"
#include "gonogo/linear/method.hpp"
#include "gonogo/semantics/integer.hpp"

namespace gonogo {

struct BoundResult {
    std::string tensor;
    Shape shape;
    std::vector<double> lower, upper;  // guaranteed enclosure per element, real units, C order
    bool unbounded = false;            // some element has no finite bound
};

struct BoundOptions {
    DeviceArithmetic device = RealArithmetic{};  // what the graph runs in; integers are bounded dequantised
    std::string tensor;                          // the tensor to bound; empty: every output
    Method method = Method::linear;
    double multiplies = default_multiplies;  // for linear bounds; what is beyond is bounded by intervals alone
};

// The box is in the model's input units, one tensor per input; a deployed graph quantises it, whatever the ties of the
// quantiser. Throws BoxError for a box that isn't one.
std::vector<BoundResult> bound(std::shared_ptr<const Graph> graph, std::span<const IntervalTensor> box,
                               const BoundOptions& options);

}  // namespace gonogo
