/// Memory of numbers of 4 or 2 bytes: float32, bfloat16, float16.
#ifndef MUON_NUMBERS_HPP
#define MUON_NUMBERS_HPP

#include <muon/enums.hpp>
#include <muon/error.hpp>
#include <muon/span.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <type_traits>
#include <utility>

namespace muon {
namespace detail {

/// Whether memory of such elements can be that of numbers: float, or anything of 2 bytes, such as std::uint16_t for the
/// bits of bfloat16 and float16, std::bfloat16_t, std::float16_t and _Float16.
template <class Element>
inline constexpr bool is_number =
    std::is_same_v<std::remove_cv_t<Element>, float> ||
    (sizeof(Element) == 2 && alignof(Element) == 2 && std::is_trivially_copyable_v<Element>);

inline std::size_t element_size(DType dtype) { return dtype == DType::f32 ? 4 : 2; }

}  // namespace detail

/// A pointer to numbers and how many there are. It owns nothing: what it points to must outlive its use. Of what type they
/// are is said where they are used: by the dtype of a Parameter, or by the buffer of an optimizer.
///
/// It is made from what a Span of their elements is made from. Address is void *, or const void * for numbers that are only
/// read.
template <class Address>
class BasicNumbers {
 public:
  constexpr BasicNumbers() noexcept = default;

  template <class Element, class = std::enable_if_t<detail::is_number<Element>>>
  constexpr BasicNumbers(Element *data, std::size_t size) noexcept
      : data_(data), size_(size), element_size_(sizeof(Element)) {}

  template <class Element, class = std::enable_if_t<detail::is_number<Element> && std::is_convertible_v<Element *, Address>>>
  constexpr BasicNumbers(Span<Element> span) noexcept : BasicNumbers(span.data(), span.size()) {}

  template <class Container, class Element = std::remove_pointer_t<decltype(std::data(std::declval<Container &>()))>,
            class = std::enable_if_t<
                detail::is_number<Element> && !std::is_base_of_v<BasicNumbers, std::decay_t<Container>> &&
                std::is_convertible_v<Element *, Address> &&
                (std::is_const_v<std::remove_pointer_t<Address>> || detail::outlives_expression<Container>)>>
  constexpr BasicNumbers(Container &&container) noexcept
      : BasicNumbers(std::data(container), std::size(container)) {}

  constexpr Address data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }

  /// Throws unless the elements are as large as those of a type.
  void require(DType dtype, const char *what) const {
    const std::size_t expected = detail::element_size(dtype);
    if (empty() || element_size_ == expected) return;
    const std::string text = std::string(what) + ": the elements have " + std::to_string(element_size_) +
                             " bytes; those of its dtype have " + std::to_string(expected);
    throw Error(Status::dtype, text.c_str());
  }

 private:
  Address data_ = nullptr;
  std::size_t size_ = 0;
  std::size_t element_size_ = 0;
};

using Numbers = BasicNumbers<void *>;
using ConstNumbers = BasicNumbers<const void *>;

}  // namespace muon

#endif  // MUON_NUMBERS_HPP
