#include "gonogo/ir/graph.hpp"

#include <algorithm>

#include "gonogo/error.hpp"
#include "gonogo/ops/record.hpp"

namespace gonogo {

namespace {

std::size_t edit_distance(const std::string& a, const std::string& b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = row[0];
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t above = row[j];
            row[j] = std::min({above + 1, row[j - 1] + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1)});
            diagonal = above;
        }
    }
    return row[b.size()];
}

}  // namespace

TensorId Graph::find(const std::string& name) const {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
        if (tensors[i].name == name) return static_cast<TensorId>(i);
    }
    // Names are cut before they are compared: they come from untrusted files.
    const std::string cut = name.substr(0, 100);
    std::vector<std::pair<std::size_t, std::string>> near;
    for (const Tensor& t : tensors) {
        if (!t.is_constant && near.size() < 2000) near.emplace_back(edit_distance(cut, t.name.substr(0, 100)), t.name);
    }
    std::sort(near.begin(), near.end());
    std::string message = source + ": no tensor is called '" + cut + "'";
    for (std::size_t i = 0; i < std::min<std::size_t>(3, near.size()); ++i) {
        message += (i == 0 ? "; nearest names: '" : ", '") + near[i].second + "'";
    }
    throw ModelError(message);
}

std::string Graph::where(NodeId id) const {
    const Node& n = node(id);
    return source + ": node " + std::to_string(id) + " '" + n.name + "' (" +
           (n.op == nullptr ? std::string("unknown") : std::string(n.op->name)) + ")";
}

}  // namespace gonogo
