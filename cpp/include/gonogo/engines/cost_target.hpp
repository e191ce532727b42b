// A device in numbers, as the cost engine sees it. gonogo.targets reads it from files that state unit and source.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gonogo {

enum class Standing : std::uint8_t { exact, estimated, assumed, undecided };
std::string_view name_of(Standing standing);

// Which kernels TensorFlow Lite Micro runs: they decide the scratch buffers and the persistent structures.
enum class KernelSet : std::uint8_t {
    reference,       // TFLM's own portable kernels
    cmsis_nn_plain,  // CMSIS-NN without DSP instructions (Cortex-M0+, M3)
    cmsis_nn_dsp,    // with the DSP extension (M4, M7, M33)
    cmsis_nn_mve,    // with Helium (M55)
};

// Factors of the trip counts of kernels' loops: `p` output positions, `n` output channels, `k` products summed per
// output, `c` input channels, `w` taps of the window. A digit divides, rounding down; `u` rounds up; `r` is the
// remainder. docs/cost-model.md lists them.
enum class Factor : std::uint8_t {
    // clang-format off
    call, products, rows,
    p, p2, p2r, p4, p4r, p4odd,
    n, n2, n2r, n2some, n3, n3r, n3some, n4, n4r, n4odd, n4some,
    k, k4, k4r, k4mixed, k16, k16u, k16r4, k16mixed,
    c, c4, c4r, c4u, c4mixed, c16, c16r4, c16u,
    w, w2, w2r, wh,
    taps, pads, trows, later, blocks,
    inputs, outputs, o4, o4r,
    array2, array4,
    // clang-format on
};
inline constexpr std::size_t factor_count = 51;

// Classes of kernels that the instruction model tells apart.
enum class KernelClass : std::uint8_t {
    conv_1x1,
    conv_general,
    depthwise_3x3,
    depthwise_general,
    depthwise_plain,  // more outputs than inputs
    dense,
    add,
    max_pool,
    average_pool,
    mean,
    softmax,
    quantize,    // from float
    dequantize,  // to float
    requantize,  // between integers
    copy,        // reshape, concat: runs of elements
    pad,
    shape,
    pack,
    permute,  // transpose, slices, resizing: element by element
    sigmoid,
    none,  // no model: latency is undecided
};
inline constexpr std::size_t kernel_class_count = 20;  // without `none`
std::string_view name_of(KernelClass kernel);
std::string_view name_of(Factor factor);

// A weighted sum of products of factors, those with the same beginning together:
// sum over groups of the product of `common` times (alone + sum of weight x factor). Every weight is >= 0.
struct FormulaGroup {
    std::vector<Factor> common;
    double alone = 0.0;
    std::vector<std::pair<Factor, double>> last;
};
using Formula = std::vector<FormulaGroup>;
// From products (at least one factor each) and their weights.
Formula formula_from(const std::vector<std::pair<std::vector<Factor>, double>>& products);
using FormulaTable = std::array<std::optional<Formula>, kernel_class_count>;

struct Bracket {
    double lower = 0.0;
    double estimate = 0.0;
    double upper = 0.0;
};

struct CostTarget {
    std::string name;
    KernelSet kernels = KernelSet::reference;
    int pointer_bits = 32;
    // Whether activations lie where TFLM's planner puts them. Other engines overlap an operator's input and output,
    // fuse operators or recompute: then the plan is no more than an estimate.
    bool plans_as_tflm = true;
    FormulaTable instructions = {};  // per node; empty where nobody counted them
    // Latency = scale * sum over nodes of the largest of these / clock: a core has one table, an accelerator one for
    // its arithmetic and one per memory. Absent parts make latency undecided.
    std::vector<FormulaTable> cycles;
    std::optional<double> clock_hz;
    Bracket latency_scale = {1.0, 1.0, 1.0};
    bool skips_zero_filters = false;  // the engine leaves out convolution filters whose weights are all zero
    Standing latency_standing = Standing::undecided;
    std::optional<Bracket> power_watts;  // whole board, under the conditions that the target's file states
};

}  // namespace gonogo
