/// muon_mpi.hpp - several processes train together, by MPI: muon_mpi.h with an object.
///
/// Copyright (c) 2026 the libmuon authors. MIT licence.
///
///     muon::MPILink link({muon, adamw});   // on all ranks, after MPI_Init_thread with MPI_THREAD_FUNNELED
///
/// docs/scale-out.md has a program and the pitfalls of mpirun.
#ifndef MUON_MPI_HPP
#define MUON_MPI_HPP

#include <muon.hpp>
#include <muon_mpi.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace muon {
namespace detail {

struct DetachMPI {
  void operator()(muon_mpi_link *link) const noexcept { static_cast<void>(muon_mpi_detach(link)); }
};

}  // namespace detail

/// The ranks of a communicator train some optimizers together, as muon_optimizer_set_exchange says, for as
/// long as this lives. It moves and does not copy. It must end before MPI_Finalize; the optimizers may end
/// before it.
class MPILink {
 public:
  /// All ranks make this call. timeout_seconds (> 0): for how long a rank waits for a sign of another one.
  /// Error: Status::exchange for what is wrong with MPI, and for the first thing in which the ranks differ;
  /// then no optimizer is linked.
  explicit MPILink(const OptimizerList &optimizers, MPI_Comm comm = MPI_COMM_WORLD,
                   double timeout_seconds = 60) {
    for (muon_optimizer *optimizer : optimizers.handles()) {
      muon_mpi_link *link = nullptr;
      links_.emplace_back();
      detail::check(muon_mpi_attach(optimizer, comm, timeout_seconds, &link));
      links_.back().reset(link);
      if (links_.size() == 1) compare_counts(link, optimizers.handles().size());
    }
  }

 private:
  static void compare_counts(muon_mpi_link *link, std::size_t optimizers) {
    const auto count = static_cast<std::int64_t>(optimizers);
    std::int64_t extremes[] = {count, -count};
    if (muon_mpi_agree_(link, extremes, 2)) throw Error(Status::exchange, link->failure);
    if (extremes[0] == count && extremes[1] == -count) return;
    const std::string text = "the ranks differ in the number of optimizers, here " + std::to_string(count);
    throw Error(Status::exchange, text.c_str());
  }

  std::vector<std::unique_ptr<muon_mpi_link, detail::DetachMPI>> links_;
};

}  // namespace muon

#endif  // MUON_MPI_HPP
