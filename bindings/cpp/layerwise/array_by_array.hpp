/// Muon and AdamW for libraries that call their optimizer once for each array, with the gradient and
/// the weights and nothing else: optimizer::update(const vec_t &dW, vec_t &W) in tiny-dnn,
/// Optimizer::update(dvec, vec) in MiniDNN. Derive a class from the library's, and hand update() on.
#ifndef ARRAY_BY_ARRAY_HPP
#define ARRAY_BY_ARRAY_HPP

#include <muon.hpp>

#include <cstdint>
#include <string>
#include <unordered_map>

/// Arrays are known by their address, which must not change while this lives.
class ArrayByArray {
 public:
  ArrayByArray(const muon::MuonOptions &muon, const muon::AdamWOptions &adamw,
               const muon::Schedule &schedule)
      : muon_(muon), adamw_(adamw), scheduler_(schedule, {muon_, adamw_}) {}

  /// Says that an array is a matrix, which update() is not told, and who is to train it: Muon. Give
  /// hidden layers; the first and the last may do better with AdamW. axes says how it lies: "oi" is a
  /// row for each output; "io", as tiny-dnn's dense layers, a row for each input.
  void add_matrix(const std::string &name, muon::Span<float> weights, std::int64_t rows,
                  std::int64_t columns, const std::string &axes = "oi") {
    muon::Parameter param{name, {rows, columns}, weights};
    param.view = muon::View{axes};
    known_.insert_or_assign(weights.data(), Place{&muon_, muon_.add_param(param)});
  }

  /// Makes the step of one array. AdamW trains what was not added: biases, convolutions' kernels.
  void update(muon::Span<const float> grad, muon::Span<float> weights) {
    auto place = known_.find(weights.data());
    if (place == known_.end()) {
      const std::string name = "array" + std::to_string(known_.size());  // for checkpoints
      const muon::Parameter param{name, {static_cast<std::int64_t>(weights.size())}, weights};
      place = known_.emplace(weights.data(), Place{&adamw_, adamw_.add_param(param)}).first;
    }
    place->second.optimizer->step_param(place->second.param, grad);
  }

  /// Goes on with the schedule. Call it once a batch, after the last update().
  void next_step() { scheduler_.step(); }

  /// They may be loaded when every array has been seen once.
  void save(const std::string &path) { muon::save_checkpoint(path, {muon_, adamw_}, scheduler_); }
  void load(const std::string &path) { muon::load_checkpoint(path, {muon_, adamw_}, scheduler_); }

 private:
  struct Place {
    muon::Optimizer *optimizer;
    std::int64_t param;
  };

  muon::Muon muon_;
  muon::AdamW adamw_;
  muon::Scheduler scheduler_;
  std::unordered_map<const float *, Place> known_;
};

#endif  // ARRAY_BY_ARRAY_HPP
