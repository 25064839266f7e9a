// The one way in which kernels use what a processor has: written once, compiled for several instruction sets, chosen
// when they are called.
//
//   struct Sum {                                                     // a kernel
//     template <Isa>
//     static LAYOUTSERVE_INLINED float run(const float* x, int64_t n) { ... }
//   };
//   float total = dispatch<Sum>(x, n);
//
// Loops that the compiler makes vectors of need no more. A kernel with instructions of its own specialises `run` for an
// Isa, with that Isa's attribute, and one that has tiles is called as dispatch<Kernel, Isa::kAmx>.
#pragma once

#include <atomic>
#include <cstdint>
#include <type_traits>

#if defined(__x86_64__) && defined(__GNUC__)
#define LAYOUTSERVE_X86
#define LAYOUTSERVE_AVX2 __attribute__((target("avx2,fma")))
#ifdef __clang__
#define LAYOUTSERVE_AVX512 __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")))
#else
#define LAYOUTSERVE_AVX512 \
  __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,prefer-vector-width=512")))
#endif
#if defined(__linux__) && __GNUC__ >= 11
#define LAYOUTSERVE_AMX __attribute__((target("avx512f,amx-tile,amx-int8")))
#endif
#endif

// Everything that a kernel's `run` calls in its loops: by itself it would be compiled for the baseline.
#define LAYOUTSERVE_INLINED inline __attribute__((always_inline))

namespace layoutserve {

// What kernels are compiled for, each with all of those before it. The baseline is what every processor of the
// architecture has; AVX-512 stands for its integer products (VNNI), too, and AMX for tiles of int8.
enum class Isa { kBaseline, kAvx2, kAvx512, kAmx };

// The most that this processor has, and that its system lets a process use.
Isa fastest_isa();

// What kernels run on: the fastest, unless a test asked for less.
extern std::atomic<Isa> chosen_isa;
inline Isa isa() { return chosen_isa.load(std::memory_order_relaxed); }

// Pointers that a kernel is given never overlap.
template <typename T>
using Apart = std::conditional_t<std::is_pointer_v<T>, T __restrict, T>;

#ifdef LAYOUTSERVE_X86
template <typename Kernel, typename... Arguments>
LAYOUTSERVE_AVX2 auto run_on_avx2(Apart<Arguments>... arguments) {
  return Kernel::template run<Isa::kAvx2>(arguments...);
}

template <typename Kernel, typename... Arguments>
LAYOUTSERVE_AVX512 auto run_on_avx512(Apart<Arguments>... arguments) {
  return Kernel::template run<Isa::kAvx512>(arguments...);
}
#endif

// Runs a kernel, compiled for what the processor has up to kMost.
template <typename Kernel, Isa kMost = Isa::kAvx512, typename... Arguments>
auto dispatch(Arguments... arguments) {
  switch (isa()) {
#ifdef LAYOUTSERVE_X86
    case Isa::kAmx:
      if constexpr (kMost == Isa::kAmx) return Kernel::template run<Isa::kAmx>(arguments...);
      [[fallthrough]];
    case Isa::kAvx512: return run_on_avx512<Kernel, Arguments...>(arguments...);
    case Isa::kAvx2: return run_on_avx2<Kernel, Arguments...>(arguments...);
#endif
    default: return Kernel::template run<Isa::kBaseline>(arguments...);
  }
}

}  // namespace layoutserve
