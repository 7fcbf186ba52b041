/// Why a call was refused or failed. Where a function throws, nothing has been changed.
public struct MuonError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What kind of error it is.
  public enum Code: Hashable, Sendable, CaseIterable {
    /// A value outside its range.
    case invalidArgument
    /// A shape or an element count that does not fit.
    case shape
    /// An element type that is not accepted.
    case elementType
    /// A configuration that cannot be used; the message has the path of the key.
    case configuration
    /// Memory could not be allocated.
    case outOfMemory
    /// NaN or infinity in a gradient, or in the state that a step with it would leave.
    case nonFiniteGradient
    /// Meaningful, but not in this version.
    case unsupported
    /// LAPACK's singular value decomposition did not converge.
    case notConverged
    /// A file could not be read or written.
    case io
    /// A checkpoint that is damaged, or none at all.
    case corrupt
    /// A checkpoint of another training run.
    case mismatch
    /// A progress callback asked to stop.
    case cancelled
    /// The ranks of an `Exchange` differ, or one of them is lost.
    case exchange
  }

  /// What kind of error it is.
  public let code: Code
  /// What was wrong, and what was expected, on one line: control characters in names are escaped.
  public let message: String

  package init(_ code: Code, _ message: String) {
    self.code = code
    self.message = message.escapingControls
  }

  /// The message.
  public var description: String { message }
}
