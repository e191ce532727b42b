// A quantised graph under an integer profile in which some nodes keep a finer result.
//
// Theorem 55 (docs/soundness.md). Let node k give f_k(its inputs) in real arithmetic on the dequantised weights, psi_k
// its activation, s, z and [lo, hi] scale, zero point and integers of its output. On the device it gives
//     kept real           psi_k(f_k)
//     kept in 16 bits     phi(f_k + e), a multiple of s / 256, |e| <= s / 512, phi the clamp to the multiples
//                         256 (lo - z) to 256 (hi - z) + 255, cut by psi_k's limits rounded to such a multiple
//     reshape, identity   what it reads
//     else                phi(f_k + e), a multiple of s unless the kernel only picks, |e| at most the envelope of the
//                         profile's kernel, phi its clamp; from what is nowhere kept, the integers of that kernel.
// Such a device is one as Theorem 49 wants it, and ranges() and evaluate() enclose it.
#pragma once

#include "gonogo/joint/device.hpp"
#include "gonogo/semantics/real.hpp"

#include "joint/integer_deployment.hpp"

namespace gonogo::joint {

class MixedDeployment final : public Deployment {
  public:
    // Throws QuantizationError for a node that isn't there, or that has nothing to keep.
    MixedDeployment(std::shared_ptr<const Graph> graph, MixedIntegers format);

    const Graph& graph() const override { return base_.graph(); }
    Rounding rounding(const NodeView& node) const override;
    RealClamp clamp(const NodeView& node) const override;
    Input input(std::size_t k) const override;
    std::vector<IntervalTensor> ranges(std::span<const IntervalTensor> box) const override;
    int variants() const override { return base_.variants(); }
    double settle(std::size_t k, double x, double lo, double hi) const override { return base_.settle(k, x, lo, hi); }
    double input_step(std::size_t k) const override;
    // Of the devices that round every result behind a kept one to nearest.
    std::vector<Enclosure> evaluate(std::span<const std::vector<double>> point, std::span<const TensorId> tensors,
                                    int variant) const override;
    std::vector<std::string> assumptions() const override;

  private:
    enum class Steps : std::uint8_t { all, nearest };  // of an integer's rounding: what the envelope allows, or one

    // What a node, or the quantiser of the inputs ("input"), keeps; null: nothing.
    const Kept* kept(const std::string& name) const;
    void check(const std::string& name) const;
    std::vector<IntervalTensor> walk(std::span<const IntervalTensor> inputs, const std::vector<IntervalTensor>& base,
                                     Steps steps) const;
    void finish(const NodeView& node, IntervalTensor& result, Steps steps) const;

    IntegerDeployment base_;
    RealProgram program_;
    MixedIntegers format_;
    std::vector<bool> finer_;  // by tensor: a kept result takes part in it
};

}  // namespace gonogo::joint
