// add and sub of LiteRT on int16: TFLite Micro's, but for files of the older form.
#include "gonogo/error.hpp"

#include "ops/int16/int16.hpp"
#include "ops/tflm/tflm.hpp"

namespace gonogo {

namespace {

void need_general_scales(const NodeView& node) {
    if (node.integer("pot_scales") == 0) return;
    throw UnsupportedOperatorError(
        node.message("the option pot_scale_int16 asks LiteRT for shifts by powers of two instead of multipliers, which "
                     "isn't supported; convert the model again"));
}

}  // namespace

Int8Kernel int16_litert_add(const NodeView& node) {
    need_general_scales(node);
    return tflm_add(node);
}

Int8Kernel int16_litert_sub(const NodeView& node) {
    need_general_scales(node);
    return tflm_sub(node);
}

}  // namespace gonogo
