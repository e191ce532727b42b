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

std::vector<Expr> NodeView::expressions(std::string_view key) const {
    const auto found = node().attributes.find(key);
    if (found != node().attributes.end()) {
        if (const auto* symbolic = std::get_if<std::vector<Expr>>(&found->second)) return *symbolic;
    }
    const std::vector<std::int64_t>& numbers = integers(key);
    return {numbers.begin(), numbers.end()};
}

void NodeView::require(const Expr& condition, const std::string& what) const {
    if (condition.is_constant()) {
        if (condition.constant() == 0) throw ShapeError(message(what));
    } else if (requirements_ != nullptr) {
        // A node that isn't there needs nothing.
        const Expr& active = node().active;
        requirements_->push_back({max(Expr(1) - active, condition), message(what)});
    }
}

}  // namespace gonogo
