// A device in numbers, as the cost engine sees it. gonogo.targets reads it from files that state unit and source.
#pragma once

#include <array>
#include <cmath>
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
    coded, array2, array4,
    // clang-format on
};
inline constexpr std::size_t factor_count = 52;

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

// Bytes of kernels and runtime in flash, a whole number for every network: `base` + `per_node` x nodes + `per_scale` x
// scales of 8-bit weights; `float_base` where the weights are float32. The engine's own linked size lies within `scale`
// times that.
struct CodeSize {
    // Of an engine that nobody measured: published rows of others span 12 to 183 KiB (docs/cost-model.md).
    std::int64_t base = 61440, per_node = 0, per_scale = 0, float_base = 61440;
    Bracket scale = {0.2, 1.0, 3.05};
    Standing standing = Standing::assumed;  // exact: what the target's file states as a fact
};

// What an engine puts into flash: the model and the code that runs it.
struct FlashRule {
    // The whole model file, as TensorFlow Lite Micro does. If not: arrays of an engine's own, `stored` times the
    // constants.
    bool stores_file = true;
    Bracket stored = {0.29, 1.0, 2.1};  // Vela's span over the corpus's int8 models: it compresses
    CodeSize code;

    // Bytes. Floors: proved, nothing smaller is possible.
    double model_floor(double constants) const { return stores_file ? constants : 0.0; }
    double code_floor() const { return code.standing == Standing::exact ? static_cast<double>(code.base) : 0.0; }
    double model_low(double constants) const { return stores_file ? constants : std::floor(constants * stored.lower); }
    // `around`: what a converter typically adds. Over the corpus's 77 files it is 0.29 to 1.31 times the estimate.
    double model_high(double constants, double around) const {
        return stores_file ? constants + around + std::floor(around / 2.0) : std::ceil(constants * stored.upper);
    }
    double code_low(double bytes) const { return std::floor(bytes * code.scale.lower); }
    double code_high(double bytes) const { return std::ceil(bytes * code.scale.upper); }
};

struct CostTarget {
    std::string name;
    KernelSet kernels = KernelSet::reference;
    int pointer_bits = 32;
    // Whether activations lie where TFLM's planner puts them. Other engines overlap an operator's input and output,
    // fuse operators or recompute: then the plan is no more than an estimate.
    bool plans_as_tflm = true;
    FlashRule flash = {};
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
