extension CheckpointHeader {
  /// The text under a key that must be there.
  func required(_ key: String) throws(MuonError) -> String {
    guard let text = try field(key) else {
      throw MuonError(.corrupt, "the checkpoint lacks \(key)")
    }
    return text
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(MuonError) -> Int {
    let text = try required(key)
    guard let value = ExactText.integer(text), range.contains(value) else {
      throw wrong(
        key, text, "a whole number from \(range.lowerBound) to \(range.upperBound)")
    }
    return value
  }

  func number(_ key: String) throws(MuonError) -> Double {
    let text = try required(key)
    guard let value = ExactText.number(text) else {
      throw wrong(key, text, "a hexadecimal floating-point number")
    }
    return value
  }

  func flag(_ key: String) throws(MuonError) -> Bool {
    let text = try required(key)
    guard let value = ExactText.flag(text) else { throw wrong(key, text, "true or false") }
    return value
  }

  /// One of a few named values.
  func choice<Value>(
    _ key: String, of values: [Value], _ name: (Value) -> String
  ) throws(MuonError) -> Value {
    let text = try required(key)
    guard let value = values.first(where: { name($0) == text }) else {
      throw wrong(key, text, "one of \(values.map(name).joined(separator: ", "))")
    }
    return value
  }

  func wrong(_ key: String, _ text: String, _ expected: String) -> MuonError {
    MuonError(
      .corrupt, "the checkpoint has \"\(text.prefix(100))\" for \(key); expected \(expected)")
  }
}
