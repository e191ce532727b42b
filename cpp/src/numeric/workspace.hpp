// Scratch memory of the matrix products.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace gonogo::numeric {

// Uninitialised memory from a multiple of 64 bytes on. Up to 16 MiB are kept for the next use: touching fresh pages
// takes a tenth of the time of a product.
class Workspace {
  public:
    Workspace() = default;
    ~Workspace() { release(); }
    Workspace(const Workspace&) = delete;
    Workspace& operator=(const Workspace&) = delete;

    // One at a time.
    template <class T>
    class Use {
      public:
        Use(Workspace& workspace, std::int64_t count)
            : workspace_(workspace),
              data_(static_cast<T*>(workspace.reserve(static_cast<std::size_t>(count), sizeof(T)))) {}
        ~Use() { workspace_.trim(); }
        Use(const Use&) = delete;
        Use& operator=(const Use&) = delete;
        T* get() const { return data_; }

      private:
        Workspace& workspace_;
        T* data_;
    };

  private:
    static constexpr std::size_t most_kept = std::size_t{1} << 24;
    static constexpr std::size_t large_page = std::size_t{1} << 21;

    static std::align_val_t alignment(std::size_t bytes) {
        return std::align_val_t{bytes >= large_page ? large_page : 64};
    }

    void* reserve(std::size_t count, std::size_t size) {
        if (count > static_cast<std::size_t>(PTRDIFF_MAX) / size) {
            throw std::bad_alloc();
        }
        const std::size_t bytes = count * size;
        if (bytes > bytes_) {
            release();
            data_ = ::operator new(bytes, alignment(bytes));
            bytes_ = bytes;
#if defined(__linux__)
            if (bytes >= large_page) {
                madvise(data_, bytes, MADV_HUGEPAGE);  // a wish
            }
#endif
        }
        return data_;
    }

    void trim() {
        if (bytes_ > most_kept) {
            release();
        }
    }

    void release() {
        if (data_ != nullptr) {
            ::operator delete(data_, alignment(bytes_));
        }
        data_ = nullptr;
        bytes_ = 0;
    }

    void* data_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace gonogo::numeric
