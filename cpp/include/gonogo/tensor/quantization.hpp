#pragma once

#include <cstdint>
#include <vector>

namespace gonogo {

// real = (q - zero_point) * scale, per tensor (one entry) or per slice along `axis` (one entry per index of that axis).
struct Quantization {
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
    std::int64_t axis = 0;

    bool per_tensor() const { return scales.size() == 1; }
    float scale(std::int64_t channel = 0) const { return scales[per_tensor() ? 0 : static_cast<std::size_t>(channel)]; }
    std::int32_t zero_point(std::int64_t channel = 0) const {
        return zero_points[zero_points.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
    }
};

}  // namespace gonogo
