// The thread pool: every index once, exceptions, environments, nesting, loops from several threads, forks.
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#if defined(__unix__)
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/parallel.hpp"

#include "check.hpp"

namespace gn = gonogo::numeric;

namespace {

using check::throws;

bool covers(std::int64_t count, std::int64_t grain) {
    std::vector<std::atomic<int>> seen(static_cast<std::size_t>(count));
    std::atomic<bool> cut_well{true};
    gn::parallel_for(count, grain, [&](std::int64_t first, std::int64_t last) {
        if (first % grain != 0 || (last != count && last - first != grain)) cut_well = false;
        for (std::int64_t i = first; i < last; ++i) ++seen[static_cast<std::size_t>(i)];
    });
    for (const auto& times : seen) {
        if (times != 1) return false;
    }
    return cut_well;
}

void test_every_index_once() {
    for (const int threads : {1, 2, 3, 7}) {
        gn::set_thread_count(threads);
        CHECK(gn::thread_count() == threads);
        for (const std::int64_t count : {0, 1, 2, 5, 64, 1000}) {
            for (const std::int64_t grain : {1, 3, 64, 5000}) CHECK(covers(count, grain));
        }
    }
    for (int round = 0; round < 2000; ++round) {
        if (!covers(8, 1)) {
            CHECK(false);
            return;
        }
    }
}

void test_exceptions() {
    for (const int threads : {1, 4}) {
        gn::set_thread_count(threads);
        std::string message;
        try {
            gn::parallel_for(100, 1, [](std::int64_t first, std::int64_t) {
                if (first >= 10) throw std::runtime_error("part " + std::to_string(first));
            });
        } catch (const std::runtime_error& error) {
            message = error.what();
        }
        CHECK(message == "part 10");
        CHECK(covers(100, 1));  // the pool still works
    }
}

void test_environment() {
    gn::set_thread_count(4);
    const gn::Environment hostile{gn::RoundingMode::up, true, true};
    const gn::Environment found = gn::set_environment(hostile);
    std::atomic<int> spoilt{0};
    gn::parallel_for(64, 1, [&](std::int64_t, std::int64_t) {
        if (!(gn::current_environment() == gn::Environment{})) ++spoilt;
        std::this_thread::yield();
    });
    CHECK(spoilt == 0);
    CHECK(gn::set_environment(found) == hostile);
}

void test_nested_and_concurrent() {
    gn::set_thread_count(3);
    std::atomic<std::int64_t> sum{0};
    const auto loop = [&] {
        gn::parallel_for(50, 1, [&](std::int64_t i, std::int64_t) {
            gn::parallel_for(20, 3, [&](std::int64_t first, std::int64_t last) { sum += i * (last - first); });
        });
    };
    std::vector<std::thread> callers;
    for (int i = 0; i < 4; ++i) callers.emplace_back(loop);
    for (auto& caller : callers) caller.join();
    CHECK(sum == 4 * 20 * 49 * 25);
}

void test_fork() {
#if defined(__unix__)
    if (std::getenv("GONOGO_EMULATED") != nullptr) return;  // emulators of one process can't fork threaded programs
    gn::set_thread_count(3);
    CHECK(covers(100, 1));
    const pid_t child = fork();
    if (child == 0) _exit(covers(100, 1) ? 0 : 1);
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
#endif
}

void test_settings() {
    CHECK(throws<std::invalid_argument>([] { gn::set_thread_count(0); }));
    CHECK(throws<std::invalid_argument>([] { gn::set_thread_count(257); }));
    CHECK(throws<std::invalid_argument>([] { gn::use_instruction_set("mmx"); }));
    const auto sets = gn::available_instruction_sets();
    CHECK(!sets.empty() && sets.front() == gn::InstructionSet::baseline);
    for (const auto set : sets) {
        gn::use_instruction_set(gn::name_of(set));
        CHECK(gn::instruction_set() == set);
        CHECK(set == gn::InstructionSet::avx512 || !gn::has_vnni());
    }
}

}  // namespace

int main() {
    test_every_index_once();
    test_exceptions();
    test_environment();
    test_nested_and_concurrent();
    test_fork();
    test_settings();
    return check::report();
}
