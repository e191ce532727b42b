#include "gonogo/ops/node_view.hpp"

#include <variant>

namespace gonogo {

namespace {

template <class T>
const T& read(const NodeView& view, std::string_view key, const char* kind) {
    const auto found = view.node().attributes.find(key);
    if (found != view.node().attributes.end()) {
        if (const T* value = std::get_if<T>(&found->second)) return *value;
    }
    throw ModelError(view.message("attribute '" + std::string(key) + "' is missing or isn't " + kind));
}

}  // namespace

std::int64_t NodeView::integer(std::string_view key) const {
    return read<std::int64_t>(*this, key, "an integer");
}
double NodeView::number(std::string_view key) const {
    return read<double>(*this, key, "a number");
}
const std::string& NodeView::text(std::string_view key) const {
    return read<std::string>(*this, key, "a text");
}
const std::vector<std::int64_t>& NodeView::integers(std::string_view key) const {
    return read<std::vector<std::int64_t>>(*this, key, "a list of integers");
}

}  // namespace gonogo
