// Made from include/muon.h by bindings/generate. Do not edit: run `make generate`.
/// The option structs of muon.h, with functions for their fields. muon.h says more.
#ifndef MUON_OPTION_TYPES_HPP
#define MUON_OPTION_TYPES_HPP

#include <muon/defaults.hpp>
#include <muon/enums.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace muon {

/// One step's polynomial a x + b x^3 + c x^5.
using Coefficients = muon_coefficients;

/// muon_orthogonalize_options; a value out of range is an Error when the options are used.
struct OrthogonalizeOptions : muon_orthogonalize_options {
  /// The defaults.
  OrthogonalizeOptions()
      : muon_orthogonalize_options(
            detail::defaults<muon_orthogonalize_options, muon_orthogonalize_options_init>()) {}

  /// MUON_BACKEND_ORTHOGONALIZE
  OrthogonalizeOptions &set_backend(Backend value) {
    backend = static_cast<muon_backend>(value);
    return *this;
  }
  Backend get_backend() const noexcept {
    return static_cast<Backend>(backend);
  }
  /// 1 to 99, or 0: the backend's own number. 0
  OrthogonalizeOptions &set_backend_steps(std::int32_t value) {
    backend_steps = value;
    return *this;
  }
  /// Added to the Frobenius norm; finite, >= 0. 1e-8
  OrthogonalizeOptions &set_eps(double value) {
    eps = value;
    return *this;
  }
  /// MUON_PRECISION_F32
  OrthogonalizeOptions &set_precision(Precision value) {
    precision = static_cast<muon_precision>(value);
    return *this;
  }
  Precision get_precision() const noexcept {
    return static_cast<Precision>(precision);
  }
  /// For MUON_BACKEND_CUSTOM only: 1 to 99 rows. NULL
  OrthogonalizeOptions &set_coefficients(std::vector<Coefficients> rows) {
    rows_ = std::move(rows);
    return *this;
  }
  const std::vector<Coefficients> &get_coefficients() const noexcept { return rows_; }
  /// MUON_NEWTON_SCHULZ_METHOD_AUTO
  OrthogonalizeOptions &set_method(NewtonSchulzMethod value) {
    method = static_cast<muon_newton_schulz_method>(value);
    return *this;
  }
  NewtonSchulzMethod get_method() const noexcept {
    return static_cast<NewtonSchulzMethod>(method);
  }

  /// For functions of muon.h, with the rows of set_coefficients. It points into this object.
  muon_orthogonalize_options to_c() const {
    muon_orthogonalize_options c = *this;
    if (!rows_.empty()) c.coefficients = rows_.data(), c.coefficients_count = rows_.size();
    return c;
  }

 private:
  std::vector<Coefficients> rows_;
};

/// muon_muon_options; a value out of range is an Error when the options are used.
struct MuonOptions : muon_muon_options {
  /// The defaults.
  MuonOptions()
      : muon_muon_options(
            detail::defaults<muon_muon_options, muon_muon_options_init>()) {}

