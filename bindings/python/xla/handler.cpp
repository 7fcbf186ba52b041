// What XLA calls for libmuon.jax: muon_orthogonalize, for a batch of matrices.
//
// It is linked with no libmuon: Python hands it the functions of the one that it has loaded, so that
// a process has a single one, with a single pool of threads.

#include <muon.h>

#include <cmath>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>

#include "xla/ffi/api/ffi.h"

namespace ffi = xla::ffi;

namespace {

struct Library {
  decltype(&muon_orthogonalize_options_init) options_init;
  decltype(&muon_orthogonalize) orthogonalize;
  decltype(&muon_last_error) last_error;
};
Library library = {};

ffi::ErrorCode code_of(muon_status status) {
  switch (status) {
    case MUON_ERR_INVALID_ARGUMENT:
    case MUON_ERR_SHAPE: return ffi::ErrorCode::kInvalidArgument;
    case MUON_ERR_OUT_OF_MEMORY: return ffi::ErrorCode::kResourceExhausted;
    case MUON_ERR_UNSUPPORTED: return ffi::ErrorCode::kUnimplemented;
    default: return ffi::ErrorCode::kInternal;
  }
}

bool is_finite(const float *values, size_t count) {
  for (size_t i = 0; i < count; i++)
    if (!std::isfinite(values[i])) return false;
  return true;
}

// name: what errors call the matrices. propagate: one with NaN or infinity becomes NaN, in place of
// an error. The rest: the fields of muon_orthogonalize_options.
ffi::Error orthogonalize(ffi::Buffer<ffi::F32> g, ffi::ResultBuffer<ffi::F32> result,
                         std::string_view name, bool propagate, int32_t backend,
                         int32_t backend_steps, double eps, int32_t precision, int32_t method,
                         ffi::Span<const double> coefficients) try {
  static_assert(sizeof(muon_coefficients) == 3 * sizeof(double));
  muon_orthogonalize_options options;
  muon_status status = library.options_init(&options, sizeof options);
  options.backend = static_cast<muon_backend>(backend);
  options.backend_steps = backend_steps;
  options.eps = eps;
  options.precision = static_cast<muon_precision>(precision);
  options.method = static_cast<muon_newton_schulz_method>(method);
  if (coefficients.size() > 0)
    options.coefficients = reinterpret_cast<const muon_coefficients *>(coefficients.begin());
  options.coefficients_count = coefficients.size() / 3;

  const auto extents = g.dimensions();
  const int64_t rows = extents[extents.size() - 2], cols = extents[extents.size() - 1];
  const size_t size = static_cast<size_t>(rows) * static_cast<size_t>(cols);
  const size_t count = size == 0 ? 0 : g.element_count() / size;
  for (size_t i = 0; i < count && status == MUON_OK; i++) {
    const float *from = g.typed_data() + i * size;
    float *to = result->typed_data() + i * size;
    status = library.orthogonalize(from, size, rows, cols, &options, to, size);
    if (status == MUON_ERR_INVALID_ARGUMENT && propagate && !is_finite(from, size)) {
      for (size_t k = 0; k < size; k++) to[k] = NAN;
      status = MUON_OK;
    }
  }
  if (status == MUON_OK) return ffi::Error::Success();
  return ffi::Error(code_of(status), std::string(name) + ": " + library.last_error());
} catch (const std::exception &error) {
  return ffi::Error::Internal(error.what());
}

}  // namespace

extern "C" {

// The functions of the library to use.
__attribute__((visibility("default"))) void libmuon_xla_use(
    decltype(&muon_orthogonalize_options_init) options_init,
    decltype(&muon_orthogonalize) orthogonalize, decltype(&muon_last_error) last_error) {
  library = {options_init, orthogonalize, last_error};
}

#pragma GCC visibility push(default)
XLA_FFI_DEFINE_HANDLER_SYMBOL(libmuon_xla_orthogonalize, orthogonalize,
                              ffi::Ffi::Bind()
                                  .Arg<ffi::Buffer<ffi::F32>>()
                                  .Ret<ffi::Buffer<ffi::F32>>()
                                  .Attr<std::string_view>("name")
                                  .Attr<bool>("propagate")
                                  .Attr<int32_t>("backend")
                                  .Attr<int32_t>("backend_steps")
                                  .Attr<double>("eps")
                                  .Attr<int32_t>("precision")
                                  .Attr<int32_t>("method")
                                  .Attr<ffi::Span<const double>>("coefficients"));
#pragma GCC visibility pop

}  // extern "C"
