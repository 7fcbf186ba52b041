/// XXH64 with seed 0: 64 bits, and far faster than any disk without special instructions.
enum Checksum {
  private static let prime1: UInt64 = 0x9E37_79B1_85EB_CA87
  private static let prime2: UInt64 = 0xC2B2_AE3D_27D4_EB4F
  private static let prime3: UInt64 = 0x1656_67B1_9E37_79F9
  private static let prime4: UInt64 = 0x85EB_CA77_C2B2_AE63
  private static let prime5: UInt64 = 0x27D4_EB2F_1656_67C5

  /// As 16 small hexadecimal digits, which is how a checkpoint has it.
  @unsafe
  static func text(of bytes: UnsafeRawBufferPointer) -> String {
    let digits = String(unsafe value(of: bytes), radix: 16)
    return String(repeating: "0", count: digitCount - digits.count) + digits
  }

  static let digitCount = 16

  @unsafe
  static func value(of bytes: UnsafeRawBufferPointer) -> UInt64 {
    let count = bytes.count
    var offset = 0
    var hash = prime5
    if count >= 32 {
      var (v1, v2, v3, v4) = (prime1 &+ prime2, prime2, UInt64(0), 0 &- prime1)
      while offset <= count - 32 {
        v1 = round(v1, unsafe word(bytes, offset))
        v2 = round(v2, unsafe word(bytes, offset + 8))
        v3 = round(v3, unsafe word(bytes, offset + 16))
        v4 = round(v4, unsafe word(bytes, offset + 24))
        offset += 32
      }
      hash = rotate(v1, 1) &+ rotate(v2, 7) &+ rotate(v3, 12) &+ rotate(v4, 18)
      hash = merge(merge(merge(merge(hash, v1), v2), v3), v4)
    }
    hash &+= UInt64(count)
    while offset <= count - 8 {
      hash = rotate(hash ^ round(0, unsafe word(bytes, offset)), 27) &* prime1 &+ prime4
      offset += 8
    }
    if offset <= count - 4 {
      let half = unsafe bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)
      hash ^= UInt64(UInt32(littleEndian: half)) &* prime1
      hash = rotate(hash, 23) &* prime2 &+ prime3
      offset += 4
    }
    while offset < count {
      hash = rotate(hash ^ UInt64(unsafe bytes[offset]) &* prime5, 11) &* prime1
      offset += 1
    }
    hash = (hash ^ hash >> 33) &* prime2
    hash = (hash ^ hash >> 29) &* prime3
    return hash ^ hash >> 32
  }

  private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
    unsafe UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
  }

  private static func round(_ state: UInt64, _ input: UInt64) -> UInt64 {
    rotate(state &+ input &* prime2, 31) &* prime1
  }

  private static func merge(_ hash: UInt64, _ state: UInt64) -> UInt64 {
    (hash ^ round(0, state)) &* prime1 &+ prime4
  }

  private static func rotate(_ value: UInt64, _ bits: UInt64) -> UInt64 {
    value &<< bits | value &>> (64 &- bits)
  }
}
