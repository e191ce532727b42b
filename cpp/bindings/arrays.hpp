// Arrays across the border. In: exact dtype, native byte order, C-contiguous, or an error that names the argument,
// its shape and its dtype; nothing is ever cast silently. Out: vectors moved into arrays that own them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

namespace gonogo::bindings {

namespace py = pybind11;

// An input array, kept alive, with its values and shape in the core's own types. The values may be read while the
// GIL is released: the array can't be freed, and a caller who writes to it meanwhile races only with himself.
template <class T>
struct InputArray {
    py::array keep;
    std::span<const T> values;
    std::vector<std::int64_t> shape;
};

// "[1, 4]"
template <class Integers>
std::string list_text(const Integers& numbers) {
    std::string text = "[";
    for (const auto n : numbers) {
        if (text.size() > 1) text += ", ";
        text += std::to_string(n);
    }
    text += "]";
    return text;
}

// "argument 'lo': float32 array of shape [1, 4]"
inline std::string describe(const std::string& argument, const py::handle& value) {
    std::string text = "argument '";
    text += argument;
    text += "': ";
    if (!py::isinstance<py::array>(value)) return text += std::string(py::str(py::type::of(value).attr("__name__")));
    const auto array = py::reinterpret_borrow<py::array>(value);
    text += std::string(py::str(array.dtype()));
    text += " array of shape ";
    return text += list_text(std::span(array.shape(), static_cast<std::size_t>(array.ndim())));
}

template <class T>
InputArray<T> take(const py::handle& value, const std::string& argument,
                   const std::optional<std::vector<std::int64_t>>& shape = std::nullopt) {
    const py::dtype wanted = py::dtype::of<T>();
    const auto name = [&] { return std::string(py::str(wanted)); };  // slow: for messages only
    if (!py::isinstance<py::array>(value)) {
        throw py::type_error(describe(argument, value) + ": expected a numpy array of " + name());
    }
    auto array = py::reinterpret_borrow<py::array>(value);
    if (!array.dtype().is(wanted) && !array.dtype().equal(wanted)) {
        throw py::type_error(describe(argument, value) + ": expected dtype " + name());
    }
    if ((array.flags() & py::array::c_style) == 0) {
        throw py::value_error(describe(argument, value) +
                              ": expected a C-contiguous array; numpy.ascontiguousarray makes one");
    }
    if (reinterpret_cast<std::uintptr_t>(array.data()) % alignof(T) != 0) {
        throw py::value_error(describe(argument, value) + ": the data isn't aligned; numpy.copy makes an aligned one");
    }
    InputArray<T> result;
    for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) result.shape.push_back(array.shape(axis));
    if (shape && result.shape != *shape) {
        throw py::value_error(describe(argument, value) + ": expected shape " + list_text(*shape));
    }
    result.values = {static_cast<const T*>(array.data()), static_cast<std::size_t>(array.size())};
    result.keep = std::move(array);
    return result;
}

// Moves a vector into an array that owns it; an empty shape argument means one dimension.
template <class T>
py::array_t<T> give(std::vector<T>&& values, const std::vector<std::int64_t>& shape) {
    auto* owned = new std::vector<T>(std::move(values));
    const py::capsule owner(owned, [](void* p) { delete static_cast<std::vector<T>*>(p); });
    return py::array_t<T>(std::vector<py::ssize_t>(shape.begin(), shape.end()), owned->data(), owner);
}

template <class T>
py::array_t<T> give(std::vector<T>&& values) {
    const auto size = static_cast<std::int64_t>(values.size());
    return give(std::move(values), {size});
}

}  // namespace gonogo::bindings
