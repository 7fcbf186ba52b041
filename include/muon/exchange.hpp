/// How the processes of a training run hear of each other.
#ifndef MUON_EXCHANGE_HPP
#define MUON_EXCHANGE_HPP

#include <muon/options.hpp>
#include <muon/span.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>
#include <vector>

namespace muon {

class Optimizer;

/// The rank of each piece of work with these costs (>= 0): the dearest goes first, to the rank with the least
/// to do. loads has what each rank has to do besides (>= 0).
inline std::vector<std::int32_t> plan_owners(Span<const std::int64_t> costs,
                                             Span<const std::int64_t> loads) {
  return detail::results_of<std::int32_t>(muon_plan_owners, costs.data(), costs.size(), loads.data(),
                                          loads.size());
}

/// The ranks of a training run, of which this process is one: muon_mpi.hpp has the one for MPI. Derive
/// from it for another. All ranks call the optimizer in the same order, and so these are called in the
/// same order on all ranks, by the thread that calls the optimizer. What one of them throws becomes an
/// Error of Status::exchange with the text of the exception. They must not use the optimizer.
class Exchange {
 public:
  /// This process's number, from 0, and how many processes there are.
  Exchange(std::int32_t rank, std::int32_t rank_count) noexcept
      : rank_(rank), rank_count_(rank_count) {}
  Exchange(const Exchange &) = delete;
  Exchange &operator=(const Exchange &) = delete;
  virtual ~Exchange() = default;

  std::int32_t rank() const noexcept { return rank_; }
  std::int32_t rank_count() const noexcept { return rank_count_; }

 protected:
  /// Replaces each value by the highest that a rank has there. All ranks have as many.
  virtual void agree(Span<std::int64_t> values) = 0;
  /// Begins to copy memory of the owner to the same place on all other ranks. Until finish returns the
  /// memory stays valid, the owner only reads it, and the others leave it alone.
  virtual void share(std::int32_t owner, Span<std::byte> data) = 0;
  /// Returns when all that was shared is there.
  virtual void finish() = 0;

 private:
  friend class Optimizer;

  template <class Call>
  static std::int32_t guarded(void *context, Call call) noexcept {
    Exchange &exchange = *static_cast<Exchange *>(context);
    exchange.failure_ = "an exception";
    try {
      try {
        call(exchange);
        return 0;
      } catch (const std::exception &error) {
        exchange.failure_ = error.what();
      }
    } catch (...) {  // must not cross the C interface
    }
    return 1;
  }

  muon_exchange c() {
    muon_exchange c = detail::defaults<muon_exchange, muon_exchange_init>();
    c.context = this;
    c.rank = rank_;
    c.rank_count = rank_count_;
    c.agree = [](void *context, std::int64_t *values, std::size_t count) {
      return guarded(context, [&](Exchange &exchange) { exchange.agree({values, count}); });
    };
    c.share = [](void *context, std::int32_t owner, void *data, std::size_t bytes) {
      return guarded(context, [&](Exchange &exchange) {
        exchange.share(owner, {static_cast<std::byte *>(data), bytes});
      });
    };
    c.finish = [](void *context) {
      return guarded(context, [](Exchange &exchange) { exchange.finish(); });
    };
    c.describe = [](void *context) {
      return static_cast<const char *>(static_cast<Exchange *>(context)->failure_.c_str());
    };
    return c;
  }

  std::int32_t rank_, rank_count_;
  std::string failure_;
};

}  // namespace muon

#endif  // MUON_EXCHANGE_HPP
