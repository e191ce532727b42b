// Output range of a network over a box of inputs.
#pragma once

#include <memory>
#include <optional>
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

// A graph made ready to be bounded over many boxes: prepared and translated once. May be run by several threads.
class BoundProgram {
  public:
    // Throws what the arithmetic or the graph doesn't allow.
    BoundProgram(std::shared_ptr<const Graph> graph, const BoundOptions& options);
    ~BoundProgram();
    BoundProgram(const BoundProgram&) = delete;
    BoundProgram& operator=(const BoundProgram&) = delete;

    const Graph& graph() const;

    // The wanted tensors over one box, one interval tensor per input, in the model's input units; a deployed graph
    // quantises it, whatever the ties of the quantiser. Throws BoxError for a box that isn't one.
    std::vector<BoundResult> run(std::span<const IntervalTensor> box) const;

    // The same over each box, spread over threads; every number is the one that run() gives for that box alone. Shapes
    // have a leading axis of boxes. A BoxError says which box, counted from `first` where that is given.
    std::vector<BoundResult> run_all(std::span<const std::vector<IntervalTensor>> boxes,
                                     std::optional<std::int64_t> first = {}) const;

  private:
    struct Prepared;
    std::unique_ptr<const Prepared> prepared_;
};

// Over one box, as BoundProgram::run.
std::vector<BoundResult> bound(std::shared_ptr<const Graph> graph, std::span<const IntervalTensor> box,
                               const BoundOptions& options);

}  // namespace gonogo
