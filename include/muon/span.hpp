/// A view of elements that lie one after another, since C++17 has no std::span.
#ifndef MUON_SPAN_HPP
#define MUON_SPAN_HPP

#include <cstddef>
#include <type_traits>
#include <utility>

#if __cplusplus >= 202002L
#include <ranges>
#endif

namespace muon {
namespace detail {

/// Whether a view of a container may outlive the expression that the container came from.
template <class Container>
#if __cplusplus >= 202002L
inline constexpr bool outlives_expression =
    std::is_lvalue_reference_v<Container> || std::ranges::borrowed_range<Container>;
#else
inline constexpr bool outlives_expression = std::is_lvalue_reference_v<Container>;
#endif

}  // namespace detail

/// A pointer and a number of elements. It owns nothing: what it points to must outlive its use.
///
/// It is made from a pointer and a count, an array, or anything with data() and size():
/// std::vector, std::array, std::span. A temporary container will do for elements that are only
/// read, as an argument of a call.
template <class Element>
class Span {
 public:
  using element_type = Element;
  using value_type = std::remove_cv_t<Element>;

  constexpr Span() noexcept = default;
  constexpr Span(Element *data, std::size_t size) noexcept : data_(data), size_(size) {}

  template <std::size_t count>
  constexpr Span(Element (&array)[count]) noexcept : data_(array), size_(count) {}

  template <
      class Container, class Data = decltype(std::declval<Container &>().data()),
      class = decltype(std::declval<Container &>().size()),
      class = std::enable_if_t<
          // Of the same element but for const, so that no derived class is read as its base.
          std::is_convertible_v<std::remove_pointer_t<Data> (*)[], Element (*)[]> &&
          (std::is_const_v<Element> || detail::outlives_expression<Container>)>>
  constexpr Span(Container &&container) noexcept
      : data_(container.data()), size_(container.size()) {}

  constexpr Element *data() const noexcept { return data_; }
  constexpr std::size_t size() const noexcept { return size_; }
  constexpr bool empty() const noexcept { return size_ == 0; }
  constexpr Element &operator[](std::size_t index) const { return data_[index]; }
  constexpr Element *begin() const noexcept { return data_; }
  constexpr Element *end() const noexcept { return data_ + size_; }

 private:
  Element *data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace muon

#if __cplusplus >= 202002L
template <class Element>
inline constexpr bool std::ranges::enable_borrowed_range<muon::Span<Element>> = true;
#endif

#endif  // MUON_SPAN_HPP
