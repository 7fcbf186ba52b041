/// A parameter on its way into an optimizer, with state of the caller's.
@safe
package struct ParameterBinding {
  package let parameter: Parameter
  /// For the state buffers of the optimizer in their order: memory to continue from, or `nil` for
  /// memory of the optimizer's, with zeros.
  let state: [UnsafeMutableBufferPointer<Float>?]

  init(_ parameter: Parameter) {
    self.parameter = parameter
    unsafe state = []
  }

  @unsafe
  package init(_ parameter: Parameter, state: [UnsafeMutableBufferPointer<Float>?]) {
    self.parameter = parameter
    unsafe self.state = state
  }
}
