/// A parameter in an optimizer, with the state that the optimizer keeps for it.
///
/// An object, as plans are: a step of many small matrices would spend its time on copies.
final class TrainedParameter {
  let parameter: Parameter
  /// What it is like to this optimizer, which may see it otherwise than `Parameter.view` says.
  let form: ParameterForm
  let group: Int
  /// By row of the optimizer's table of state.
  var state: [StateMemory]
  /// Whether the state has no NaN and no infinity for certain, so that a step need not read it to see
  /// that it will have none. Of the caller's memory it is known once, when it was looked through.
  var hasFiniteState: Bool
  var steps = 0
  /// Where the present step is measured; `nil` where it is not.
  var meter: StepMeter? = nil
  var statistics: ParameterStatistics? = nil

  init(
    parameter: Parameter, form: ParameterForm, group: Int, state: [StateMemory],
    hasFiniteState: Bool
  ) {
    (self.parameter, self.form, self.group) = (parameter, form, group)
    (self.state, self.hasFiniteState) = (state, hasFiniteState)
  }

  var shape: Shape { parameter.layout }
  var owner: String { parameter.owner }

  /// Whether a step changes it.
  var isActive: Bool { parameter.count > 0 && gradient != nil }

  /// Of a state buffer that the options of its group need.
  func elements(of buffer: ParameterBuffer) -> Numbers? {
    state.first { $0.buffer == buffer }?.elements
  }

  var data: Numbers { parameter.data }
  var gradient: Numbers? { parameter.gradient }
  var weights: Weights {
    guard data.type != .float32 else { return Weights(data: data, master: nil, remainder: nil) }
    return Weights(
      data: data, master: elements(of: .master)?.floats, remainder: elements(of: .remainder))
  }
}
