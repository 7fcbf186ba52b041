internal import CMuonKernels

/// Where a result O goes: p ← keep p + rate O. With keep 0, p is not read.
@unsafe
struct Epilogue {
  let floats: UnsafeMutablePointer<Float>
  let keep, rate: Float
  /// Where O itself is written besides, for those who want to see it.
  var copy: UnsafeMutablePointer<Float>? = nil
  /// What O is multiplied by in both.
  var factor: Float = 1

  /// The copy as an epilogue of its own.
  var next: Epilogue? { unsafe copy.map { unsafe Epilogue(floats: $0, keep: 0, rate: 1) } }

  func scaled(by factor: Float) -> Epilogue {
    var scaled = unsafe self
    unsafe scaled.factor *= factor
    return unsafe scaled
  }

  /// What is to be done with an O that is there. All members of a team call it together.
  func apply(to o: Matrix, by member: Team.Member) {
    let (o, floats) = unsafe (o, o.floats)
    unsafe o.forEachChunk(by: member) { offset, count in
      unsafe apply(to: floats, offset: offset, count: count)
    }
  }

  /// The same for a part of it.
  func apply(to o: UnsafeMutablePointer<Float>, offset: Int, count: Int) {
    let p = unsafe floats + offset
    let rate = unsafe rate * factor
    if unsafe keep == 0 {
      for i in 0..<count { unsafe p[i] = rate * o[offset + i] }
    } else {
      unsafe Kernels.passes.move(count, p, o + offset, keep, -rate)
    }
    guard let copy = unsafe copy else { return }
    if unsafe factor == 1 {
      unsafe (copy + offset).update(from: o + offset, count: count)
    } else {
      for i in 0..<count { unsafe copy[offset + i] = factor * o[offset + i] }
    }
  }
}
