#pragma once

#include <cstdint>
#include <string_view>

namespace gonogo {

enum class DType : std::uint8_t { float32, int8, uint8, int16, int32, int64, boolean };

constexpr std::int64_t byte_size(DType type) {
    switch (type) {
        case DType::float32:
        case DType::int32:
            return 4;
        case DType::int16:
            return 2;
        case DType::int64:
            return 8;
        case DType::int8:
        case DType::uint8:
        case DType::boolean:
            return 1;
    }
    return 0;
}

constexpr std::string_view name_of(DType type) {
    switch (type) {
        case DType::float32:
            return "float32";
        case DType::int8:
            return "int8";
        case DType::uint8:
            return "uint8";
        case DType::int16:
            return "int16";
        case DType::int32:
            return "int32";
        case DType::int64:
            return "int64";
        case DType::boolean:
            return "bool";
    }
    return "?";
}

}  // namespace gonogo
