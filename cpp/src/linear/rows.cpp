#include "linear/rows.hpp"

#include <algorithm>

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

// The same distance between two sets of origins in every row, if there is one.
bool constant_step(std::span<const std::int64_t> a, std::span<const std::int64_t> b, std::int64_t& step) {
    step = b[0] - a[0];
    for (std::size_t i = 1; i < a.size(); ++i) {
        if (b[i] - a[i] != step) return false;
    }
    return true;
}

constexpr std::size_t most_spare = 8;

std::vector<std::vector<double>>& spare_memory() {
    thread_local std::vector<std::vector<double>> spare;
    return spare;
}

}  // namespace

Rows::Rows(const Block& block, std::int64_t count)
    : block_(block), count_(count), height_(block.height), width_(block.width) {
    zeros(count * block.size());
}

Rows& Rows::operator=(Rows&& other) noexcept {
    if (this == &other) return *this;
    release();
    block_ = other.block_;
    count_ = other.count_;
    height_ = other.height_;
    width_ = other.width_;
    top_ = std::move(other.top_);
    left_ = std::move(other.left_);
    values_ = std::move(other.values_);
    other.count_ = 0;
    return *this;
}

void Rows::release() {
    std::vector<std::vector<double>>& spare = spare_memory();
    if (values_.capacity() > 0 && spare.size() < most_spare) spare.push_back(std::move(values_));
    values_ = {};
}

void Rows::zeros(std::int64_t count) {
    std::vector<std::vector<double>>& spare = spare_memory();
    if (!spare.empty()) {
        values_ = std::move(spare.back());
        spare.pop_back();
    }
    values_.assign(at(count), 0.0);
}

void Rows::keep(std::span<const std::int64_t> rows) {
    const std::int64_t n = row_size();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (rows[i] != static_cast<std::int64_t>(i)) std::copy_n(row(rows[i]), n, row(static_cast<std::int64_t>(i)));
        if (whole()) continue;
        top_[i] = top_[at(rows[i])];
        left_[i] = left_[at(rows[i])];
    }
    count_ = static_cast<std::int64_t>(rows.size());
    values_.resize(at(count_ * n));
    if (!whole()) {
        top_.resize(rows.size());
        left_.resize(rows.size());
    }
}

Rows Rows::units(const Block& block, std::span<const std::int64_t> elements, std::span<const double> signs) {
    Rows rows;
    rows.block_ = block;
    rows.count_ = static_cast<std::int64_t>(elements.size());
    rows.height_ = rows.width_ = 1;
    rows.zeros(rows.count_ * block.channels);
    const bool single = block.height == 1 && block.width == 1;
    for (std::size_t r = 0; r < elements.size(); ++r) {
        const std::int64_t pixel = elements[r] / block.channels;
        if (!single) {
            rows.top_.push_back(pixel / block.width);
            rows.left_.push_back(pixel % block.width);
        }
        rows.values_[r * at(block.channels) + at(elements[r] % block.channels)] = signs[r];
    }
    return rows;
}

void Rows::reshape(std::int64_t height, std::int64_t width, std::vector<std::int64_t> top,
                   std::vector<std::int64_t> left) {
    Rows wider;
    wider.block_ = block_;
    wider.count_ = count_;
    wider.height_ = height;
    wider.width_ = width;
    wider.top_ = std::move(top);
    wider.left_ = std::move(left);
    wider.zeros(count_ * wider.row_size());
    const std::int64_t c = block_.channels;
    for (std::int64_t r = 0; r < count_; ++r) {
        each_run(r, [&](std::int64_t from, std::int64_t to, std::int64_t n) {
            const std::int64_t y = to / c / block_.width;
            const std::int64_t x = to / c % block_.width;
            // A whole block is one run over all lines; others are runs inside a line.
            const std::int64_t lines = whole() ? block_.height : 1;
            const std::int64_t line = whole() ? block_.width * c : n;
            for (std::int64_t l = 0; l < lines; ++l) {
                const double* source = row(r) + from + l * line;
                std::copy(source, source + line, wider.pixel(r, y + l - wider.top(r), x - wider.left(r)));
            }
        });
    }
    *this = std::move(wider);
}

void Rows::widen() {
    if (!whole()) reshape(block_.height, block_.width, {}, {});
}

void Rows::cover(const Block& block, std::int64_t count, std::int64_t height, std::int64_t width,
                 std::span<const std::int64_t> top, std::span<const std::int64_t> left) {
    const bool all = top.empty() || (height >= block.height && width >= block.width);
    if (empty()) {
        if (all) {
            *this = Rows(block, count);
            return;
        }
        block_ = block;
        count_ = count;
        height_ = height;
        width_ = width;
        top_.assign(top.begin(), top.end());
        left_.assign(left.begin(), left.end());
        zeros(count * row_size());
        return;
    }
    if (whole()) return;
    std::int64_t y = 0;
    std::int64_t x = 0;
    if (all || !constant_step(top_, top, y) || !constant_step(left_, left, x)) {
        widen();
        return;
    }
    const std::int64_t up = std::min<std::int64_t>(y, 0);
    const std::int64_t back = std::min<std::int64_t>(x, 0);
    const std::int64_t h = std::max(height_, y + height) - up;
    const std::int64_t w = std::max(width_, x + width) - back;
    if (h >= block_.height && w >= block_.width) {
        widen();
    } else if (h != height_ || w != width_) {
        std::vector<std::int64_t> tops = top_;
        std::vector<std::int64_t> lefts = left_;
        for (std::int64_t& t : tops) t += up;
        for (std::int64_t& l : lefts) l += back;
        reshape(h, w, std::move(tops), std::move(lefts));
    }
}

}  // namespace gonogo::linear
