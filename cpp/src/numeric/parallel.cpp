#include "gonogo/numeric/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#include <pthread.h>
#endif

#include "gonogo/numeric/environment.hpp"

namespace gonogo::numeric {

namespace {

constexpr int most_threads = 256;

int first_count() {
    if (const char* wanted = std::getenv("GONOGO_THREADS"); wanted != nullptr && *wanted != '\0') {
        char* end = nullptr;
        const long count = std::strtol(wanted, &end, 10);
        if (*end != '\0' || count < 1 || count > most_threads) {
            throw std::invalid_argument("GONOGO_THREADS '" + std::string(wanted) + "': expected a number from 1 to " +
                                        std::to_string(most_threads));
        }
        return static_cast<int>(count);
    }
    return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, most_threads);
}

std::atomic<int>& count_setting() {
    static std::atomic<int> count{first_count()};
    return count;
}

// One loop: parts are handed out in order by a counter.
struct Loop {
    std::int64_t count;
    std::int64_t grain;
    const std::function<void(std::int64_t, std::int64_t)>& body;
    std::atomic<std::int64_t> next{0};
    std::mutex failure_mutex{};
    std::int64_t failed_at = std::numeric_limits<std::int64_t>::max();
    std::exception_ptr failure{};

    void work() {
        const EnvironmentGuard guard;
        for (;;) {
            const std::int64_t first = next.fetch_add(grain);
            if (first >= count) {
                return;
            }
            try {
                body(first, std::min(first + grain, count));
            } catch (...) {
                const std::lock_guard lock(failure_mutex);
                if (first < failed_at) {
                    failed_at = first;
                    failure = std::current_exception();
                }
                next.store(count);  // parts before this one were handed out already
            }
        }
    }
};

thread_local bool inside_loop = false;

class InsideLoop {
  public:
    InsideLoop() : outer_(inside_loop) { inside_loop = true; }
    ~InsideLoop() { inside_loop = outer_; }
    InsideLoop(const InsideLoop&) = delete;
    InsideLoop& operator=(const InsideLoop&) = delete;

  private:
    bool outer_;
};

class Pool {
  public:
    std::mutex in_use;

    void run(Loop& loop, int helpers) {
        {
            std::unique_lock lock(mutex_);
            try {
                while (workers_ < helpers) {
                    std::thread(&Pool::serve, this, workers_).detach();  // they live as long as the process
                    ++workers_;
                }
            } catch (const std::system_error&) {
                helpers = workers_;  // the system has no more: those that there are will do
            }
            loop_ = &loop;
            invited_ = helpers;
            running_ = helpers;
            ++generation_;
        }
        wake_.notify_all();
        loop.work();
        std::unique_lock lock(mutex_);
        done_.wait(lock, [&] { return running_ == 0; });
    }

  private:
    void serve(int index) {
        inside_loop = true;
        std::uint64_t seen = 0;
        for (;;) {
            Loop* loop = nullptr;
            {
                std::unique_lock lock(mutex_);
                wake_.wait(lock, [&] { return generation_ != seen; });
                seen = generation_;
                if (index >= invited_) {
                    continue;
                }
                loop = loop_;
            }
            loop->work();
            {
                const std::lock_guard lock(mutex_);
                --running_;
            }
            done_.notify_one();
        }
    }

    std::mutex mutex_;
    std::condition_variable wake_;
    std::condition_variable done_;
    Loop* loop_ = nullptr;
    int workers_ = 0;
    int invited_ = 0;
    int running_ = 0;
    std::uint64_t generation_ = 0;
};

std::atomic<Pool*> the_pool{nullptr};

// Never destroyed: threads wait in it until the process ends. A child process has none of its parent's threads, so it
// starts afresh.
Pool& pool() {
    static const bool made = [] {
        the_pool = new Pool;
#if defined(__unix__) || defined(__APPLE__)
        pthread_atfork(nullptr, nullptr, [] { the_pool = new Pool; });
#endif
        return true;
    }();
    static_cast<void>(made);
    return *the_pool.load();
}

}  // namespace

int thread_count() {
    return count_setting().load(std::memory_order_relaxed);
}

void set_thread_count(int count) {
    if (count < 1 || count > most_threads) {
        throw std::invalid_argument("thread count " + std::to_string(count) + ": expected 1 to " +
                                    std::to_string(most_threads));
    }
    count_setting().store(count, std::memory_order_relaxed);
}

void parallel_for(std::int64_t count, std::int64_t grain,
                  const std::function<void(std::int64_t first, std::int64_t last)>& body) {
    if (count <= 0) {
        return;
    }
    Loop loop{count, std::max<std::int64_t>(grain, 1), body};
    const std::int64_t parts = (count - 1) / loop.grain + 1;
    const int helpers = static_cast<int>(std::min<std::int64_t>(thread_count(), parts)) - 1;
    const auto alone = [&] {
        const InsideLoop here;
        loop.work();
    };
    if (helpers < 1 || inside_loop) {
        alone();
    } else if (std::unique_lock lock(pool().in_use, std::try_to_lock); lock.owns_lock()) {
        const InsideLoop here;
        pool().run(loop, helpers);
    } else {
        alone();
    }
    if (loop.failure) {
        std::rethrow_exception(loop.failure);
    }
}

}  // namespace gonogo::numeric