  /// Finite, >= 0. 0.02
  MuonOptions &set_lr(double value) {
    lr = value;
    return *this;
  }
  /// [0, 1). 0.95
  MuonOptions &set_momentum(double value) {
    momentum = value;
    return *this;
  }
  /// Finite, >= 0. 0
  MuonOptions &set_weight_decay(double value) {
    weight_decay = value;
    return *this;
  }
  /// As in orthogonalize. 1e-7
  MuonOptions &set_eps(double value) {
    eps = value;
    return *this;
  }
  /// 0 or 1. 1
  MuonOptions &set_nesterov(bool value) {
    nesterov = value ? 1 : 0;
    return *this;
  }
  /// MUON_MOMENTUM_STYLE_CLASSIC
  MuonOptions &set_momentum_style(MomentumStyle value) {
    momentum_style = static_cast<muon_momentum_style>(value);
    return *this;
  }
  MomentumStyle get_momentum_style() const noexcept {
    return static_cast<MomentumStyle>(momentum_style);
  }
  /// MUON_SHAPE_SCALE_NONE
  MuonOptions &set_shape_scale(ShapeScale value) {
    shape_scale = static_cast<muon_shape_scale>(value);
    return *this;
  }
  ShapeScale get_shape_scale() const noexcept {
    return static_cast<ShapeScale>(shape_scale);
  }
  /// MUON_BACKEND_NEWTONSCHULZ5
  MuonOptions &set_backend(Backend value) {
    backend = static_cast<muon_backend>(value);
    return *this;
  }
  Backend get_backend() const noexcept {
    return static_cast<Backend>(backend);
  }
  /// 1 to 99, or 0: the backend's own number, here 5. 0
  MuonOptions &set_backend_steps(std::int32_t value) {
    backend_steps = value;
    return *this;
  }
  /// MUON_PRECISION_AUTO
  MuonOptions &set_precision(Precision value) {
    precision = static_cast<muon_precision>(value);
    return *this;
  }
  Precision get_precision() const noexcept {
    return static_cast<Precision>(precision);
  }
  /// MUON_BACKEND_CUSTOM only: 1 to 99 rows. NULL
  MuonOptions &set_coefficients(std::vector<Coefficients> rows) {
    rows_ = std::move(rows);
    return *this;
  }
  const std::vector<Coefficients> &get_coefficients() const noexcept { return rows_; }
  /// MUON_NEWTON_SCHULZ_METHOD_AUTO
  MuonOptions &set_method(NewtonSchulzMethod value) {
    method = static_cast<muon_newton_schulz_method>(value);
    return *this;
  }
  NewtonSchulzMethod get_method() const noexcept {
    return static_cast<NewtonSchulzMethod>(method);
  }
  /// Another factor on the update; finite, > 0. 1
  MuonOptions &set_update_scale(double value) {
    update_scale = value;
    return *this;
  }
  /// 0 or 1: elements of p whose sign is the opposite of that of O are not decayed (arXiv
  /// 2510.12402). 0
  MuonOptions &set_cautious_weight_decay(bool value) {
    cautious_weight_decay = value ? 1 : 0;
    return *this;
  }
  /// MUON_SECOND_MOMENT_NONE
  MuonOptions &set_second_moment(SecondMoment value) {
    second_moment = static_cast<muon_second_moment>(value);
    return *this;
  }
  SecondMoment get_second_moment() const noexcept {
    return static_cast<SecondMoment>(second_moment);
  }
  /// Of second_moment; [0, 1). 0.95
  MuonOptions &set_beta2(double value) {
    beta2 = value;
    return *this;
  }
  /// 0 or 1: p keeps the Frobenius norm R it has in its first step, the state "radius" of shape (1,
  /// 1): w = p - lr R O/||O||, p <- R w/||w|| s and e cancel. weight_decay must be 0, and
  /// cautious_weight_decay too. A p that is zero is MUON_ERR_INVALID_ARGUMENT in its first step. 0
  MuonOptions &set_hyperball(bool value) {
    hyperball = value ? 1 : 0;
    return *this;
  }

  /// For functions of muon.h, with the rows of set_coefficients. It points into this object.
  muon_muon_options to_c() const {
    muon_muon_options c = *this;
    if (!rows_.empty()) c.coefficients = rows_.data(), c.coefficients_count = rows_.size();
    return c;
  }

 private:
  std::vector<Coefficients> rows_;
};

/// muon_adamw_options; a value out of range is an Error when the options are used.
struct AdamWOptions : muon_adamw_options {
  /// The defaults.
  AdamWOptions()
      : muon_adamw_options(
            detail::defaults<muon_adamw_options, muon_adamw_options_init>()) {}

  /// Finite, >= 0. 1e-3
  AdamWOptions &set_lr(double value) {
    lr = value;
    return *this;
  }
  /// [0, 1). 0.9
  AdamWOptions &set_beta1(double value) {
    beta1 = value;
    return *this;
  }
  /// [0, 1). 0.999
  AdamWOptions &set_beta2(double value) {
    beta2 = value;
    return *this;
  }
  /// Finite, >= 0. 1e-8
  AdamWOptions &set_eps(double value) {
    eps = value;
    return *this;
  }
  /// Finite, >= 0. 0.01
  AdamWOptions &set_weight_decay(double value) {
    weight_decay = value;
    return *this;
  }
  /// 0 or 1: elements of p whose sign is the opposite of that of the new m are not decayed (arXiv
  /// 2510.12402). 0
  AdamWOptions &set_cautious_weight_decay(bool value) {
    cautious_weight_decay = value ? 1 : 0;
    return *this;
  }

  /// For functions of muon.h.
  muon_adamw_options to_c() const { return *this; }
};

}  // namespace muon

#endif  // MUON_OPTION_TYPES_HPP
