// Convolutions as maps. Rows go back through one product of matrices, pixels of the row's window times [outputs] x
// [taps times inputs], and a scatter of its columns to the pixels that the taps read.
#include <algorithm>
#include <cmath>

#include "linear/map.hpp"
#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

// Pixels whose columns are formed at a time: small enough to stay in the cache.
constexpr std::int64_t column_values = 1 << 15;

Block in_block(const Window& w) {
    return {w.batch * w.in_h, w.in_w, w.in_c};
}
Block out_block(const Window& w) {
    return {w.batch * w.out_h, w.out_w, w.out_c};
}

AffineMap magnitudes(const AffineMap& map) {
    AffineMap m = map;
    for (double& w : m.weights) w = std::fabs(w);
    m.weight_uncertainty = 0.0;
    m.pack();
    return m;
}

class WindowMap final : public Map {
  public:
    explicit WindowMap(AffineMap map)
        : Map(in_block(map.window), out_block(map.window)), map_(std::move(map)), w_(map_.window) {
        map_.pack();
        magnitudes_ = magnitudes(map_);
        if (!map_.depthwise) {
            const std::int64_t outputs = w_.out_c / map_.groups;
            const std::int64_t columns = map_.taps() * (w_.in_c / map_.groups);
            for (std::int64_t g = 0; g < map_.groups; ++g)
                factors_.emplace_back(outputs, columns, map_.weights.data() + g * outputs * columns, 1, outputs);
        }
        plain_ = w_.kernel_h == 1 && w_.kernel_w == 1 && w_.stride_h == 1 && w_.stride_w == 1 && w_.pad_top == 0 &&
                 w_.pad_left == 0 && w_.in_h == w_.out_h && w_.in_w == w_.out_w;
    }

    void enclose(const double* lo, const double* hi, double* out_lo, double* out_hi) const override {
        map_.packed->apply(lo, hi, nullptr, nullptr, out_lo, out_hi);
    }

    void mass(const double* x, double* out) const override {
        std::vector<double> low(at(this->out().size()));
        magnitudes_.packed->apply(x, x, nullptr, nullptr, low.data(), out);
    }

    void pull(const Rows& from, Rows& to) const override {
        if (plain_) {
            to.cover(in(), from.count(), from.height(), from.width(), from.tops(), from.lefts());
            if (!map_.depthwise && to.height() == from.height() && to.width() == from.width()) {
                const std::int64_t pixels = from.count() * from.height() * from.width();
                if (map_.groups == 1 && multiply_live(pixels, from.data(), to.data())) return;
                for (std::int64_t g = 0; g < map_.groups; ++g) {
                    factors_[at(g)].multiply(pixels, from.data() + g * (w_.out_c / map_.groups), w_.out_c,
                                             to.data() + g * (w_.in_c / map_.groups), w_.in_c, true);
                }
                return;
            }
        } else if (from.whole() || w_.batch > 1) {
            to.cover(in(), from.count(), in().height, in().width, {}, {});
        } else {
            std::vector<std::int64_t> top, left;
            for (std::int64_t r = 0; r < from.count(); ++r) {
                top.push_back(from.top(r) * w_.stride_h - w_.pad_top);
                left.push_back(from.left(r) * w_.stride_w - w_.pad_left);
            }
            to.cover(in(), from.count(), (from.height() - 1) * w_.stride_h + (w_.kernel_h - 1) * w_.dilation_h + 1,
                     (from.width() - 1) * w_.stride_w + (w_.kernel_w - 1) * w_.dilation_w + 1, top, left);
        }
        map_.depthwise ? scatter_depthwise(from, to) : scatter(from, to);
    }

    std::int64_t terms() const override { return map_.taps() * (w_.out_c / (map_.depthwise ? w_.in_c : map_.groups)); }
    std::int64_t work() const override { return w_.out_c * map_.terms(); }
    double uncertainty() const override { return map_.weight_uncertainty; }

