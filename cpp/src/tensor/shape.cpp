#include "gonogo/tensor/shape.hpp"

#include "gonogo/error.hpp"

namespace gonogo {

std::int64_t element_count(const Shape& shape) {
    std::int64_t count = 1;
    bool empty = false;
    for (const std::int64_t dim : shape) {
        if (dim < 0) throw ShapeError("shape " + to_string(shape) + " has a negative dimension");
        if (dim == 0) {
            empty = true;
        } else if (count > (std::int64_t{1} << 62) / dim) {
            throw ShapeError("shape " + to_string(shape) + " has more elements than can be counted");
        } else {
            count *= dim;
        }
    }
    return empty ? 0 : count;
}

std::string to_string(const Shape& shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i > 0) text += ", ";
        text += std::to_string(shape[i]);
    }
    return text + "]";
}

}  // namespace gonogo
