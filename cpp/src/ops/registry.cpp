// Every operator there is. A record that isn't in this list doesn't exist.
#include <algorithm>

#include "ops/records.hpp"

namespace gonogo {

std::span<const OperatorRecord* const> all_operators() {
    static const std::vector<const OperatorRecord*> list = [] {
        std::vector<const OperatorRecord*> records = {
            &dense_record(),
            &conv2d_record(),
            &depthwise_conv2d_record(),
            &batch_norm_record(),
            &add_record(),
            &sub_record(),
            &mul_record(),
            &relu_record(),
            &relu6_record(),
            &leaky_relu_record(),
            &clip_record(),
            &sigmoid_record(),
            &tanh_record(),
            &softmax_record(),
            &max_pool2d_record(),
            &average_pool2d_record(),
            &global_average_pool_record(),
            &mean_record(),
            &identity_record(),
            &reshape_record(),
            &transpose_record(),
            &concat_record(),
            &pad_record(),
            &strided_slice_record(),
            &quantize_record(),
            &dequantize_record(),
            &argmax_record(),
        };
        for (const OperatorRecord* r : cost_only_records()) records.push_back(r);
        return records;
    }();
    return list;
}

const OperatorRecord* find_operator(std::string_view name) {
    const auto all = all_operators();
    const auto found = std::find_if(all.begin(), all.end(), [&](const OperatorRecord* r) { return r->name == name; });
    return found == all.end() ? nullptr : *found;
}

}  // namespace gonogo
