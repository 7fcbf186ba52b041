/// Options: MuonOptions, AdamWOptions and OrthogonalizeOptions, and the ranges of their fields.
///
/// They begin with the library's own defaults. Numbers can be set as fields, options.lr = 0.05;
/// enums, rows and everything else by a function, one after the other:
/// MuonOptions().set_lr(0.05).set_backend(Backend::svd).
#ifndef MUON_OPTIONS_HPP
#define MUON_OPTIONS_HPP

#include <muon/option_types.hpp>

#include <string>

namespace muon {

/// Which values an option takes, and its default. muon.h says what these numbers mean for flags,
/// enums and coefficients.
using OptionRange = muon_option_range;

/// The range of an option by its name: option_range(OptimizerKind::muon, "lr").
/// OptimizerKind::none: of orthogonalize().
inline OptionRange option_range(OptimizerKind kind, const std::string &name) {
  return detail::result_of<OptionRange>(muon_option_get_range,
                                        static_cast<muon_optimizer_kind>(kind),
                                        detail::to_c_text(name, "name"));
}

}  // namespace muon

#endif  // MUON_OPTIONS_HPP
