/// A training run in one file, or in memory. After loading it, training continues as if it had
/// never stopped, bit for bit.
#ifndef MUON_CHECKPOINT_HPP
#define MUON_CHECKPOINT_HPP

#include <muon/scheduler.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <string>
#include <vector>

namespace muon {
namespace detail {

inline const muon_checkpoint_options &checkpoint_defaults() {
  return defaults<muon_checkpoint_options, muon_checkpoint_options_init>();
}

}  // namespace detail

/// Options of the functions below.
struct CheckpointOptions {
  /// Save and load the parameters themselves too, not only their state.
  bool include_data = detail::checkpoint_defaults().include_data != 0;
  /// Loading: parameters, groups, optimizers and schedulers that the checkpoint does not have stay
  /// as they are. Without this they are Status::mismatch.
  bool allow_missing = detail::checkpoint_defaults().allow_missing != 0;
  /// Loading: those that this run does not have are ignored. Without this they are
  /// Status::mismatch.
  bool allow_extra = detail::checkpoint_defaults().allow_extra != 0;
  /// Loading: also one that another program of safetensors has rewritten, with its metadata. Damage of
  /// its header can then not be told.
  bool allow_rewritten = detail::checkpoint_defaults().allow_rewritten != 0;
  /// Called at least every 4 MiB, with the bytes done so far and all bytes there are. If it returns
  /// false, the call ends with Status::cancelled; if it throws, the call throws the same. In both
  /// cases nothing has changed. It must not use the optimizers and schedulers of the call. Empty:
  /// none.
  std::function<bool(std::uint64_t done, std::uint64_t total)> progress = {};
};

namespace detail {

/// Hands progress on from C, through which no exception may pass: it is kept for after the call.
struct CheckpointReporter {
  const std::function<bool(std::uint64_t, std::uint64_t)> &progress;
  std::exception_ptr thrown = nullptr;

  static std::int32_t report(std::uint64_t done, std::uint64_t total, void *context) noexcept {
    CheckpointReporter &reporter = *static_cast<CheckpointReporter *>(context);
    try {
      return reporter.progress(done, total) ? 0 : 1;
    } catch (...) {
      reporter.thrown = std::current_exception();
      return 1;
    }
  }
};

/// Calls a function of muon.h with what all those on checkpoints take, by way of call.
template <class Call>
void with_checkpoint(const OptimizerList &optimizers, const SchedulerList &schedulers,
                     const CheckpointOptions &options, Call call) {
  CheckpointReporter reporter{options.progress};
  muon_checkpoint_options c = checkpoint_defaults();
  c.include_data = options.include_data;
  c.allow_missing = options.allow_missing;
  c.allow_extra = options.allow_extra;
  c.allow_rewritten = options.allow_rewritten;
  if (options.progress) {
    c.progress = CheckpointReporter::report;
    c.progress_context = &reporter;
  }
  const muon_status status =
      call(optimizers.handles().data(), optimizers.handles().size(), schedulers.handles().data(),
           schedulers.handles().size(), &c);
  if (reporter.thrown) std::rethrow_exception(reporter.thrown);
  check(status);
}

}  // namespace detail

/// Saves to a file, which is always complete, either the new one or the old one:
/// save_checkpoint("run.safetensors", {muon, adamw}, scheduler).
///
/// The path is UTF-8, and its folder must exist; a symbolic link is replaced, not followed. A run
/// has 1 to 256 optimizers and up to 256 schedulers, which drive no other optimizers. Within an
/// optimizer the names of the parameters must differ. Error: Status::io, after which the file is as
/// it was unless the text says otherwise; Status::cancelled; Status::invalid_argument.
inline void save_checkpoint(const std::string &path, const OptimizerList &optimizers,
                            const SchedulerList &schedulers = {},
                            const CheckpointOptions &options = {}) {
  const char *const c_path = detail::to_c_text(path, "path");
  detail::with_checkpoint(optimizers, schedulers, options, [&](auto... run) {
    return muon_checkpoint_save(c_path, run...);
  });
}

/// Loads from a file, into a run like the one that was saved: all of it, or nothing.
///
/// Optimizers and schedulers are matched by their order, parameters by their names. Schedules are
/// not loaded, only compared: make the schedulers as before. Error: Status::io; Status::corrupt for
/// a file that is damaged or no checkpoint; Status::mismatch, with the first thing that does not
/// fit; Status::unsupported for a later format; Status::out_of_memory; Status::cancelled;
/// Status::invalid_argument.
inline void load_checkpoint(const std::string &path, const OptimizerList &optimizers,
                            const SchedulerList &schedulers = {},
                            const CheckpointOptions &options = {}) {
  const char *const c_path = detail::to_c_text(path, "path");
  detail::with_checkpoint(optimizers, schedulers, options, [&](auto... run) {
    return muon_checkpoint_load(c_path, run...);
  });
}

/// The bytes of the file that save_checkpoint() writes. Nothing else may change the run meanwhile.
inline std::vector<std::byte> save_checkpoint_bytes(const OptimizerList &optimizers,
                                                    const SchedulerList &schedulers = {},
                                                    const CheckpointOptions &options = {}) {
  std::size_t size = 0;
  detail::with_checkpoint(optimizers, schedulers, options, [&](auto... run) {
    return muon_checkpoint_save_memory(run..., nullptr, 0, &size);
  });
  std::vector<std::byte> bytes(size);
  detail::with_checkpoint(optimizers, schedulers, options, [&](auto... run) {
    return muon_checkpoint_save_memory(run..., bytes.data(), bytes.size(), &size);
  });
  return bytes;
}

/// Loads from the bytes of a file, as load_checkpoint(). They must not be the memory of a
/// parameter.
inline void load_checkpoint_bytes(Span<const std::byte> bytes, const OptimizerList &optimizers,
                                  const SchedulerList &schedulers = {},
                                  const CheckpointOptions &options = {}) {
  detail::with_checkpoint(optimizers, schedulers, options, [&](auto... run) {
    return muon_checkpoint_load_memory(bytes.data(), bytes.size(), run...);
  });
}

}  // namespace muon

#endif  // MUON_CHECKPOINT_HPP
