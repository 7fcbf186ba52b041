/// Something that must be the same on all ranks of an exchange.
struct Fact {
  /// Itself, or a digest of it.
  let value: Int64
  /// What it is called where it is not: such as "the shape of parameter w, here (2, 3)".
  let label: () -> String

  init(_ label: @escaping @autoclosure () -> String, _ value: Int) {
    self.label = label
    self.value = Int64(value)
  }

  /// By its digest.
  init(_ label: @escaping @autoclosure () -> String, text: String) {
    var text = text
    self.label = label
    value = text.withUTF8 { unsafe Fact.digest(UnsafeRawBufferPointer($0)) }
  }

  /// By the digest of memory.
  init(_ label: @escaping @autoclosure () -> String, memory: Numbers) {
    self.label = label
    value = unsafe Fact.digest(UnsafeRawBufferPointer(memory.bytes))
  }

  /// Several as one.
  init(_ label: @escaping @autoclosure () -> String, all values: [Int64]) {
    self.label = label
    value = unsafe values.span.bytes.withUnsafeBytes { unsafe Fact.digest($0) }
  }

  @unsafe
  private static func digest(_ bytes: UnsafeRawBufferPointer) -> Int64 {
    Int64(bitPattern: unsafe Checksum.value(of: bytes))
  }
}
