/// The handwritten digits of bindings/data, and how many of them a network knows.
#ifndef DIGITS_HPP
#define DIGITS_HPP

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <fstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mlp.hpp"

constexpr std::size_t pixels = 64, classes = 10;
constexpr std::size_t train_images = 1437, test_images = 360, images = train_images + test_images;

struct Digits {
  explicit Digits(const std::string &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::runtime_error(path + ": cannot be opened");
    std::array<char, pixels + 1> record;
    for (std::size_t n = 0; n < images; n++) {
      if (!file.read(record.data(), record.size()) || record[pixels] < 0 || record[pixels] > 9)
        throw std::runtime_error(path + ": is not the file of digits");
      for (std::size_t i = 0; i < pixels; i++)
        values.push_back(static_cast<float>(record[i]) / 16.0f);
      labels.push_back(static_cast<std::uint8_t>(record[pixels]));
    }
  }

  const float *image(std::size_t n) const { return values.data() + n * pixels; }

  std::vector<float> values;  // 0 to 1
  std::vector<std::uint8_t> labels;
};

inline void shuffle(std::vector<std::size_t> &order, std::uint64_t &random) {
  for (std::size_t i = order.size() - 1; i > 0; i--)
    std::swap(order[i], order[random_bits(random) % (i + 1)]);
}

inline double test_accuracy(Mlp &model, const Digits &data) {
  std::size_t right = 0;
  for (std::size_t n = train_images; n < images; n++) {
    const float *logits = model.forward(data.image(n), 1).data();
    right += std::max_element(logits, logits + classes) - logits == data.labels[n];
  }
  return static_cast<double>(right) / test_images;
}

#endif  // DIGITS_HPP
