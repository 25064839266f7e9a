// What this processor has.

#include "processor.h"

#ifdef LAYOUTSERVE_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace layoutserve {
namespace {

// Tiles are there, the system keeps them when it switches processes, and this process may use them, which it asks for.
bool has_amx() {
#ifdef LAYOUTSERVE_AMX
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid_count(7, 0, &a, &b, &c, &d) || (d >> 24 & 3) != 3) return false;
  unsigned low = 0, high = 0;
  if (!__get_cpuid_count(1, 0, &a, &b, &c, &d) || (c >> 27 & 1) == 0) return false;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  if ((low >> 17 & 3) != 3) return false;
  constexpr long kRequestPermission = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, of Linux 5.16
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

Isa detected() {
#ifdef LAYOUTSERVE_X86
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::kBaseline;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl") ||
      !__builtin_cpu_supports("avx512vnni")) {
    return Isa::kAvx2;
  }
  return has_amx() ? Isa::kAmx : Isa::kAvx512;
#else
  return Isa::kBaseline;
#endif
}

}  // namespace

Isa fastest_isa() {
  static const Isa isa = detected();
  return isa;
}

std::atomic<Isa> chosen_isa{fastest_isa()};

}  // namespace layoutserve

// For tests: has all kernels from now on run on one instruction set (0 the baseline, 1 AVX2, 2 AVX-512, 3 AMX), or
// on the fastest (-1); false, and nothing changes, where this processor does not have it.
extern "C" __attribute__((visibility("default"))) bool layoutserve_use_isa(int number) {
  using namespace layoutserve;
  if (number > static_cast<int>(fastest_isa())) return false;
  chosen_isa = number < 0 ? fastest_isa() : static_cast<Isa>(number);
  return true;
}
