/// Goes through the bytes of a header from the front. It takes exactly the JSON that `HeaderWriter`
/// writes: no other order, no other spelling, no nesting, so that there is nothing to bound.
///
/// Not Foundation's decoder: that one takes the last of two equal keys without a word, and as much memory as
/// the header asks for.
@safe
struct HeaderScanner {
  /// Where a text is among the bytes, without its escapes.
  struct Extent {
    var start: UInt32
    var count: UInt32
  }

  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let count: Int
  private(set) var position: Int

  /// Escapes are replaced in place.
  @unsafe
  init(_ bytes: UnsafeMutableBufferPointer<UInt8>, from position: Int) {
    unsafe self.bytes = bytes
    count = bytes.count
    self.position = position
  }

  var isAtEnd: Bool { position == count }

  /// Takes these bytes, if they are next.
  mutating func skip(_ expected: [UInt8]) -> Bool {
    guard count - position >= expected.count else { return false }
    for (index, byte) in expected.enumerated() where unsafe bytes[position + index] != byte {
      return false
    }
    position += expected.count
    return true
  }

  mutating func skip(_ expected: Unicode.Scalar) -> Bool {
    guard position < count, unsafe bytes[position] == UInt8(ascii: expected) else {
      return false
    }
    position += 1
    return true
  }

  mutating func require(_ expected: [UInt8]) throws(MuonError) {
    guard skip(expected) else {
      throw unexpected(String(decoding: expected, as: UTF8.self))
    }
  }

  mutating func require(_ expected: Unicode.Scalar) throws(MuonError) {
    guard skip(expected) else { throw unexpected(String(expected)) }
  }

  /// A JSON string.
  mutating func text() throws(MuonError) -> Extent {
    try require("\"")
    let start = position
    var end = position
    while position < count {
      let byte = unsafe bytes[position]
      if byte == UInt8(ascii: "\"") {
        position += 1
        return Extent(start: UInt32(start), count: UInt32(end - start))
      }
      let character = byte == UInt8(ascii: "\\") ? try escape() : byte
      guard byte >= 0x20 else { throw unexpected("text") }
      if byte != UInt8(ascii: "\\") { position += 1 }
      unsafe bytes[end] = character
      end += 1
    }
    throw unexpected("the end of a text")
  }

  /// `\"`, `\\`, or `\u00` and two digits below 20.
  private mutating func escape() throws(MuonError) -> UInt8 {
    position += 1
    if skip("\"") { return UInt8(ascii: "\"") }
    if skip("\\") { return UInt8(ascii: "\\") }
    guard skip([0x75, 0x30, 0x30]), count - position >= 2 else {
      throw unexpected("an escaped character")
    }
    let digits = unsafe [bytes[position], bytes[position + 1]]
    let text = String(decoding: digits, as: UTF8.self)
    guard let value = UInt8(text, radix: 16), value < 0x20,
      text == (value < 0x10 ? "0" : "") + String(value, radix: 16)
    else { throw unexpected("an escaped control character") }
    position += 2
    return value
  }

  /// A whole number of at least 0, without a sign or leading zeros.
  mutating func number() throws(MuonError) -> Int {
    let start = position
    var value = 0
    while position < count, case let digit = Int(unsafe bytes[position]) - 0x30,
      (0...9).contains(digit)
    {
      let (tens, overflow) = value.multipliedReportingOverflow(by: 10)
      let (sum, tooLarge) = tens.addingReportingOverflow(digit)
      guard !overflow, !tooLarge, position == start || value > 0 else {
        throw unexpected("a number")
      }
      value = sum
      position += 1
    }
    guard position > start else { throw unexpected("a number") }
    return value
  }

  /// Numbers with commas between them, up to the closing bracket, which stays.
  mutating func numbers(most: Int) throws(MuonError) -> [Int] {
    var values: [Int] = []
    guard position < count, unsafe bytes[position] != UInt8(ascii: "]") else { return [] }
    repeat {
      guard values.count < most else { throw unexpected("at most \(most) numbers") }
      values.append(try number())
    } while skip(",")
    return values
  }

  private func unexpected(_ expected: String) -> MuonError {
    MuonError(
      .corrupt,
      "the header of the checkpoint is damaged: expected \(expected) at byte \(position)")
  }
}
