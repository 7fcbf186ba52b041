/// Goes through JSON text from the front, without recursion, and finds what a decoder would not notice, would
/// not say the place of, or would need a deep stack for: too deep nesting, a key that is there twice in an
/// object, a key with a NUL, a number that float64 cannot hold. In every object, ours or not: which of two
/// equal keys counts differs from reader to reader.
///
/// It takes at least what the decoder takes, and leaves it to the decoder to refuse what is no JSON.
struct JSONScanner {
  /// A recursing decoder takes half a KiB of stack for each level.
  static let maximumDepth = 64

  private enum Place {
    /// The key whose value is next; `nil` where a key is next.
    case object(keys: Set<[UInt8]>, key: [UInt8]?)
    case array(index: Int)
  }

  private let bytes: [UInt8]
  private var position = 0
  /// The objects and arrays around the position, from the outside.
  private var places: [Place] = []

  /// - Throws: `configuration`, with the path of what is wrong.
  static func check(_ text: String) throws(MuonError) {
    var scanner = JSONScanner(bytes: Array(text.utf8))
    try scanner.scan()
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  private mutating func scan() throws(MuonError) {
    while position < bytes.count {
      switch bytes[position] {
      case UInt8(ascii: "{"): try open(.object(keys: [], key: nil))
      case UInt8(ascii: "["): try open(.array(index: 0))
      case UInt8(ascii: "}"), UInt8(ascii: "]"): places.removeLast(places.isEmpty ? 0 : 1)
      case UInt8(ascii: ","): advance()
      case UInt8(ascii: "\""):
        try text()
        continue
      case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"):
        try number()
        continue
      default: break
      }
      position += 1
    }
  }

  private mutating func open(_ place: Place) throws(MuonError) {
    guard places.count < JSONScanner.maximumDepth else {
      throw wrong("objects and lists are nested more than \(JSONScanner.maximumDepth) deep")
    }
    places.append(place)
  }

  /// Goes to the next key, or the next element.
  private mutating func advance() {
    switch places.popLast() {
    case .object(let keys, _): places.append(.object(keys: keys, key: nil))
    case .array(let index): places.append(.array(index: index + 1))
    case nil: break
    }
  }
}

// MARK: - Keys

extension JSONScanner {
  private mutating func text() throws(MuonError) {
    let start = position + 1
    var end = start
    while end < bytes.count, bytes[end] != UInt8(ascii: "\"") {
      end += bytes[end] == UInt8(ascii: "\\") ? 2 : 1
    }
    end = min(end, bytes.count)
    position = min(end + 1, bytes.count)
    guard case .object(var keys, nil) = places.last else { return }
    let key = JSONScanner.unescaped(bytes[start..<end])
    // Not in two places at once, which would copy it.
    places.removeLast()
    let isNew = keys.insert(key).inserted
    places.append(.object(keys: keys, key: key))
    guard isNew else { throw wrong("this key is there twice") }
    guard !key.contains(0) else { throw wrong("there is a NUL in this key") }
  }

  /// What a key says. An escape that is none, which the decoder refuses, stays as it is.
  private static func unescaped(_ key: ArraySlice<UInt8>) -> [UInt8] {
    guard key.contains(UInt8(ascii: "\\")) else { return Array(key) }
    var units: [UInt8] = []
    var rest = key
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "\\"), let escape = rest.popFirst() else {
        units.append(byte)
        continue
      }
      switch escape {
      case UInt8(ascii: "b"): units.append(0x08)
      case UInt8(ascii: "f"): units.append(0x0C)
      case UInt8(ascii: "n"): units.append(0x0A)
      case UInt8(ascii: "r"): units.append(0x0D)
      case UInt8(ascii: "t"): units.append(0x09)
      case UInt8(ascii: "u"):
        guard let scalar = scalar(&rest) else { return Array(key) }
        units += Array(String(scalar).utf8)
      default: units.append(escape)
      }
    }
    return units
  }

  /// What follows `\u`: four digits, and as much again where they are half of a pair.
  private static func scalar(_ rest: inout ArraySlice<UInt8>) -> Unicode.Scalar? {
    guard let first = unit(&rest) else { return nil }
    guard UTF16.isLeadSurrogate(first) else { return Unicode.Scalar(first) }
    guard rest.popFirst() == UInt8(ascii: "\\"), rest.popFirst() == UInt8(ascii: "u"),
      let second = unit(&rest), UTF16.isTrailSurrogate(second)
    else { return nil }
    return UTF16.decode(UTF16.EncodedScalar([first, second]))
  }

  private static func unit(_ rest: inout ArraySlice<UInt8>) -> UInt16? {
    let digits = rest.prefix(4)
    guard digits.count == 4, digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else {
      return nil
    }
    rest = rest.dropFirst(4)
    return UInt16(String(decoding: digits, as: UTF8.self), radix: 16)
  }
}

// MARK: - Numbers

extension JSONScanner {
  private mutating func number() throws(MuonError) {
    let start = position
    while position < bytes.count,
      "+-.eE".utf8.contains(bytes[position]) || (0x30...0x39).contains(bytes[position])
    { position += 1 }
    let text = bytes[start..<position]
    // Few are so long or so large that they need a look.
    guard text.count > 100 || text.contains(where: { $0 | 0x20 == UInt8(ascii: "e") })
    else { return }
    let value = JSONScanner.value(of: text)
    guard value.isFinite, !(value == 0 && JSONScanner.isNotZero(text)) else {
      let shown = JSONScanner.start(of: text, 40)
      throw wrong("the number \(shown) is too \(value == 0 ? "small" : "large") for float64")
    }
  }

  private static func isNotZero(_ text: ArraySlice<UInt8>) -> Bool {
    text.prefix { $0 | 0x20 != UInt8(ascii: "e") }.contains { (0x31...0x39).contains($0) }
  }

  /// The value, to the 40 digits that tell whether float64 can hold it; the standard library's parser is not
  /// to be given megabytes. 0 for what is no number.
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

// MARK: - Messages

extension JSONScanner {
  private static func start(of text: ArraySlice<UInt8>, _ most: Int) -> String {
    String(decoding: text.prefix(most), as: UTF8.self) + (text.count > most ? "..." : "")
  }

  private func wrong(_ what: String) -> MuonError {
    var path = ""
    for place in places {
      switch place {
      case .array(let index): path += "[\(index)]"
      case .object(_, let key?):
        path += path.isEmpty ? "" : "."
        path += JSONScanner.start(of: key[...], 100)
      case .object(_, nil): break
      }
    }
    if path.utf8.count > 300 { path = path.prefix(300) + "..." }
    return MuonError(.configuration, "\(path.isEmpty ? "the configuration" : path): \(what)")
  }
}
