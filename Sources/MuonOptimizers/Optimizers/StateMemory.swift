/// One state buffer of one parameter: memory of the optimizer's, or of the caller's.
@safe
struct StateMemory {
  let elements: UnsafeMutableBufferPointer<Float>
  private let owned: Buffer<Float>?

  /// `given` as it is, or zeros where there is none.
  init(
    _ given: UnsafeMutableBufferPointer<Float>?, _ buffer: ParameterBuffer, of parameter: Parameter
  ) throws(MuonError) {
    if let given = unsafe given {
      try unsafe parameter.layout.requireBuffer(given, buffer, of: parameter.owner)
      unsafe elements = given
      owned = nil
    } else {
      let memory = try Buffer<Float>(
        count: parameter.count,
        companion: unsafe UInt(bitPattern: parameter.data.baseAddress))
      unsafe elements = memory.elements
      owned = memory
    }
  }
}
