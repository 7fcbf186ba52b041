// An exchange of one's own.
#include "check.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

/// Alone, but for what it is told to do.
struct Solo : muon::Exchange {
  Solo() : Exchange(0, 1) {}

  std::string calls, failing;
  std::size_t bytes = 0;

 protected:
  void agree(muon::Span<std::int64_t> values) override {
    CHECK(values.size() > 0);
    note("agree");
  }
  void share(std::int32_t owner, muon::Span<std::byte> data) override {
    CHECK(owner == 0);
    bytes += data.size();
    note("share");
  }
  void finish() override { note("finish"); }

 private:
  void note(const std::string &call) {
    calls += call + " ";
    if (call != failing) return;
    if (call == "share") throw 1;
    throw std::runtime_error("a cable was cut");
  }
};

}  // namespace

void test_exchange() {
  std::vector<float> w(6, 1), grad{1, 2, 3, 4, 5, 6}, twin(6, 1);
  muon::Muon muon({{"w", {2, 3}, w, grad}}), alone({{"w", {2, 3}, twin, grad}});
  CHECK(muon.cost(0, {"w", {2, 3}}) == 5 * (4 * 3 * 3 + 8));
  CHECK_THROWS(muon.cost(0, {"w", {-1}}), shape, "-1");
  const std::vector<std::int64_t> costs{5, 9, 5};
  CHECK((muon::plan_owners(costs, std::vector<std::int64_t>{0, 0}) ==
         std::vector<std::int32_t>{1, 0, 1}));
  CHECK_THROWS(muon::plan_owners(costs, {}), invalid_argument, "ranks");
  CHECK(muon.owner(0) == -1);
  CHECK_THROWS(muon.owner(1), invalid_argument, "1");
  Solo solo;
  CHECK(solo.rank() == 0 && solo.rank_count() == 1);
  muon.set_exchange(&solo);
  CHECK(muon.owner(0) == 0);
  muon.step();
  alone.step();
  CHECK(w == twin && solo.bytes == sizeof(float) * 6);
  const std::string end = "share finish ";
  CHECK(solo.calls.substr(solo.calls.size() - end.size()) == end);

  solo.failing = "agree";
  CHECK_THROWS(muon.step(), exchange, "a cable was cut");
  CHECK(w == twin);
  CHECK_THROWS(muon.set_exchange(&solo), exchange, "a cable was cut");
  muon.set_exchange(nullptr);
  CHECK(muon.owner(0) == -1);
  muon.step();
  CHECK(w != twin);
  solo.failing = "share";
  muon.set_exchange(&solo);
  CHECK_THROWS(muon.step(), exchange, "an exception");
  CHECK_THROWS(muon.step(), exchange, "load a checkpoint");
  muon.set_exchange(nullptr);
}
