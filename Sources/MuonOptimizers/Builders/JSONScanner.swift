/// Goes through JSON text from the front, without recursion, and finds all that is no JSON (RFC 8259), with its
/// line and column, and what a decoder would not notice, would not say the place of, or would need a deep stack
/// for: too deep nesting, a key that is there twice in an object, a key with a NUL, a number that float64 cannot
/// hold. In every object, ours or not: which of two equal keys counts differs from reader to reader.
struct JSONScanner {
  /// A recursing decoder takes half a KiB of stack for each level.
  static let maximumDepth = 64
  /// Of the whole text, and of each value that is decoded, which takes longer.
  static let maximumBytes = 16 << 20
  static let maximumSection = 1 << 20

  /// Objects and lists around the position.
  struct Place {
    let isObject: Bool
    /// Those of an object so far, and the one whose value is next.
    var keys: Set<[UInt8]> = []
    var key: [UInt8] = []
    /// The number of the element that is next in a list.
    var index = 0
    /// Where the value of the key begins.
    var start = 0
  }

  /// What may come next.
  enum Expected {
    case value, elementOrEnd, keyOrEnd, key, colon, commaOrEnd, end
  }

  let bytes: [UInt8]
  var position = 0
  /// From the outside.
  var places: [Place] = []
  private var expected = Expected.value
  /// The values of the outermost object's keys that are looked for.
  private var sections: [String: Range<Int>] = [:]
  private let wanted: [String]

  /// The values that an object has for some keys, as an object of these alone: what is foreign is not decoded.
  ///
  /// - Throws: `configuration`, with the path or the position of what is wrong.
  static func sections(_ wanted: [String], of text: String) throws(MuonError) -> [UInt8] {
    guard text.utf8.count <= maximumBytes else {
      throw MuonError(
        .configuration,
        "the configuration has \(text.utf8.count) bytes; at most \(maximumBytes) are read")
    }
    var scanner = JSONScanner(bytes: Array(text.utf8), wanted: wanted)
    try scanner.scan()
    guard scanner.isObject else { return Array("[]".utf8) }
    var result = Array("{".utf8)
    for key in wanted {
      guard let value = scanner.sections[key] else { continue }
      guard value.count <= maximumSection else {
        throw MuonError(
          .configuration, "\(key) has \(value.count) bytes; at most \(maximumSection) are read")
      }
      result += Array("\(result.count > 1 ? "," : "")\"\(key)\":".utf8) + scanner.bytes[value]
    }
    return result + Array("}".utf8)
  }

  private init(bytes: [UInt8], wanted: [String]) {
    self.bytes = bytes
    self.wanted = wanted
  }

  /// Whether the whole is an object.
  private var isObject = false

  /// The byte that is next; 0, which JSON has not, at the end.
  var next: UInt8 { position < bytes.count ? bytes[position] : 0 }

  private static func isSpace(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09
  }

  private mutating func scan() throws(MuonError) {
    // A mark of the byte order, which some editors write.
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { position = 3 }
    while true {
      while position < bytes.count, JSONScanner.isSpace(bytes[position]) { position += 1 }
      if expected == .end, position == bytes.count { return }
      try token()
    }
  }

  private mutating func token() throws(MuonError) {
    switch (expected, next) {
    case (.keyOrEnd, UInt8(ascii: "}")), (.elementOrEnd, UInt8(ascii: "]")): close()
    case (.key, UInt8(ascii: "\"")), (.keyOrEnd, UInt8(ascii: "\"")): try key()
    case (.value, _), (.elementOrEnd, _): try value()
    case (.colon, UInt8(ascii: ":")):
      position += 1
      expected = .value
    case (.commaOrEnd, UInt8(ascii: ",")):
      position += 1
      let last = places.count - 1
      places[last].index += 1
      expected = places[last].isObject ? .key : .value
    case (.commaOrEnd, UInt8(ascii: "}")) where places.last?.isObject == true: close()
    case (.commaOrEnd, UInt8(ascii: "]")) where places.last?.isObject == false: close()
    default: throw unexpected(description(of: expected))
    }
  }

  private mutating func value() throws(MuonError) {
    if places.isEmpty { isObject = next == UInt8(ascii: "{") }
    if places.last?.isObject == true { places[places.count - 1].start = position }
    switch next {
    case UInt8(ascii: "{"): try open(Place(isObject: true), .keyOrEnd)
    case UInt8(ascii: "["): try open(Place(isObject: false), .elementOrEnd)
    default:
      try scalar()
      finishValue()
    }
  }

  private mutating func open(_ place: Place, _ first: Expected) throws(MuonError) {
    guard places.count < JSONScanner.maximumDepth else {
      throw wrong("objects and lists are nested more than \(JSONScanner.maximumDepth) deep")
    }
    places.append(place)
    expected = first
    position += 1
  }

  private mutating func close() {
    position += 1
    places.removeLast()
    finishValue()
  }

  private mutating func finishValue() {
    expected = places.isEmpty ? .end : .commaOrEnd
    guard places.count == 1, places[0].isObject else { return }
    let key = String(decoding: places[0].key, as: UTF8.self)
    if wanted.contains(key) { sections[key] = places[0].start..<position }
  }

  private mutating func key() throws(MuonError) {
    let start = position
    let text = try string()
    let last = places.count - 1
    places[last].key = text
    guard places[last].keys.insert(text).inserted else {
      throw wrong("this key is there twice", at: start)
    }
    guard !text.contains(0) else { throw wrong("there is a NUL in this key", at: start) }
    expected = .colon
  }

  private func description(of expected: Expected) -> String {
    switch expected {
    case .value, .elementOrEnd: "a value"
    case .keyOrEnd: "a key or }"
    case .key: "a key"
    case .colon: "a colon"
    case .commaOrEnd: places.last?.isObject == true ? "a comma or }" : "a comma or ]"
    case .end: "the end"
    }
  }
}

// MARK: - Messages

extension JSONScanner {
  /// At this position there is something else.
  func unexpected(_ expected: String) -> MuonError {
    let found =
      position < bytes.count
      ? "\"\(String(decoding: bytes[position...].prefix(4), as: UTF8.self).prefix(1))\""
      : "the end of the text"
    return MuonError(
      .configuration,
      "the configuration: \(place(of: position)): expected \(expected), found \(found)")
  }

  /// What is wrong with the value or the key at this position, or another one.
  func wrong(_ what: String, at start: Int? = nil) -> MuonError {
    var path = ""
    for place in places {
      if !place.isObject {
        path += "[\(place.index)]"
      } else {
        if !path.isEmpty { path += "." }
        path += String(decoding: place.key, as: UTF8.self).shortened(to: 100)
      }
    }
    let shown = path.isEmpty ? "the configuration" : path.shortened(to: 300)
    return MuonError(.configuration, "\(shown): \(what) (\(place(of: start ?? position)))")
  }

  /// Both from 1; columns are characters of Unicode.
  private func place(of position: Int) -> String {
    let before = bytes[..<position]
    let lineStart = before.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0
    let line = before.count { $0 == 0x0A } + 1
    let column = before[lineStart...].count { $0 & 0xC0 != 0x80 } + 1
    return "line \(line), column \(column)"
  }
}
