/// A parameter: describes a buffer of yours to the library, which trains it.
#ifndef MUON_PARAMETER_HPP
#define MUON_PARAMETER_HPP

#include <muon/options.hpp>
#include <muon/span.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace muon {
namespace detail {

inline const muon_param &param_defaults() { return defaults<muon_param, muon_param_init>(); }

}  // namespace detail

/// A state buffer in memory of yours, such as state_buffer("momentum", m), which has as many elements as the
/// optimizer's buffer of that name. The name must live as long as the Parameter it is for.
inline muon_state_buffer state_buffer(const char *name, Span<float> memory) {
  return {name, memory.data(), memory.size()};
}

/// Describes a dense, row-major parameter: Parameter{"fc1.weight", {64, 32}, weight, weight_grad}.
///
/// Name and shape are copied when an optimizer takes it. Its buffers are not: they are yours, and
/// must stay where they are until they are bound anew or the optimizer is destroyed. Do not resize
/// a std::vector that is bound. Data and gradient have as many elements as the shape says.
struct Parameter {
  /// UTF-8, for messages. Empty: "param" and its index.
  std::string name = {};
  /// 0 to 8 extents, each >= 0; none for a scalar. Muon takes 2.
  std::vector<std::int64_t> shape = {};
  /// What step() trains.
  Span<float> data = {};
  /// Its gradient. Without one, step() skips the parameter.
  Span<float> grad = {};
  /// State in memory of yours: the library continues from its contents. What is not in the list is
  /// the library's own, and starts at zero.
  std::vector<muon_state_buffer> state = {};
  /// Anything but DType::f32 is for the builders, which leave DType::not_float out.
  DType dtype = static_cast<DType>(detail::param_defaults().dtype);
  /// false: the builders leave the parameter out.
  bool requires_grad = detail::param_defaults().requires_grad != 0;
};

namespace detail {

/// What muon.h takes. It points into the parameter, which must outlive it.
inline muon_param to_c(const Parameter &param) {
  muon_param c = param_defaults();
  c.name = param.name.empty() ? nullptr : to_c_text(param.name, "name");
  c.dtype = static_cast<muon_dtype>(param.dtype);
  c.requires_grad = param.requires_grad;
  // More dimensions than there can be are an error of the library's.
  c.ndim = static_cast<std::int32_t>(param.shape.size());
  c.shape = param.shape.data();
  c.data = param.data.data();
  c.data_count = param.data.size();
  c.grad = param.grad.data();
  c.grad_count = param.grad.size();
  c.state = param.state.data();
  c.state_count = param.state.size();
  return c;
}

inline std::vector<muon_param> to_c(const std::vector<Parameter> &params) {
  std::vector<muon_param> list;
  list.reserve(params.size());
  for (const Parameter &param : params) list.push_back(to_c(param));
  return list;
}

}  // namespace detail
}  // namespace muon

#endif  // MUON_PARAMETER_HPP
