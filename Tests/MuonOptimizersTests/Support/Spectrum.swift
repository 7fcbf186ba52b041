import COpenBLAS
import Foundation

/// The singular values a test matrix has: those that real gradients come near, and harder ones.
enum Spectrum: CaseIterable, Sendable {
  case gaussian
  /// From 1 down to 1e-4, evenly in the logarithm.
  case logspace
  /// 1/k.
  case powerLaw
  /// Rank 8 and 1 % of noise.
  case lowRank

  func matrix(rows: Int, columns: Int, seed: UInt64 = 11) -> [Float] {
    let count = rows * columns
    let short = min(rows, columns)
    switch self {
    case .gaussian:
      return MuonOptimizersTests.gaussian(seed: seed, count: count).map { Float($0) }
    case .logspace:
      return Spectrum.matrix(rows, columns, seed) { pow(10, -4 * Double($0) / Double(short - 1)) }
    case .powerLaw:
      return Spectrum.matrix(rows, columns, seed) { 1 / Double($0 + 1) }
    case .lowRank:
      let signal = Spectrum.matrix(rows, columns, seed) { $0 < 8 ? 1 : 0 }
      let noise = MuonOptimizersTests.gaussian(seed: seed + 7, count: count)
      let scale = 0.01 * norm2(signal.map { Double($0) }) / norm2(noise)
      return zip(signal, noise).map { $0 + Float(scale * $1) }
    }
  }

  /// U diag(s) Vᵀ with random orthonormal U and V.
  private static func matrix(
    _ rows: Int, _ columns: Int, _ seed: UInt64, singularValue: (Int) -> Double
  ) -> [Float] {
    let short = min(rows, columns)
    var left = orthonormalRows(short, rows, seed: seed + 1)
    let right = orthonormalRows(short, columns, seed: seed + 2)
    for k in 0..<short {
      let s = short == 1 ? 1 : singularValue(k)
      for i in 0..<rows { left.elements[k * rows + i] *= s }
    }
    return (left.transposed * right).elements.map { Float($0) }
  }

  /// By Gram and Schmidt, each row twice.
  private static func orthonormalRows(_ n: Int, _ length: Int, seed: UInt64) -> DoubleMatrix {
    var result = DoubleMatrix(
      n, length, MuonOptimizersTests.gaussian(seed: seed, count: n * length))
    let count = Int32(length)
    unsafe result.elements.withUnsafeMutableBufferPointer { elements in
      guard let start = elements.baseAddress else { return }
      for row in 0..<n {
        let x = unsafe start + row * length
        for other in Array(0..<row) + Array(0..<row) {
          let y = unsafe start + other * length
          unsafe cblas_daxpy(count, -cblas_ddot(count, x, 1, y, 1), y, 1, x, 1)
        }
        unsafe cblas_dscal(count, 1 / cblas_dnrm2(count, x, 1), x, 1)
      }
    }
    return result
  }
}
