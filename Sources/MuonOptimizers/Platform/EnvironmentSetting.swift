internal import Glibc

/// A setting from the environment: its value if it has one that can be used, and what to say if it has
/// one that cannot.
struct EnvironmentSetting<Value> {
  var value: Value? = nil
  var warning: String? = nil
}

extension EnvironmentSetting {
  /// Reads a variable; one that is absent or empty is no setting.
  ///
  /// - Parameter expected: What the warning says was expected.
  init(_ variable: String, expected: @autoclosure () -> String, _ parse: (String) -> Value?) {
    guard let text = unsafe getenv(variable).map({ unsafe String(cString: $0) }), !text.isEmpty
    else { return }
    value = parse(text)
    if value == nil {
      warning = "\(variable) is \"\(text)\" and is ignored: \(expected())"
    }
  }
}
