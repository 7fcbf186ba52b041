/// What multiplies in each step of an iteration: it may begin with a kernel that is faster than the one that
/// finishes it, whose errors are smaller.
struct StepKernels: Equatable {
  let first: ProductKernel
  /// How many steps the first one makes.
  let firstSteps: Int
  let rest: ProductKernel

  init(_ kernel: ProductKernel) { self.init(kernel, forFirst: 0, then: kernel) }

  /// With no first steps it is the same as the other one by itself.
  init(_ first: ProductKernel, forFirst steps: Int, then rest: ProductKernel) {
    self.first = steps > 0 ? first : rest
    firstSteps = steps
    self.rest = rest
  }

  subscript(step: Int) -> ProductKernel { step < firstSteps ? first : rest }

  /// The floats that an operand takes up as any of them packs it.
  func packedCount(lanes: Int, depth: Int) -> Int {
    max(
      first.packedCount(lanes: lanes, depth: depth), rest.packedCount(lanes: lanes, depth: depth))
  }
}