  private:
    // Products without the columns that are zero in every row: those of variables that a clamp holds constant over the
    // box, and all but the targets' own in the first step. Nothing is lost: a row doesn't read a variable whose
    // coefficient is zero. False where too few columns are zero to pay for it.
    bool multiply_live(std::int64_t rows, const double* a, double* c) const {
        if (rows < 16) return false;
        const std::int64_t k = w_.out_c;
        std::vector<std::uint8_t> used(at(k), 0);
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t i = 0; i < k; ++i) used[at(i)] |= static_cast<std::uint8_t>(a[r * k + i] != 0.0);
        }
        std::vector<std::int64_t> live;
        for (std::int64_t i = 0; i < k; ++i) {
            if (used[at(i)] != 0) live.push_back(i);
        }
        const auto kept = static_cast<std::int64_t>(live.size());
        if (4 * kept > 3 * k) return false;
        std::vector<double> narrow(at(rows * kept));
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t i = 0; i < kept; ++i) narrow[at(r * kept + i)] = a[r * k + live[at(i)]];
        }
        factors_[0].keep(live).multiply(rows, narrow.data(), kept, c, w_.in_c, true);
        return true;
    }

    // Calls body(tap, first input value) for the taps of output pixel (y, x) inside the input.
    template <class Body>
    void each_tap(Rows& to, std::int64_t r, std::int64_t y, std::int64_t x, Body&& body) const {
        // Rows of a batch (dense layers) lie below each other.
        const std::int64_t image = y / w_.out_h;
        const std::int64_t line = y % w_.out_h * w_.stride_h - w_.pad_top;
        const std::int64_t column = x * w_.stride_w - w_.pad_left;
        for (std::int64_t i = 0; i < w_.kernel_h; ++i) {
            const std::int64_t iy = line + i * w_.dilation_h;
            if (iy < 0 || iy >= w_.in_h) continue;
            for (std::int64_t j = 0; j < w_.kernel_w; ++j) {
                const std::int64_t ix = column + j * w_.dilation_w;
                if (ix < 0 || ix >= w_.in_w) continue;
                body(i * w_.kernel_w + j, to.pixel(r, image * w_.in_h + iy - to.top(r), ix - to.left(r)));
            }
        }
    }

    // Calls body(row, y, x, values) for the pixels of the window that lie inside the block.
    template <class Body>
    void each_pixel(const Rows& from, Body&& body) const {
        for (std::int64_t r = 0; r < from.count(); ++r) {
            for (std::int64_t y = 0; y < from.height(); ++y) {
                const std::int64_t oy = from.top(r) + y;
                if (oy < 0 || oy >= out().height) continue;
                for (std::int64_t x = 0; x < from.width(); ++x) {
                    const std::int64_t ox = from.left(r) + x;
                    if (ox < 0 || ox >= out().width) continue;
                    body(r, oy, ox, from.row(r) + (y * from.width() + x) * w_.out_c);
                }
            }
        }
    }

    void scatter(const Rows& from, Rows& to) const {
        struct Place {
            std::int64_t row, y, x;
        };
        const std::int64_t inputs = w_.in_c / map_.groups;
        const std::int64_t columns = map_.taps() * inputs;
        const std::int64_t most = std::max<std::int64_t>(8, column_values / columns);
        std::vector<double> pixels(at(most * w_.out_c)), products(at(most * columns));
        std::vector<Place> places;
        const auto flush = [&] {
            const auto count = static_cast<std::int64_t>(places.size());
            for (std::int64_t g = 0; g < map_.groups; ++g) {
                factors_[at(g)].multiply(count, pixels.data() + g * (w_.out_c / map_.groups), w_.out_c, products.data(),
                                         columns, false);
                for (std::int64_t p = 0; p < count; ++p) {
                    const Place& place = places[at(p)];
                    each_tap(to, place.row, place.y, place.x, [&](std::int64_t tap, double* input) {
                        const double* add = products.data() + p * columns + tap * inputs;
                        double* target = input + g * inputs;
                        for (std::int64_t c = 0; c < inputs; ++c) target[c] += add[c];
                    });
                }
            }
            places.clear();
        };
        each_pixel(from, [&](std::int64_t r, std::int64_t y, std::int64_t x, const double* values) {
            std::copy(values, values + w_.out_c, pixels.data() + static_cast<std::int64_t>(places.size()) * w_.out_c);
            places.push_back({r, y, x});
            if (static_cast<std::int64_t>(places.size()) == most) flush();
        });
        if (!places.empty()) flush();
    }

    void scatter_depthwise(const Rows& from, Rows& to) const {
        const std::int64_t multiplier = w_.out_c / w_.in_c;
        each_pixel(from, [&](std::int64_t r, std::int64_t y, std::int64_t x, const double* values) {
            each_tap(to, r, y, x, [&](std::int64_t tap, double* input) {
                const double* weights = map_.weights.data() + tap * w_.out_c;
                if (multiplier == 1) {
                    for (std::int64_t c = 0; c < w_.in_c; ++c) input[c] += values[c] * weights[c];
                } else {
                    for (std::int64_t c = 0; c < w_.out_c; ++c) input[c / multiplier] += values[c] * weights[c];
                }
            });
        });
    }

    AffineMap map_;
    Window w_;
    AffineMap magnitudes_;
    std::vector<numeric::RightFactor> factors_;
    bool plain_ = false;
};

}  // namespace

MapPointer window_map(AffineMap map) {
    return std::make_shared<WindowMap>(std::move(map));
}

}  // namespace gonogo::linear
