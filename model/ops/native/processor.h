// What this processor can compute with, what its kernels are compiled for, and which of them is used.
#pragma once

#include <atomic>

#if defined(__x86_64__) && defined(__GNUC__)
#define LAYOUTSERVE_X86
#define LAYOUTSERVE_AVX512 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#define LAYOUTSERVE_AVX2 __attribute__((target("avx2,fma")))
#if defined(__linux__) && __GNUC__ >= 11
#define LAYOUTSERVE_AMX __attribute__((target("avx512f,amx-tile,amx-int8")))
#endif
#endif

namespace layoutserve {

// Whether it has all of LAYOUTSERVE_AVX2, and of LAYOUTSERVE_AVX512.
bool has_avx2();
bool has_avx512_vnni();

// Whether it has tiles for integers (LAYOUTSERVE_AMX), and the system keeps them for this process, which asks for it.
bool has_amx();

// Which of the kernels that compute the same is used: the fastest that the processor has, unless a test asks for another
// one. Kernels are numbered from 0, which every processor has, to the fastest.
template <typename Kernel, Kernel kFastest, bool (*kHas)(Kernel)>
class KernelChoice {
 public:
  static Kernel fastest() {
    int number = static_cast<int>(kFastest);
    while (number > 0 && !kHas(static_cast<Kernel>(number))) --number;
    return static_cast<Kernel>(number);
  }

  Kernel get() const { return kernel_.load(std::memory_order_relaxed); }

  // Takes the kernel of a number, or below 0 the fastest; false, and nothing changes, where the processor lacks it.
  bool set(int number) {
    if (number > static_cast<int>(kFastest)) return false;
    const Kernel kernel = number < 0 ? fastest() : static_cast<Kernel>(number);
    if (!kHas(kernel)) return false;
    kernel_.store(kernel, std::memory_order_relaxed);
    return true;
  }

 private:
  std::atomic<Kernel> kernel_{fastest()};
};

}  // namespace layoutserve
