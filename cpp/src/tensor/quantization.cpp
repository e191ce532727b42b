#include "gonogo/tensor/quantization.hpp"

namespace gonogo {

QuantizationEntries::QuantizationEntries(const Quantization& quantization, const Shape& dims) {
    if (quantization.per_tensor() && !quantization.blocked()) return;
    const auto axis = static_cast<std::size_t>(quantization.axis);
    block_ = quantization.block;
    length_ = dims[axis];
    for (std::size_t d = axis + 1; d < dims.size(); ++d) inner_ *= dims[d];
    count_ = length_;
    if (block_ == 0) return;
    blocks_ = length_ / block_ + (length_ % block_ == 0 ? 0 : 1);
    count_ = blocks_ * inner_;
    for (std::size_t d = 0; d < axis; ++d) count_ *= dims[d];
}

}  // namespace gonogo
