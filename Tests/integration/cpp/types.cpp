// What the compiler is to know of the types, and the defaults of the options.
#include "check.hpp"

#include <array>
#include <memory>
#include <type_traits>
#include <vector>
#if __cplusplus >= 202002L
#include <span>
#endif

namespace {

template <class Type>
constexpr bool is_handle = std::is_nothrow_move_constructible_v<Type> &&
                           std::is_nothrow_move_assignable_v<Type> &&
                           !std::is_copy_constructible_v<Type> &&
                           !std::is_copy_assignable_v<Type> && sizeof(Type) == sizeof(void *);
static_assert(is_handle<muon::Optimizer>);
static_assert(is_handle<muon::Muon>);
static_assert(is_handle<muon::AdamW>);
static_assert(is_handle<muon::Schedule>);
static_assert(is_handle<muon::Scheduler>);

using Floats = muon::Span<float>;
using ConstFloats = muon::Span<const float>;
static_assert(sizeof(Floats) == 2 * sizeof(void *) && std::is_trivially_copyable_v<Floats>);
static_assert(std::is_convertible_v<std::vector<float> &, Floats>);
static_assert(std::is_convertible_v<float (&)[3], Floats>);
static_assert(std::is_convertible_v<std::array<float, 3> &, Floats>);
static_assert(std::is_convertible_v<const std::vector<float> &, ConstFloats>);
static_assert(std::is_convertible_v<std::vector<float>, ConstFloats>);
static_assert(std::is_convertible_v<Floats, ConstFloats>);
static_assert(!std::is_convertible_v<ConstFloats, Floats>);
static_assert(!std::is_convertible_v<const std::vector<float> &, Floats>);
// What is written must not be gone at the end of the expression.
static_assert(!std::is_constructible_v<Floats, std::vector<float>>);
static_assert(!std::is_constructible_v<Floats, std::vector<double> &>);
static_assert(!std::is_constructible_v<Floats, std::vector<int> &>);
// A tensor of somebody's, which is no range.
struct Tensor {
  float *data();
  std::size_t size();
};
static_assert(std::is_convertible_v<Tensor &, Floats> && !std::is_constructible_v<Floats, Tensor>);
#if __cplusplus >= 202002L
static_assert(std::is_convertible_v<std::span<float>, Floats>);
static_assert(std::is_convertible_v<std::span<float, 3>, Floats>);
static_assert(!std::is_convertible_v<std::span<const float>, Floats>);
static_assert(std::is_convertible_v<Floats &, std::span<float>>);
static_assert(std::is_convertible_v<Floats, std::span<float>>);
#endif

// Nobody can destroy an optimizer in its place by accident, or make one out of a pointer.
static_assert(!std::is_convertible_v<muon_optimizer *, muon::Optimizer>);
static_assert(!std::is_convertible_v<muon::Optimizer, muon::Muon>);
static_assert(std::is_base_of_v<std::runtime_error, muon::Error>);

}  // namespace

void test_types() {
  std::vector<float> values{1, 2, 3};
  const Floats span(values);
  CHECK(span.size() == 3 && span.data() == values.data() && !span.empty() && Floats().empty());
  span[1] = 5;
  float sum = 0;
  for (const float value : ConstFloats(span)) sum += value;
  CHECK(sum == 9);

  // As documented in muon.h.
  const muon::MuonOptions muon;
  CHECK(muon.lr == 0.02 && muon.momentum == 0.95 && muon.weight_decay == 0 && muon.eps == 1e-7);
  CHECK(muon.nesterov && muon.get_momentum_style() == muon::MomentumStyle::classic);
  CHECK(muon.get_shape_scale() == muon::ShapeScale::none);
  CHECK(muon.get_backend() == muon::Backend::newtonschulz5 && muon.backend_steps == 0);
  CHECK(muon.get_precision() == muon::Precision::automatic && muon.get_coefficients().empty());
  CHECK(muon.get_method() == muon::NewtonSchulzMethod::automatic);
  const muon::AdamWOptions adamw;
  CHECK(adamw.lr == 1e-3 && adamw.beta1 == 0.9 && adamw.beta2 == 0.999 && adamw.eps == 1e-8);
  CHECK(adamw.weight_decay == 0.01);
  const muon::OrthogonalizeOptions orthogonalize;
  CHECK(orthogonalize.get_backend() == muon::Backend::orthogonalize && orthogonalize.eps == 1e-8);
  CHECK(orthogonalize.backend_steps == 0 && orthogonalize.get_coefficients().empty());
  CHECK(orthogonalize.get_precision() == muon::Precision::f32);
  const muon::Parameter param;
  CHECK(param.name.empty() && param.shape.empty() && param.data.empty() && param.grad.empty());
  CHECK(param.dtype == muon::DType::f32 && param.requires_grad && param.state.empty());
  CHECK(muon::Muon(muon::MuonOptions().set_lr(0.5).set_backend(muon::Backend::svd)).lr() == 0.5);
  CHECK(muon::Muon(muon::MuonOptions().set_nesterov(false)).options().nesterov == 0);
  // The rows go along with a copy, whatever becomes of what was copied.
  muon::MuonOptions copied;
  {
    muon::MuonOptions first;
    first.set_backend(muon::Backend::custom).set_coefficients({{1.5, -0.5, 0}});
    copied = first;
    first.set_coefficients({});
  }
  const muon_muon_options c = copied.to_c();
  CHECK(c.coefficients_count == 1 && c.coefficients == copied.get_coefficients().data());
  CHECK(c.coefficients[0].b == -0.5 && muon::MuonOptions().to_c().coefficients == nullptr);
}
