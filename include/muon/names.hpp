/// The values of enums by their names; name(value) gives the name.
#ifndef MUON_NAMES_HPP
#define MUON_NAMES_HPP

#include <muon/enums.hpp>
#include <muon/error.hpp>

#include <string>

namespace muon {

/// The value of a name: from_name<Backend>("svd"). Error: Status::invalid_argument for any other
/// name; the text lists the names that exist.
template <class Enum>
Enum from_name(const std::string &name) {
  Enum value{};
  detail::check(detail::from_name(detail::to_c_text(name, "name"), &value));
  return value;
}

}  // namespace muon

#endif  // MUON_NAMES_HPP
