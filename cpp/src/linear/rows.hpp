// Blocks of variables, and rows of coefficients over a block: what back substitution carries.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace gonogo::linear {

// A tensor's elements as variables, in the order height, width, channels whatever the layout of the tensor. Tensors
// that aren't images have one pixel.
struct Block {
    std::int64_t height = 1, width = 1, channels = 0;

    std::int64_t size() const { return height * width * channels; }
    friend bool operator==(const Block&, const Block&) = default;
};

// Rows of coefficients over one block. A row is dense over a window of pixels that all rows share the size of; its
// origin may lie outside the block, where coefficients are zero. Convolutions keep rows as narrow as their receptive
// field this way.
class Rows {
  public:
    Rows() = default;
    ~Rows() { release(); }
    Rows(const Rows&) = default;
    Rows& operator=(const Rows&) = default;
    Rows(Rows&&) noexcept = default;
    Rows& operator=(Rows&& other) noexcept;
    // All zero, the window being the whole block.
    Rows(const Block& block, std::int64_t count);

    bool empty() const { return count_ == 0; }
    std::int64_t count() const { return count_; }
    const Block& block() const { return block_; }
    std::int64_t height() const { return height_; }
    std::int64_t width() const { return width_; }
    std::int64_t top(std::int64_t row) const { return whole() ? 0 : top_[static_cast<std::size_t>(row)]; }
    std::int64_t left(std::int64_t row) const { return whole() ? 0 : left_[static_cast<std::size_t>(row)]; }
    bool whole() const { return top_.empty(); }
    std::int64_t row_size() const { return height_ * width_ * block_.channels; }
    double* data() { return values_.data(); }
    const double* data() const { return values_.data(); }
    double* row(std::int64_t r) { return values_.data() + r * row_size(); }
    const double* row(std::int64_t r) const { return values_.data() + r * row_size(); }
    double* pixel(std::int64_t r, std::int64_t y, std::int64_t x) {
        return row(r) + (y * width_ + x) * block_.channels;
    }

    // One row per element, its coefficient `sign`; a window of one pixel.
    static Rows units(const Block& block, std::span<const std::int64_t> elements, std::span<const double> signs);

    // Makes room for a window of that size and these origins (one per row) where it overlaps the block: what rows hold
    // already stays. No origins stand for the whole block.
    void cover(const Block& block, std::int64_t count, std::int64_t height, std::int64_t width,
               std::span<const std::int64_t> top, std::span<const std::int64_t> left);
    std::span<const std::int64_t> tops() const { return top_; }
    std::span<const std::int64_t> lefts() const { return left_; }

    // Calls body(offset into the row, offset into the block, elements) for every stretch of the row that lies inside
    // the block.
    template <class Body>
    void each_run(std::int64_t r, Body&& body) const {
        if (whole()) {
            body(std::int64_t{0}, std::int64_t{0}, row_size());
            return;
        }
        const std::int64_t c = block_.channels;
        const std::int64_t first = left(r) < 0 ? -left(r) : 0;
        const std::int64_t last = left(r) + width_ > block_.width ? block_.width - left(r) : width_;
        for (std::int64_t y = 0; y < height_ && first < last; ++y) {
            const std::int64_t at = top(r) + y;
            if (at < 0 || at >= block_.height) continue;
            body((y * width_ + first) * c, (at * block_.width + left(r) + first) * c, (last - first) * c);
        }
    }

    // These rows alone, in ascending order.
    void keep(std::span<const std::int64_t> rows);
    // The window becomes the whole block.
    void widen();

  private:
    // Memory of rows that are done with serves the next ones of the thread: blocks come and go by the thousand.
    void release();
    void zeros(std::int64_t count);
    void reshape(std::int64_t height, std::int64_t width, std::vector<std::int64_t> top,
                 std::vector<std::int64_t> left);

    Block block_;
    std::int64_t count_ = 0;
    std::int64_t height_ = 0, width_ = 0;
    std::vector<std::int64_t> top_, left_;  // empty: the whole block
    std::vector<double> values_;
};

}  // namespace gonogo::linear
