#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gonogo/tensor/shape.hpp"

namespace gonogo {

// real = (q - zero_point) * scale. One entry: per tensor. `block` = 0: one entry per index of `axis`. Otherwise per
// block of so many neighbours along `axis` (the last block may be shorter): entries in row-major order of the tensor's
// shape, in which dimension `axis` is the number of blocks. Only weights of floating-point layers have blocks; of these
// a scale may be zero or negative, all others are positive.
struct Quantization {
    std::vector<float> scales;
    std::vector<std::int32_t> zero_points;
    std::int64_t axis = 0;
    std::int64_t block = 0;

    bool per_tensor() const { return scales.size() == 1; }
    bool blocked() const { return block > 0; }
    float scale(std::int64_t channel = 0) const { return scales[per_tensor() ? 0 : static_cast<std::size_t>(channel)]; }
    std::int32_t zero_point(std::int64_t channel = 0) const {
        return zero_points[zero_points.size() == 1 ? 0 : static_cast<std::size_t>(channel)];
    }
};

// Which scale and zero point the elements of a tensor have.
class QuantizationEntries {
  public:
    // `axis` is one of the dimensions, unless one entry is for the whole tensor.
    QuantizationEntries(const Quantization& quantization, const Shape& dims);
    std::int64_t count() const { return count_; }
    // Of element i (row-major).
    std::int64_t operator()(std::int64_t i) const {
        if (count_ == 1) return 0;
        const std::int64_t along = i / inner_ % length_;
        if (block_ == 0) return along;
        return (i / inner_ / length_ * blocks_ + along / block_) * inner_ + i % inner_;
    }

  private:
    std::int64_t count_ = 1, block_ = 0, inner_ = 1, length_ = 1, blocks_ = 1;
};

}  // namespace gonogo
