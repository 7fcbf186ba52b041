// Exercises every wrapper of muon.hpp. The functions of muon.h are not called directly, so that the
// symbols this program needs are those that muon.hpp reaches.
#include "check.hpp"

#include <new>

int allocations = 0;

void *operator new(std::size_t size) {
  allocations++;
  if (void *memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

int main() {
  test_types();
  test_optimizers();
  test_state();
  test_checkpoints();
  test_ownership();
  test_schedules();
  test_functions();
  test_watching();
  test_views();
  test_half_precision();
  test_exchange();
  std::puts("passed");
}
