// What this processor has.

#include "processor.h"

#ifdef LAYOUTSERVE_AMX
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace layoutserve {
namespace {

bool asked_for_amx() {
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

}  // namespace

bool has_avx2() {
#ifdef LAYOUTSERVE_X86
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

bool has_avx512_vnni() {
#ifdef LAYOUTSERVE_X86
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
         __builtin_cpu_supports("avx512vnni");
#else
  return false;
#endif
}

bool has_amx() {
  static const bool tiles = asked_for_amx();
  return tiles;
}

}  // namespace layoutserve
