#include "engines/error/saturation.hpp"

#include "ops/common.hpp"

namespace gonogo::joint {

std::vector<Saturation> find_saturation(const IntegerProgram& program, const std::vector<DeviceRange>& ranges) {
    const Graph& g = program.graph();
    std::vector<Saturation> found;
    std::vector<const std::int32_t*> lo, hi;
    for (std::size_t n = 0; n < g.nodes.size(); ++n) {
        const NodeView view(g, static_cast<NodeId>(n));
        const Int8Kernel& kernel = program.kernel(view.id());
        if (!kernel.unclamped_range) continue;
        lo.clear();
        hi.clear();
        for (const TensorId t : view.node().inputs) {
            const bool none = t == absent || ranges[static_cast<std::size_t>(t)].integers.lo.empty();
            lo.push_back(none ? nullptr : ranges[static_cast<std::size_t>(t)].integers.lo.data());
            hi.push_back(none ? nullptr : ranges[static_cast<std::size_t>(t)].integers.hi.data());
        }
        const Tensor& out = view.output();
        std::vector<std::int32_t> low(static_cast<std::size_t>(out.elements()));
        std::vector<std::int32_t> high(low.size());
        kernel.unclamped_range(lo, hi, low.data(), high.data());
        // An activation limit that lies inside the storage range cuts first; then the storage type cuts nothing.
        const ClampRange storage = storage_limits(out);
        const RealClamp activation = activation_clamp(view);
        const bool type_cuts_low = activation.lo < dequantized(*out.quantization, storage.lo);
        const bool type_cuts_high = activation.hi > dequantized(*out.quantization, storage.hi);
        Saturation s{out.name, 0, 0, out.elements()};
        for (std::size_t i = 0; i < low.size(); ++i) {
            if (type_cuts_low && low[i] < storage.lo) ++s.low;
            if (type_cuts_high && high[i] > storage.hi) ++s.high;
        }
        if (s.low + s.high > 0) found.push_back(s);
    }
    return found;
}

}  // namespace gonogo::joint
