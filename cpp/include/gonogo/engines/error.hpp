// How far a deployed network can be from its reference over a box of inputs: a proved bound, and a witness below it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gonogo/joint/device.hpp"
#include "gonogo/linear/method.hpp"
#include "gonogo/semantics/integer.hpp"
#include "gonogo/semantics/real.hpp"

namespace gonogo {

struct ErrorOptions {
    DeviceArithmetic device = Profile::tflm;
    Method method = Method::linear;
    double multiplies = default_multiplies;  // for linear bounds; what is beyond is bounded by intervals alone
    std::string tensor = {};  // deployed tensor to compare; empty = every output and the logits before it
    std::int64_t search_multiplies = 500'000'000;  // work the witness search may do, in multiply-accumulates
    std::uint64_t seed = 1;
    bool attribute = true;  // per-layer shares

    // ---- for splitting (ErrorSession::advance)
    std::optional<double> threshold = std::nullopt;  // stop when |deployed - reference| <= threshold is decided
    double gap = 0.0;                                // without one: stop where bound <= (1 + gap) * witness
    std::vector<std::int64_t> elements = {};         // of the first tensor; empty: all elements of all tensors
};

struct TensorError {
    std::string name;            // in the deployed graph
    std::string reference_name;  // in the reference graph
    Shape shape;
    bool joint = false;                // false: difference of two separate ranges, no shared part cancelled
    std::vector<double> lower, upper;  // guaranteed: lower <= deployed - reference <= upper, per element
    std::vector<double> bound;         // guaranteed upper bound on |deployed - reference|, per element
    std::vector<double> witness;       // guaranteed lower bound on the largest |deployed - reference|, per element
    double worst_witness = 0.0;        // largest entry of `witness`
    std::vector<std::vector<double>> worst_input;  // the input that reaches it, one list per model input
};

// Attribution, not a bound on anything that runs: what if this layer alone were deployed and all others were exact?
struct LayerShare {
    std::string name;  // deployed node; "input" for the quantisation of the inputs
    std::string op;
    double alone;  // bound on the error of ErrorResult::attributed in that hypothetical network, real units
    double share;  // `alone` divided by its sum over all layers
};

struct Saturation {
    std::string tensor;
    std::int64_t low = 0, high = 0;  // elements that can be cut at the low (high) end of the storage type
    std::int64_t elements = 0;
};

struct ErrorResult {
    std::vector<TensorError> tensors;  // outputs first, then logits
    std::string attributed;  // tensor that `per_layer` is about: the logits if there are any, else the first output
    std::vector<LayerShare> per_layer;
    std::vector<Saturation> saturation;  // only tensors where something can be cut
    std::vector<std::string> notes;      // what couldn't be matched, what was left out
    std::vector<std::string> assumptions;
    std::int64_t evaluations = 0;  // of the witness search
    std::int64_t parts = 1;        // of the box
};

// The bracket [witness, bound], narrowed for as long as the caller likes. `reference` may be null: then it is the
// deployed graph in real arithmetic with its dequantised weights. `box` is in the units of the model's inputs.
class ErrorSession {
  public:
    // Finds the first bounds and witnesses. Throws BoxError, UnsupportedOperatorError, OverflowRiskError, ShapeError.
    ErrorSession(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed,
                 std::span<const IntervalTensor> box, const ErrorOptions& options);
    ~ErrorSession();
    ErrorSession(ErrorSession&&) noexcept;
    ErrorSession& operator=(ErrorSession&&) noexcept;

    // For about so many seconds of wall time makes up for what `multiplies` cut short, and splits the box. Bounds only
    // get sharper, witnesses only larger. True when there is nothing left to do: the threshold is decided, the gap
    // reached, or the method doesn't split.
    bool advance(double seconds);
    ErrorResult result() const;

  private:
    class Run;
    std::unique_ptr<Run> run_;
};

// The first bracket alone.
ErrorResult error(std::shared_ptr<const Graph> reference, std::shared_ptr<const Graph> deployed,
                  std::span<const IntervalTensor> box, const ErrorOptions& options);

}  // namespace gonogo
