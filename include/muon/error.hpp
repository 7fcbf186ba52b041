/// What a failing call throws.
#ifndef MUON_ERROR_HPP
#define MUON_ERROR_HPP

#include <muon/enums.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace muon {

/// A call that failed, and has changed nothing. what() says what was wrong and what was expected.
class Error : public std::runtime_error {
 public:
  Error(Status status, const char *text) : std::runtime_error(text), status_(status) {}

  Status status() const noexcept { return status_; }

 private:
  Status status_;
};

namespace detail {

// Apart from check, so that what every call inlines is one comparison.
[[noreturn]] inline void fail(muon_status status) {
  throw Error(static_cast<Status>(status), muon_last_error());
}

inline void check(muon_status status) {
  if (status != MUON_OK) fail(status);
}

/// A text for C, where it would end at a NUL and be another one.
inline const char *to_c_text(const std::string &text, const char *what) {
  if (text.find('\0') != std::string::npos)
    throw Error(Status::invalid_argument,
                (what + std::string(": there is a NUL character in it; expected none")).c_str());
  return text.c_str();
}

/// The result of a function of muon.h that writes it to its last argument.
template <class Result, class Function, class... Arguments>
Result result_of(Function function, Arguments... arguments) {
  Result result{};
  check(function(arguments..., &result));
  return result;
}

/// The results of a function of muon.h that ends in (out, capacity, outCount).
template <class Result, class Function, class... Arguments>
std::vector<Result> results_of(Function function, Arguments... arguments) {
  std::size_t count = 0;
  check(function(arguments..., nullptr, 0, &count));
  std::vector<Result> results(count);
  check(function(arguments..., results.data(), results.size(), &count));
  return results;
}

/// Frees what a std::unique_ptr holds, and takes no room in it.
template <auto destroy>
struct Destroy {
  template <class Handle>
  void operator()(Handle *handle) const noexcept {
    static_cast<void>(destroy(handle));
  }
};

}  // namespace detail
}  // namespace muon

#endif  // MUON_ERROR_HPP
