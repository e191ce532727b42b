// A small pool of threads for loops whose parts are independent.
#pragma once

#include <cstdint>
#include <functional>

namespace gonogo::numeric {

// How many threads a loop may use, the caller's included: at first GONOGO_THREADS, else as many as the process may run
// on. Results never depend on it.
int thread_count();

// 1 to 256, else std::invalid_argument. Not while a loop runs.
void set_thread_count(int count);

// Calls body(first, last) for consecutive parts of [0, count), each `grain` long but the last, in any order and on any
// thread, each under an EnvironmentGuard. Returns when all are done. An exception stops the loop; the one of the
// earliest part that threw is rethrown here. Inside a body, and while another thread of the process has the pool, it
// runs on the calling thread alone.
void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t first, std::int64_t last)>& body);

}  // namespace gonogo::numeric
