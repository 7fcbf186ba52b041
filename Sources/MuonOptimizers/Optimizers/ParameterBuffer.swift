/// A buffer of a parameter in an optimizer, by its name: the parameter itself, its gradient, or a buffer of
/// the state that the optimizer keeps for it. Which state there is, `Optimizer.stateBuffers(ofParameter:)`
/// says.
public struct ParameterBuffer: Hashable, Sendable {
  /// As in checkpoints and in muon.h: `exp_avg`.
  public let name: String

  /// The buffer of this name, which an optimizer may have or not.
  public init(_ name: String) { self.name = name }

  /// The parameter itself.
  public static let data = ParameterBuffer("data")
  /// Its gradient, if it has one.
  public static let gradient = ParameterBuffer("grad")

  /// How messages call it. Any text may come as a name.
  var label: String {
    self == .gradient ? "gradient" : name.shortened(to: 100).escapingControls
  }
}
