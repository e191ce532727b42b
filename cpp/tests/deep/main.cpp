// Deep containment runs of the elementary functions. See docs/deep-runs.md; `deep --help` for the options.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "gonogo/numeric/dispatch.hpp"
#include "gonogo/numeric/environment.hpp"
#include "gonogo/numeric/parallel.hpp"

#include "kernels.hpp"
#include "runs.hpp"

namespace {

struct Options {
    std::vector<deep::Name> functions;
    std::vector<std::string> parts = {"binary32", "clusters", "independent", "neighbourhoods"};
    std::string set;
    deep::Kernel kernel = deep::array_kernel;
    bool audit = false;
    int threads = 1;
    long long every = 1, clusters = 1000000000, independent = 10000000;
    std::string results;
    std::vector<std::string> sources;
};

constexpr const char* usage =
    "deep [--function exp,log,...] [--part binary32,clusters,independent,neighbourhoods] [--instruction-set NAME]\n"
    "     [--threads N] [--every N] [--clusters POINTS] [--independent POINTS] [--results FILE] [--sources FILE,...]\n"
    "     [--kernel tightest|low|high]\n"
    "--every N: of binary32 only every N-th block of 4096 numbers. --results FILE: rows are appended; a row that is "
    "there\n"
    "already isn't computed again. --sources: kernel sources whose numbers become hard points.\n";

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> words;
    for (std::size_t i = 0; i <= text.size();) {
        const std::size_t end = std::min(text.find(',', i), text.size());
        words.push_back(text.substr(i, end - i));
        i = end + 1;
    }
    return words;
}

[[noreturn]] void fail(const std::string& message) {
    std::fprintf(stderr, "deep: %s\n%s", message.c_str(), usage);
    std::exit(64);
}

Options parse(int argc, char** argv) {
    Options o;
    for (int i = 1; i < argc; i += 2) {
        const std::string key = argv[i];
        if (i + 1 == argc) {
            fail(key == "--help" ? "" : key + ": no value");
        }
        const std::string value = argv[i + 1];
        if (key == "--function") {
            for (const std::string& word : split(value)) {
                const auto found = std::find(deep::name_texts.begin(), deep::name_texts.end(), word);
                if (found == deep::name_texts.end()) {
                    fail("no function '" + word + "'");
                }
                o.functions.push_back(static_cast<deep::Name>(found - deep::name_texts.begin()));
            }
        } else if (key == "--part") {
            o.parts = split(value);
        } else if (key == "--instruction-set") {
            o.set = value;
        } else if (key == "--kernel") {
            o.kernel = deep::audit_kernel(value);
            o.audit = true;
        } else if (key == "--threads") {
            o.threads = std::atoi(value.c_str());
        } else if (key == "--every") {
            o.every = std::atoll(value.c_str());
        } else if (key == "--clusters") {
            o.clusters = std::atoll(value.c_str());
        } else if (key == "--independent") {
            o.independent = std::atoll(value.c_str());
        } else if (key == "--results") {
            o.results = value;
        } else if (key == "--sources") {
            o.sources = split(value);
        } else {
            fail("no option '" + key + "'");
        }
    }
    if (o.functions.empty()) {
        for (std::size_t f = 0; f < deep::name_texts.size(); ++f) {
            o.functions.push_back(static_cast<deep::Name>(f));
        }
    }
    if (o.kernel == nullptr) {
        fail("--kernel is for the audit: tightest, low or high");
    }
    if (o.threads < 1 || o.threads > 64 || o.every < 1) {
        fail("--threads from 1 to 64, --every at least 1");
    }
    return o;
}

std::unique_ptr<deep::Part> make_part(const std::string& name, deep::Name f, const Options& o) {
    if (name == "binary32") {
        return std::make_unique<deep::Binary32>(o.every);
    }
    if (name == "clusters") {
        return std::make_unique<deep::Clusters>(f, o.clusters);
    }
    if (name == "independent") {
        return std::make_unique<deep::Independent>(f, o.independent);
    }
    if (name == "neighbourhoods") {
        return std::make_unique<deep::Neighbourhoods>(f, o.kernel, o.sources);
    }
    fail("no part '" + name + "'");
}

