// Checkpoints in files and in memory: resuming, what does not fit, damage, progress.
#include "check.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <type_traits>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::byte>;

// Nothing that is gone at the end of the expression.
static_assert(std::is_convertible_v<muon::Scheduler &, muon::SchedulerList>);
static_assert(!std::is_convertible_v<muon::Scheduler, muon::SchedulerList>);
static_assert(!std::is_convertible_v<std::vector<muon::Scheduler>, muon::SchedulerList>);

/// A folder that is gone when its test is done.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = fs::temp_directory_path() / "muon-XXXXXX";
    CHECK(mkdtemp(name.data()));
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  Folder(const Folder &) = delete;
  Folder &operator=(const Folder &) = delete;

  auto count() const { return std::distance(fs::directory_iterator(path), {}); }
};

Bytes contents(const fs::path &path) {
  Bytes bytes(fs::file_size(path));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

/// A small run, whose gradients depend on all that it did.
struct Run {
  std::vector<float> w, w_grad = std::vector<float>(6), b, b_grad = std::vector<float>(2);
  muon::Muon muon;
  muon::AdamW adamw;
  muon::Scheduler scheduler;

  explicit Run(float start = 1, std::int64_t t_max = 20)
      : w{start, 2, -3, 4, -5, 6},
        b{start, -1},
        muon({{"w", {2, 3}, w, w_grad}}),
        adamw({{"b", {2}, b, b_grad}}),
        scheduler(muon::Schedule::cosine(t_max), {muon, adamw}) {}

  void train(int steps) {
    for (int step = 0; step < steps; step++) {
      for (std::size_t i = 0; i < w.size(); i++)
        w_grad[i] = w[i] * w[i] - static_cast<float>(i) * b[0];
      for (std::size_t i = 0; i < b.size(); i++) b_grad[i] = b[i] - w[i];
      muon.step();
      adamw.step();
      scheduler.step();
    }
  }

  /// All that there is of it, to the bit.
  Bytes state() const {
    Bytes all;
    const auto add = [&](const auto &values) {
      const auto *first = reinterpret_cast<const std::byte *>(values.data());
      all.insert(all.end(), first, first + values.size() * sizeof values[0]);
    };
    add(w);
    add(b);
    add(muon.buffer(0, "momentum"));
    add(adamw.buffer(0, "exp_avg"));
    add(adamw.buffer(0, "exp_avg_sq"));
    add(std::vector<double>{muon.lr(), adamw.lr(), muon.initial_lr(), muon.options().momentum});
    add(std::vector<std::int64_t>{muon.param_steps(0), adamw.param_steps(0),
                                  scheduler.current_step()});
    return all;
  }
};

void test_resuming() {
  const Folder folder;
  const fs::path path = folder.path / "größe.safetensors";
  Run whole, first;
  whole.train(8);
  first.train(5);
  muon::save_checkpoint(path, {first.muon, first.adamw}, first.scheduler);
  const Bytes bytes = muon::save_checkpoint_bytes({first.muon, first.adamw}, {first.scheduler});
  CHECK(bytes == contents(path) && folder.count() == 1);

  Run from_file(9), from_memory(8);
  from_file.train(2);
  muon::load_checkpoint(path, {from_file.muon, from_file.adamw}, {from_file.scheduler});
  muon::load_checkpoint_bytes(bytes, {from_memory.muon, from_memory.adamw}, from_memory.scheduler);
  CHECK(from_file.state() == first.state() && from_memory.state() == first.state());
  CHECK(first.state() != whole.state());
  for (Run *run : {&first, &from_file, &from_memory}) {
    run->train(3);
    CHECK(run->state() == whole.state());
  }
}

void test_what_builders_make() {
  const std::string config =
      R"({"training": {"optimizer": "Muon", "learning_rate": 0.02, "n_epochs": 2,
                       "lr_schedule": "cosine"}})";
  std::vector<float> w{1, 2, 3, 4}, b{5, 6};
  const std::vector<muon::Parameter> params{{"w", {2, 2}, w}, {"b", {2}, b}};
  auto optimizers = muon::build_optimizers(config, params);
  auto schedulers = muon::build_schedulers(config, optimizers, 4);
  CHECK(optimizers.size() == 2 && schedulers.size() == 2);
  schedulers[1].set_step(3);
  const Bytes bytes = muon::save_checkpoint_bytes(optimizers, schedulers);
  schedulers[1].set_step(0);
  w = {0, 0, 0, 0};
  // Of the same vector, one by one.
  muon::load_checkpoint_bytes(bytes, {optimizers[0], optimizers[1]},
                              {schedulers[0], schedulers[1]});
  CHECK(schedulers[1].current_step() == 3 && w[3] == 4);
  b = {0, 0};
  muon::load_checkpoint_bytes(bytes, optimizers, schedulers);
  CHECK(b[1] == 6);
}

