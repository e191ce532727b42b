// A check that goes on after a failure; main() returns the number of failures through `report`.
#pragma once

#include <cstdio>

namespace check {

inline int failures = 0;

template <class E, class F>
bool throws(F&& f) {
    try {
        f();
    } catch (const E&) {
        return true;
    }
    return false;
}

inline int report() {
    std::printf("%d failures\n", failures);
    return failures == 0 ? 0 : 1;
}

}  // namespace check

#define CHECK(condition)                                                        \
    do {                                                                        \
        if (!(condition)) {                                                     \
            std::printf("%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            ++check::failures;                                                  \
        }                                                                       \
    } while (false)
