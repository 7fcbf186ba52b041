/// The library that is loaded, and its threads.
#ifndef MUON_RUNTIME_HPP
#define MUON_RUNTIME_HPP

#include <muon/error.hpp>

#include <cstdint>

namespace muon {

/// The version of the library that is loaded; compare with MUON_VERSION_NUMBER.
inline std::uint32_t version_number() noexcept { return muon_version_number(); }

/// The same as text: "0.2.0".
inline const char *version_string() noexcept { return muon_version_string(); }

/// One line about the library, which stays valid until the process ends.
inline const char *build_info() noexcept { return muon_build_info(); }

/// How many threads a step may use, for the whole process: 1 to 1024, or 0 for the default. Results
/// do not depend on it, to the bit.
inline void set_num_threads(std::int32_t count) { detail::check(muon_set_num_threads(count)); }
inline std::int32_t num_threads() noexcept { return muon_get_num_threads(); }

}  // namespace muon

#endif  // MUON_RUNTIME_HPP
