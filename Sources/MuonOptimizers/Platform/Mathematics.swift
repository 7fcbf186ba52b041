internal import Glibc

/// The functions of the C library that Swift's own does not have.
enum Mathematics {
  static func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }
  static func cosine(_ angle: Double) -> Double { cos(angle) }
}