deep::Tally run(const deep::Part& part, deep::Name f, deep::Kernel kernel, int threads, const std::string& label) {
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    deep::Tally total;
    const auto work = [&](bool talks) {
        const gonogo::numeric::EnvironmentGuard guard;
        const auto checker = std::make_unique<deep::Checker>(f, kernel);
        auto said = std::chrono::steady_clock::now();
        for (std::int64_t job; (job = next++) < part.jobs();) {
            part.run(job, *checker);
            const auto now = std::chrono::steady_clock::now();
            if (talks && now - said > std::chrono::seconds(5)) {
                std::fprintf(stderr, "\r%s: %5.1f %%  ", label.c_str(),
                             100.0 * static_cast<double>(job) / static_cast<double>(part.jobs()));
                said = now;
            }
        }
        const std::lock_guard<std::mutex> lock(mutex);
        total.add(checker->tally());
    };
    std::vector<std::thread> others;
    for (int t = 1; t < threads; ++t) {
        others.emplace_back(work, false);
    }
    work(true);
    for (std::thread& thread : others) {
        thread.join();
    }
    std::fprintf(stderr, "\r%60s\r", "");
    return total;
}

bool is_recorded(const std::string& file, const std::string& start) {
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        if (line.rfind(start, 0) == 0) {
            return true;
        }
    }
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    Options o = parse(argc, argv);
    if (!o.set.empty() && o.set != "scalar") {
        gonogo::numeric::use_instruction_set(o.set);
    }
    gonogo::numeric::set_thread_count(1);
    std::string set(gonogo::numeric::name_of(gonogo::numeric::instruction_set()));
    if (o.set == "scalar") {
        set = o.set;
        o.kernel = deep::scalar_kernel;
    }
    std::printf(
        "| function | part | instruction set | points | failures | direct MPFR calls | unbounded | "
        "lower end, ulp | upper end, ulp | stated, ulp | width, ulp | seconds |\n"
        "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    std::int64_t failures = 0;
    for (const deep::Name f : o.functions) {
        for (const std::string& part_name : o.parts) {
            std::string part_label = part_name;
            if (part_name == "binary32" && o.every > 1) {
                part_label += " 1/" + std::to_string(o.every);
            }
            const std::string start = "| " + std::string(deep::text_of(f)) + " | " + part_label + " | " + set + " |";
            if (!o.results.empty() && is_recorded(o.results, start)) {
                continue;
            }
            const auto begin = std::chrono::steady_clock::now();
            const auto part = make_part(part_name, f, o);
            const deep::Tally t = run(*part, f, o.kernel, o.threads, std::string(deep::text_of(f)) + " " + part_label);
            const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
            const double stated = gonogo::numeric::accuracy_ulp(deep::function_of(f));
            const bool accurate = o.audit || (t.low.ulp <= stated && t.high.ulp <= stated);
            if (!accurate) {
                std::printf("INACCURATE %s: more than the stated %g ulp\n", deep::text_of(f).data(), stated);
            }
            char row[400];
            std::snprintf(row, sizeof row, "%s %lld | %lld | %lld | %lld | %.3f | %.3f | %g | %.3f | %.0f |",
                          start.c_str(), static_cast<long long>(t.points), static_cast<long long>(t.failures),
                          static_cast<long long>(t.direct), static_cast<long long>(t.whole), t.low.ulp, t.high.ulp,
                          stated, t.width.ulp, seconds);
            std::printf("%s\n", row);
            std::printf(
                "<!-- greatest: lower at %a, upper at %a, width at %a; %lld series; %lld outside the domain -->\n",
                t.low.x, t.high.x, t.width.x, static_cast<long long>(t.series), static_cast<long long>(t.outside));
            std::fflush(stdout);
            if (!o.results.empty()) {
                std::ofstream(o.results, std::ios::app) << row << '\n';
            }
            failures += t.failures + (accurate ? 0 : 1);
        }
    }
    std::printf("%lld failures\n", static_cast<long long>(failures));
    return failures == 0 ? 0 : 1;
}
