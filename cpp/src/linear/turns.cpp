// Which of the two has its turn, and for how long, is counted in multiplications, so that what comes out doesn't depend
// on the machine's speed but where time ends it.
#include "linear/turns.hpp"

#include <algorithm>
#include <utility>

#include "tensor/shorthand.hpp"

namespace gonogo::linear {

namespace {

constexpr double turns_in_limit = 64.0;  // a turn is about a tenth of a second where the limit is the default one
constexpr double settle_growth = 1.5;    // so much more work before what was found is looked at again

}  // namespace

Turns::Turns(Sharpening& sharpening, const BoxState& state, std::vector<Objective> objectives,
             std::vector<double> lower, std::vector<double> upper, double limit, Begin begin)
    : sharpening_(sharpening),
      state_(state),
      objectives_(std::move(objectives)),
      lower_(std::move(lower)),
      upper_(std::move(upper)),
      piece_(std::min(limit, default_multiplies) / turns_in_limit),
      settle_at_(piece_),
      begin_(std::move(begin)) {}

bool Turns::all_within(std::span<const double> enough) const {
    const std::vector<double> lo = lower();
    const std::vector<double> hi = upper();
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        if (!(std::max(-lo[k], hi[k]) <= enough[k])) return false;
    }
    return true;
}

bool Turns::finished() const {
    return enough_ || (sharpening_.finished() && splitting_ != nullptr && splitting_->finished());
}

// Plain bounds come first: where they are left out, what lies between the reference and the device is unknown, and so
// is where it would be worth while to split. Slopes and parts gain on some networks much, on others nothing, and get
// half of the work each.
bool Turns::whole_box_next() const {
    if (sharpening_.finished()) return false;
    if (sharpening_.stage() == Method::linear) return true;
    if (splitting_ == nullptr) return false;
    return splitting_->finished() || sharpened_ <= splitting_->multiplies();
}

void Turns::sharpen() {
    sharpened_ += sharpening_.more(piece_);
    if (sharpened_ >= settle_at_) {
        sharpening_.settle();
        settle_at_ = settle_growth * sharpened_;
    }
    if (!sharpening_.settled()) return;
    for (std::size_t k = 0; k < objectives_.size(); ++k) {
        const BlockState& b = state_.block(objectives_[k].block);
        lower_[k] = std::max(lower_[k], b.lo[at(objectives_[k].element)]);
        upper_[k] = std::min(upper_[k], b.hi[at(objectives_[k].element)]);
    }
    if (splitting_ != nullptr) splitting_->learn(lower_, upper_);
}

void Turns::round(std::int64_t count, std::span<const double> enough) {
    enough_ = all_within(enough);
    if (enough_) return;
    if (whole_box_next()) {
        sharpen();
        return;
    }
    if (splitting_ == nullptr) splitting_ = begin_(lower_, upper_);
    splitting_->round(count, enough);
}

std::vector<double> Turns::lower() const {
    std::vector<double> all = splitting_ == nullptr ? lower_ : splitting_->lower();
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = std::max(all[k], lower_[k]);
    return all;
}

std::vector<double> Turns::upper() const {
    std::vector<double> all = splitting_ == nullptr ? upper_ : splitting_->upper();
    for (std::size_t k = 0; k < all.size(); ++k) all[k] = std::min(all[k], upper_[k]);
    return all;
}

}  // namespace gonogo::linear
