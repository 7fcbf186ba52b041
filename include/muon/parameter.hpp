/// A parameter: describes a buffer of yours to the library, which trains it.
#ifndef MUON_PARAMETER_HPP
#define MUON_PARAMETER_HPP

#include <muon/numbers.hpp>
#include <muon/options.hpp>
#include <muon/span.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace muon {
namespace detail {

inline const muon_param &param_defaults() { return defaults<muon_param, muon_param_init>(); }

}  // namespace detail

/// A state buffer in memory of yours, such as state_buffer("momentum", m), which has as many elements as the
/// optimizer's buffer of that name, and of its type. The name must live as long as the Parameter it is for.
inline muon_state_buffer state_buffer(const char *name, Numbers memory) {
  return {name, memory.data(), memory.size()};
}

/// A parameter seen as a batch of matrices, each of which Muon treats as a parameter of its own: View{"boi"}. See
/// docs/views.md.
struct View {
  /// A letter an axis: 'o' for outputs, which are rows; 'i' for inputs, which are columns; 'b' for a matrix for each
  /// index. At least one 'o' and one 'i'.
  std::string axes = "oi";
  /// What the parameter is read as; one extent may be -1: what is left. Empty: its own shape.
  std::vector<std::int64_t> shape = {};
  /// An 'o' or 'i' axis in blocks, where there are split_sizes.
  std::int32_t split_axis = 0;
  /// The extents of the blocks, each >= 1, a matrix for each; their sum is that of the axis. Empty: none.
  std::vector<std::int64_t> split_sizes = {};
};

/// Describes a dense, row-major parameter: Parameter{"fc1.weight", {64, 32}, weight, weight_grad}.
///
/// Name and shape are copied when an optimizer takes it. Its buffers are not: they are yours, and
/// must stay where they are until they are bound anew or the optimizer is destroyed. Do not resize
/// a std::vector that is bound. Data and gradient have as many elements as the shape says, of the size of their dtypes.
struct Parameter {
  /// UTF-8, for messages. Empty: "param" and its index.
  std::string name = {};
  /// 0 to 8 extents, each >= 0; none for a scalar. Muon takes 2, or a view.
  std::vector<std::int64_t> shape = {};
  /// What step() trains.
  Numbers data = {};
  /// Its gradient. Without one, step() skips the parameter.
  Numbers grad = {};
  /// State in memory of yours: the library continues from its contents. What is not in the list is
  /// the library's own, and starts at zero.
  std::vector<muon_state_buffer> state = {};
  /// DType::f32, bf16 or f16; the builders leave DType::not_float out.
  DType dtype = static_cast<DType>(detail::param_defaults().dtype);
  /// false: the builders leave the parameter out.
  bool requires_grad = detail::param_defaults().requires_grad != 0;
  /// How Muon sees it as matrices; none: as the one that it is. AdamW ignores it.
  std::optional<View> view = std::nullopt;
  /// Of the gradient, where it is not that of the parameter.
  std::optional<DType> grad_dtype = std::nullopt;
  /// Of Muon's momentum: DType::f32 or bf16.
  DType state_dtype = DType::f32;
  /// What the state keeps of a parameter that is not DType::f32: see docs/half-precision.md.
  Master master = static_cast<Master>(detail::param_defaults().master);
};

namespace detail {

inline muon_view to_c(const View &view) {
  muon_view c = defaults<muon_view, muon_view_init>();
  c.axes = to_c_text(view.axes, "the axes of a view");
  // More dimensions than there can be are an error of the library's.
  c.ndim = static_cast<std::int32_t>(view.shape.size());
  c.shape = view.shape.data();
  c.split_axis = view.split_axis;
  c.split_sizes = view.split_sizes.data();
  c.split_count = view.split_sizes.size();
  return c;
}

/// What muon.h takes. It points into the parameter, and to its view, both of which must outlive it.
inline muon_param to_c(const Parameter &param, const muon_view *view) {
  // Of other types nothing is read.
  const bool is_stored = param.dtype == DType::f32 || param.dtype == DType::bf16 || param.dtype == DType::f16;
  if (is_stored) param.data.require(param.dtype, "the data of a parameter");
  if (is_stored) param.grad.require(param.grad_dtype.value_or(param.dtype), "the gradient of a parameter");
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
  c.view = view;
  if (param.grad_dtype) c.grad_dtype = static_cast<muon_dtype>(*param.grad_dtype);
  c.state_dtype = static_cast<muon_dtype>(param.state_dtype);
  c.master = static_cast<muon_master>(param.master);
  return c;
}

/// Parameters as muon.h takes them, which must outlive it.
class ParameterList {
 public:
  explicit ParameterList(const Parameter &param) { add(&param, 1); }
  explicit ParameterList(const std::vector<Parameter> &params) { add(params.data(), params.size()); }
  ParameterList(const ParameterList &) = delete;
  ParameterList &operator=(const ParameterList &) = delete;

  const muon_param *data() const { return params_.data(); }
  std::size_t size() const { return params_.size(); }

 private:
  void add(const Parameter *first, std::size_t count) {
    params_.reserve(count);
    views_.reserve(count);  // parameters point to them
    for (std::size_t i = 0; i < count; i++) {
      if (first[i].view) views_.push_back(to_c(*first[i].view));
      params_.push_back(to_c(first[i], first[i].view ? &views_.back() : nullptr));
    }
  }

  std::vector<muon_param> params_;
  std::vector<muon_view> views_;
};

}  // namespace detail
}  // namespace muon

#endif  // MUON_PARAMETER_HPP
