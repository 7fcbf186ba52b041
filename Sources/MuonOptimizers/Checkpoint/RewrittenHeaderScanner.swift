/// Goes through the bytes of a header that another program has written: any JSON, in any order and spelling, of
/// the two levels that a safetensors header has. `HeaderScanner` is for those that `HeaderWriter` has written.
@safe
struct RewrittenHeaderScanner {
  typealias Extent = HeaderScanner.Extent

  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let count: Int
  private var position: Int

  /// Escapes and space are taken out in place.
  @unsafe
  init(_ bytes: UnsafeMutableBufferPointer<UInt8>, from position: Int) {
    unsafe self.bytes = bytes
    count = bytes.count
    self.position = position
  }

  /// An object. `member` takes the value of each key.
  mutating func object(
    _ member: (_ key: Extent, inout RewrittenHeaderScanner) throws(MuonError) -> Void
  ) throws(MuonError) {
    try require("{")
    guard !skip("}") else { return }
    repeat {
      let key = try text()
      try require(":")
      try member(key, &self)
    } while skip(",")
    try require("}")
  }

  /// A list of whole numbers of at least 0, and where it is, in the spelling "2,3".
  mutating func numbers(most: Int) throws(MuonError) -> (values: [Int], text: Extent) {
    try require("[")
    let start = position
    var end = position
    var values: [Int] = []
    func write(_ byte: UInt8) {
      unsafe bytes[end] = byte
      end += 1
    }
    if !skip("]") {
      repeat {
        guard values.count < most else { throw unexpected("at most \(most) numbers") }
        let digits = try number()
        if !values.isEmpty { write(UInt8(ascii: ",")) }
        for index in digits.place { write(unsafe bytes[index]) }
        values.append(digits.value)
      } while skip(",")
      try require("]")
    }
    return (values, Extent(start: UInt32(start), count: UInt32(end - start)))
  }

  /// A text.
  mutating func text() throws(MuonError) -> Extent {
    try require("\"")
    let start = position
    var end = position
    while let byte = next, byte >= 0x20 {
      position += 1
      switch byte {
      case UInt8(ascii: "\""):
        return Extent(start: UInt32(start), count: UInt32(end - start))
      case UInt8(ascii: "\\"):
        // Never longer than the escape was.
        for unit in String(Character(try escape())).utf8 {
          unsafe bytes[end] = unit
          end += 1
        }
      default:
        unsafe bytes[end] = byte
        end += 1
      }
    }
    throw unexpected("the rest of a text")
  }

  /// Nothing but space may follow.
  mutating func requireEnd() throws(MuonError) {
    skipSpace()
    guard next == nil else { throw unexpected("the end") }
  }
}

extension RewrittenHeaderScanner {
  private var next: UInt8? { position < count ? unsafe bytes[position] : nil }

  private mutating func skipSpace() {
    while let byte = next, [0x20, 0x0A, 0x0D, 0x09].contains(byte) { position += 1 }
  }

  private mutating func skip(_ expected: Unicode.Scalar) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: expected) else { return false }
    position += 1
    return true
  }

  private mutating func require(_ expected: Unicode.Scalar) throws(MuonError) {
    guard skip(expected) else { throw unexpected(String(expected)) }
  }

  private mutating func number() throws(MuonError) -> (value: Int, place: Range<Int>) {
    skipSpace()
    let start = position
    var value = 0
    while let byte = next, (0x30...0x39).contains(byte) {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooLarge) = tens.addingReportingOverflow(Int(byte) - 0x30)
      guard !overflow, !tooLarge, position == start || value > 0 else {
        throw unexpected("a number")
      }
      value = sum
      position += 1
    }
    guard position > start else { throw unexpected("a number") }
    return (value, start..<position)
  }

  /// What is behind a backslash.
  private mutating func escape() throws(MuonError) -> Unicode.Scalar {
    let byte = next
    position += 1
    switch byte {
    case UInt8(ascii: "\""): return "\""
    case UInt8(ascii: "\\"): return "\\"
    case UInt8(ascii: "/"): return "/"
    case UInt8(ascii: "b"): return "\u{8}"
    case UInt8(ascii: "f"): return "\u{C}"
    case UInt8(ascii: "n"): return "\n"
    case UInt8(ascii: "r"): return "\r"
    case UInt8(ascii: "t"): return "\t"
    case UInt8(ascii: "u"): break
    default: throw unexpected("an escaped character")
    }
    var value = try unit()
    if value & 0xFC00 == 0xD800 {
      // The first half of a pair.
      guard next == UInt8(ascii: "\\") else { throw unexpected("the other half of a character") }
      position += 1
      guard next == UInt8(ascii: "u") else { throw unexpected("the other half of a character") }
      position += 1
      let second = try unit()
      guard second & 0xFC00 == 0xDC00 else { throw unexpected("the other half of a character") }
      value = 0x10000 + (value & 0x3FF) << 10 + (second & 0x3FF)
    }
    guard let scalar = Unicode.Scalar(value) else { throw unexpected("a character") }
    return scalar
  }

  /// Four hexadecimal digits.
  private mutating func unit() throws(MuonError) -> UInt32 {
    var value: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = next, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw unexpected("a hexadecimal digit")
      }
      value = value << 4 | UInt32(digit)
      position += 1
    }
    return value
  }

  private func unexpected(_ expected: String) -> MuonError {
    MuonError(
      .corrupt,
      "the header of the checkpoint is damaged: expected \(expected) at byte \(position)")
  }
}
