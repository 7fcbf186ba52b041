/// The defaults of the structs of muon.h, asked for once.
#ifndef MUON_DEFAULTS_HPP
#define MUON_DEFAULTS_HPP

#include <muon/error.hpp>

#include <cstddef>

namespace muon {
namespace detail {

/// A struct of muon.h as its function muon_..._init fills it in.
template <class Struct, muon_status (*init)(Struct *, std::size_t)>
const Struct &defaults() {
  static const Struct filled = [] {
    Struct made{};
    check(init(&made, sizeof made));
    return made;
  }();
  return filled;
}

}  // namespace detail
}  // namespace muon

#endif  // MUON_DEFAULTS_HPP
