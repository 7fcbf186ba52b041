// Texts, numbers, true, false and null.
extension JSONScanner {
  private static let literals = ["true", "false", "null"].map { Array($0.utf8) }

  mutating func scalar() throws(MuonError) {
    switch next {
    case UInt8(ascii: "\""): _ = try string()
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
    default:
      for literal in JSONScanner.literals where bytes[position...].starts(with: literal) {
        position += literal.count
        return
      }
      throw unexpected("a value")
    }
  }
}

// MARK: - Texts

extension JSONScanner {
  /// What a text says, without its escapes.
  mutating func string() throws(MuonError) -> [UInt8] {
    position += 1
    let start = position
    while next >= 0x20, next != UInt8(ascii: "\""), next != UInt8(ascii: "\\") { position += 1 }
    var units = Array(bytes[start..<position])
    while true {
      switch next {
      case UInt8(ascii: "\""):
        position += 1
        return units
      case UInt8(ascii: "\\"):
        position += 1
        try escape(into: &units)
      case ..<0x20:
        throw unexpected(
          position < bytes.count ? "an escaped control character" : "the end of a text")
      default:
        units.append(next)
        position += 1
      }
    }
  }

  private mutating func escape(into units: inout [UInt8]) throws(MuonError) {
    switch next {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): units.append(next)
    case UInt8(ascii: "b"): units.append(0x08)
    case UInt8(ascii: "f"): units.append(0x0C)
    case UInt8(ascii: "n"): units.append(0x0A)
    case UInt8(ascii: "r"): units.append(0x0D)
    case UInt8(ascii: "t"): units.append(0x09)
    case UInt8(ascii: "u"):
      position += 1
      return try append(try unit(), to: &units)
    default: throw unexpected("an escaped character")
    }
    position += 1
  }

  /// Half of a pair counts as a character of its own where the other half does not follow.
  private mutating func append(_ unit: UInt32, to units: inout [UInt8]) throws(MuonError) {
    let afterFirst = position
    var value = unit
    if unit & 0xFC00 == 0xD800, bytes[position...].starts(with: [0x5C, 0x75]) {
      position += 2
      let second = try self.unit()
      if second & 0xFC00 == 0xDC00 {
        value = 0x10000 + (unit & 0x3FF) << 10 + (second & 0x3FF)
      } else {
        position = afterFirst
      }
    }
    switch value {
    case ..<0x80: units.append(UInt8(value))
    case ..<0x800: units += [0xC0 | UInt8(value >> 6), 0x80 | UInt8(value & 0x3F)]
    case ..<0x10000:
      units += [
        0xE0 | UInt8(value >> 12), 0x80 | UInt8(value >> 6 & 0x3F), 0x80 | UInt8(value & 0x3F),
      ]
    default:
      units += [
        0xF0 | UInt8(value >> 18), 0x80 | UInt8(value >> 12 & 0x3F),
        0x80 | UInt8(value >> 6 & 0x3F), 0x80 | UInt8(value & 0x3F),
      ]
    }
  }

  /// Four hexadecimal digits.
  private mutating func unit() throws(MuonError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let digit = Character(Unicode.Scalar(next)).hexDigitValue else {
        throw unexpected("a hexadecimal digit")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }
}

// MARK: - Numbers

extension JSONScanner {
  private mutating func number() throws(MuonError) {
    let start = position
    if next == UInt8(ascii: "-") { position += 1 }
    if next == UInt8(ascii: "0") { position += 1 } else { try digits() }
    if next == UInt8(ascii: ".") {
      position += 1
      try digits()
    }
    let hasExponent = next | 0x20 == UInt8(ascii: "e")
    if hasExponent {
      position += 1
      if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
      try digits()
    }
    let text = bytes[start..<position]
    // Few are so long or so large that they need a look.
    guard text.count > 100 || hasExponent else { return }
    let value = JSONScanner.value(of: text)
    guard value.isFinite, !(value == 0 && JSONScanner.isNotZero(text)) else {
      let shown = String(decoding: text.prefix(50), as: UTF8.self).shortened(to: 40)
      throw wrong(
        "the number \(shown) is too \(value == 0 ? "small" : "large") for float64", at: start)
    }
  }

  private mutating func digits() throws(MuonError) {
    guard (0x30...0x39).contains(next) else { throw unexpected("a digit") }
    while (0x30...0x39).contains(next) { position += 1 }
  }

  private static func isNotZero(_ text: ArraySlice<UInt8>) -> Bool {
    text.prefix { $0 | 0x20 != UInt8(ascii: "e") }.contains { (0x31...0x39).contains($0) }
  }

  /// The value, to the 40 digits that tell whether float64 can hold it; the standard library's parser is not
  /// to be given megabytes.
  private static func value(of text: ArraySlice<UInt8>) -> Double {
    let parts = text.split(maxSplits: 1, omittingEmptySubsequences: false) {
      $0 | 0x20 == UInt8(ascii: "e")
    }
    let halves = parts[0].drop { $0 == UInt8(ascii: "-") }
      .split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
    let whole = halves[0].drop { $0 == 0x30 }
    let fraction = halves.count > 1 ? halves[1] : []
    let leading = whole.isEmpty ? fraction.prefix { $0 == 0x30 }.count : 0
    let digits = (whole + fraction).dropFirst(leading).prefix(40)
    guard let first = digits.first else { return 0 }
    var exponent = whole.isEmpty ? -leading - 1 : whole.count - 1
    if parts.count > 1 {
      let given = String(decoding: parts[1].prefix(400), as: UTF8.self)
      // More than an Int holds is as good as the largest that leaves room for the digits before.
      let most = Int.max / 4
      exponent += min(max(Int(given) ?? (given.hasPrefix("-") ? -most : most), -most), most)
    }
    let decimal =
      String(decoding: [first], as: UTF8.self) + "."
      + String(decoding: digits.dropFirst(), as: UTF8.self)
      + "0e\(min(max(exponent, -1000), 1000))"
    return Double(decimal) ?? 0
  }
}
