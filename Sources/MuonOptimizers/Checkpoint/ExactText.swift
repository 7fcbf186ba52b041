/// Values as text that reads back to the same value, and in one way only.
enum ExactText {
  /// As C's `%a` and Python's `float.hex`, without trailing zeros: 0.02 is 0x1.47ae147ae147bp-6.
  static func text(_ value: Double) -> String {
    let sign = value.sign == .minus ? "-" : ""
    guard value != 0 else { return sign + "0x0p+0" }
    let digits = String(value.significandBitPattern, radix: 16)
    var fraction = Substring(String(repeating: "0", count: 13 - digits.count) + digits)
    while fraction.last == "0" { fraction.removeLast() }
    let exponent = value.isNormal ? Int(value.exponent) : -1022
    return sign + (value.isNormal ? "0x1" : "0x0") + (fraction.isEmpty ? "" : "." + fraction)
      + (exponent < 0 ? "p" : "p+") + String(exponent)
  }

  static func number(_ text: String) -> Double? {
    // No number is longer; and the standard library's parser is not to be given megabytes.
    guard text.utf8.count <= 32, let value = Double(text), value.isFinite,
      self.text(value) == text
    else { return nil }
    return value
  }

  static func text(_ value: Int) -> String { String(value) }

  static func integer(_ text: String) -> Int? {
    guard text.utf8.count <= 20, let value = Int(text), self.text(value) == text else {
      return nil
    }
    return value
  }

  static func text(_ value: Bool) -> String { value ? "true" : "false" }

  static func flag(_ text: String) -> Bool? {
    switch text {
    case "true": true
    case "false": false
    default: nil
    }
  }

  /// Rows of three: numbers by spaces, rows by semicolons.
  static func text(_ rows: [[Double]]) -> String {
    rows.map { $0.map { text($0) }.joined(separator: " ") }.joined(separator: ";")
  }

  static func rows(_ text: String) -> [[Double]]? {
    var rows: [[Double]] = []
    for row in text.split(separator: ";", omittingEmptySubsequences: false) {
      let numbers = row.split(separator: " ", omittingEmptySubsequences: false)
        .compactMap { number(String($0)) }
      guard numbers.count == 3 else { return nil }
      rows.append(numbers)
    }
    return self.text(rows) == text ? rows : nil
  }
}