void test_options() {
  const muon::CheckpointOptions defaults;  // as documented in muon.h
  CHECK(defaults.include_data && !defaults.allow_missing && !defaults.allow_extra);
  CHECK(!defaults.allow_rewritten);
  CHECK(!defaults.progress);

  Run saved, other(7);
  saved.train(2);
  muon::CheckpointOptions options;
  options.include_data = false;
  const Bytes state = muon::save_checkpoint_bytes(saved.muon, {}, options);
  CHECK(state.size() < muon::save_checkpoint_bytes(saved.muon).size());
  const std::vector<float> before = other.w;
  muon::load_checkpoint_bytes(state, other.muon, {}, options);
  CHECK(other.w == before && other.muon.param_steps(0) == 2);

  const Bytes one = muon::save_checkpoint_bytes(saved.muon);
  const Bytes both = muon::save_checkpoint_bytes({saved.muon, saved.adamw});
  CHECK_THROWS(muon::load_checkpoint_bytes(one, {other.muon, other.adamw}), mismatch, "optimizer");
  CHECK_THROWS(muon::load_checkpoint_bytes(both, other.muon), mismatch, "optimizer");
  options = {};
  options.allow_extra = true;
  CHECK_THROWS(muon::load_checkpoint_bytes(one, {other.muon, other.adamw}, {}, options), mismatch,
               "optimizer");
  muon::load_checkpoint_bytes(both, other.muon, {}, options);
  CHECK(other.w == saved.w && other.b != saved.b);
  other.w = before;
  options = {};
  options.allow_missing = true;
  CHECK_THROWS(muon::load_checkpoint_bytes(both, other.muon, {}, options), mismatch, "optimizer");
  muon::load_checkpoint_bytes(one, {other.muon, other.adamw}, {}, options);
  CHECK(other.w == saved.w && other.adamw.param_steps(0) == 0);
  Bytes rewritten = one;  // a space more in the header
  rewritten.insert(rewritten.begin() + 9, std::byte{' '});
  rewritten[0] = static_cast<std::byte>(std::to_integer<int>(rewritten[0]) + 1);
  other.w = before;
  CHECK_THROWS(muon::load_checkpoint_bytes(rewritten, other.muon), corrupt, "allow_rewritten");
  options = {};
  options.allow_rewritten = true;
  muon::load_checkpoint_bytes(rewritten, other.muon, {}, options);
  CHECK(other.w == saved.w);
#if __cplusplus >= 202002L
  CHECK(muon::save_checkpoint_bytes(saved.muon, {}, {.include_data = false}) == state);
#endif
}

