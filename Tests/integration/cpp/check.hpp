/// What the tests of muon.hpp check with.
#ifndef CHECK_HPP
#define CHECK_HPP

#include <muon.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>

#define CHECK(condition) ((condition) ? void() : failed(__FILE__, __LINE__, #condition))

/// The call throws an Error of this status, and its text has these words in it.
#define CHECK_THROWS(call, status, words) \
  CHECK(throws([&] { static_cast<void>(call); }, muon::Status::status, words))

[[noreturn]] inline void failed(const char *file, int line, const char *condition) {
  std::printf("%s:%d: %s\n", file, line, condition);
  std::exit(1);
}

template <class Call>
bool throws(Call call, muon::Status status, const char *words) {
  try {
    call();
  } catch (const muon::Error &error) {
    if (error.status() == status && std::string(error.what()).find(words) != std::string::npos)
      return true;
    std::printf("%s: %s\n", muon::name(error.status()), error.what());
  }
  return false;
}

inline bool near(double a, double b, double tolerance = 1e-6) {
  return std::abs(a - b) <= tolerance * (1 + std::abs(b));
}

/// How often operator new was called, by all threads together.
extern int allocations;

// Each in a file of its own.
void test_types();
void test_optimizers();
void test_state();
void test_checkpoints();
void test_ownership();
void test_schedules();
void test_functions();
void test_watching();
void test_views();
void test_half_precision();
void test_exchange();

#endif  // CHECK_HPP