void test_errors() {
  const Folder folder;
  const fs::path path = folder.path / "run";
  Run saved, run(3);
  saved.train(2);
  muon::save_checkpoint(path, {saved.muon, saved.adamw}, saved.scheduler);
  const Bytes good = contents(path), before = run.state();
  const auto load = [](const Bytes &bytes, Run &into) {
    muon::load_checkpoint_bytes(bytes, {into.muon, into.adamw}, into.scheduler);
  };

  for (const std::size_t place : {std::size_t{4}, good.size() / 2, good.size() - 1}) {
    Bytes damaged = good;
    damaged[place] ^= std::byte{1};
    CHECK_THROWS(load(damaged, run), corrupt, "damaged");
  }
  CHECK_THROWS(load(Bytes(good.begin(), good.end() - 1), run), corrupt, "bytes");
  CHECK_THROWS(load({}, run), corrupt, "too short");
  std::ofstream(path) << "something else";
  CHECK_THROWS(muon::load_checkpoint(path, run.muon), corrupt, "checkpoint");
  CHECK_THROWS(muon::load_checkpoint(folder.path / "none", run.muon), io, "none");
  CHECK_THROWS(muon::save_checkpoint(folder.path / "none" / "run", run.muon), io, "none");
  const std::string cut = path.string() + '\0' + "x";
  CHECK_THROWS(muon::save_checkpoint(cut, run.muon), invalid_argument, "NUL");
  CHECK_THROWS(muon::load_checkpoint(cut, run.muon), invalid_argument, "NUL");

  Run longer(3, 21);
  CHECK_THROWS(load(good, longer), mismatch, "schedule");
  CHECK_THROWS(muon::load_checkpoint_bytes(good, {run.adamw, run.muon}, run.scheduler), mismatch,
               "optimizer");
  CHECK_THROWS(muon::save_checkpoint_bytes({run.muon, run.muon}), invalid_argument, "");
  CHECK_THROWS(muon::save_checkpoint_bytes(run.muon, run.scheduler), invalid_argument, "scheduler");
  std::vector<muon::Optimizer> none;
  CHECK_THROWS(muon::save_checkpoint_bytes(none), invalid_argument, "");
  CHECK(run.state() == before);
  const muon::Scheduler moved = std::move(run.scheduler);
  CHECK_THROWS(load(good, run), invalid_argument, "NULL");
  CHECK(std::string(muon::name(muon::Status::cancelled)) == "MUON_ERR_CANCELLED");
}

/// Each way to save and to load, of which those that save write to this path.
template <class Test>
void each_call(Run &run, const fs::path &path, const Bytes &bytes, Test test) {
  using Options = const muon::CheckpointOptions &;
  test([&](Options o) { muon::save_checkpoint(path, {run.muon, run.adamw}, run.scheduler, o); });
  test([&](Options o) { muon::load_checkpoint(path, {run.muon, run.adamw}, run.scheduler, o); });
  test([&](Options o) {
    CHECK(muon::save_checkpoint_bytes({run.muon, run.adamw}, run.scheduler, o).size());
  });
  test([&](Options o) {
    muon::load_checkpoint_bytes(bytes, {run.muon, run.adamw}, run.scheduler, o);
  });
}

struct Stop {
  int number;
};

void test_progress() {
  const Folder folder;
  const fs::path path = folder.path / "run";
  Run saved, run(3);
  saved.train(2);
  run.train(1);
  muon::save_checkpoint(path, {saved.muon, saved.adamw}, saved.scheduler);
  const Bytes bytes = contents(path), before = run.state();

  each_call(run, path, bytes, [&](auto call) {
    int calls = 0;
    muon::CheckpointOptions options;
    options.progress = [&](std::uint64_t, std::uint64_t) { return ++calls < 2; };
    CHECK_THROWS(call(options), cancelled, "cancelled");
    CHECK(calls == 2);

    options.progress = [&](std::uint64_t done, std::uint64_t) -> bool {
      if (++calls == 4) throw Stop{static_cast<int>(done)};
      return true;
    };
    int caught = 0;
    try {
      call(options);
    } catch (const Stop &stop) {
      caught = stop.number;
    }
    CHECK(calls == 4 && caught > 0);  // itself, and not the Error of a call that was cancelled
    // An Error of the caller's own goes the same way.
    options.progress = [](std::uint64_t, std::uint64_t) -> bool {
      throw muon::Error(muon::Status::dtype, "mine");
    };
    CHECK_THROWS(call(options), dtype, "mine");
    CHECK(run.state() == before && contents(path) == bytes && folder.count() == 1);
  });

  each_call(saved, path, bytes, [&](auto call) {
    std::uint64_t last = 0, all = 0;
    muon::CheckpointOptions options;
    options.progress = [&](std::uint64_t done, std::uint64_t total) {
      CHECK(done >= last && done <= total);
      last = done;
      all = total;
      return true;
    };
    call(options);
    CHECK(last == all && all == bytes.size());
  });
}

}  // namespace

void test_checkpoints() {
  test_resuming();
  test_what_builders_make();
  test_options();
  test_errors();
  test_progress();
}
