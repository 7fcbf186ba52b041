/// Writes the beginning of a safetensors file: the length of the header, and the header.
struct HeaderWriter {
  /// With the 8 bytes of the length.
  private(set) var bytes: [UInt8]
  private var isInMetadata = true

  init() {
    bytes = [UInt8](repeating: 0, count: 8) + CheckpointFormat.opening
    bytes += repeatElement(UInt8(ascii: "0"), count: Checksum.digitCount)
    bytes += CheckpointFormat.afterChecksum
  }

  /// A line of metadata. All of them come before the first tensor.
  mutating func add(_ key: String, _ value: String) {
    bytes.append(UInt8(ascii: ","))
    add(key)
    bytes.append(UInt8(ascii: ":"))
    add(value)
  }

  mutating func addTensor(
    _ name: String, _ elementType: ElementType, _ shape: Shape, offsets: Range<Int>
  ) {
    endMetadata()
    bytes.append(UInt8(ascii: ","))
    add(name)
    bytes.append(UInt8(ascii: ":"))
    bytes += CheckpointFormat.beforeDtype
    add(CheckpointFormat.dtype(elementType))
    bytes += CheckpointFormat.beforeShape
    bytes += shape.extents.map(String.init).joined(separator: ",").utf8
    bytes += CheckpointFormat.beforeOffsets
    bytes += "\(offsets.lowerBound),\(offsets.upperBound)".utf8
    bytes += CheckpointFormat.afterOffsets
  }

  /// Ends the header, fills it with spaces up to a multiple of 8 bytes, and sets length and checksum.
  mutating func finish() throws(MuonError) {
    endMetadata()
    bytes.append(UInt8(ascii: "}"))
    while bytes.count % 8 != 0 { bytes.append(UInt8(ascii: " ")) }
    let length = bytes.count - 8
    guard length <= CheckpointFormat.maximumHeaderBytes else {
      throw MuonError(
        .unsupported,
        "the header of this checkpoint has \(length) bytes, and safetensors allows "
          + "\(CheckpointFormat.maximumHeaderBytes): there are too many parameters, or their names "
          + "are too long")
    }
    for index in 0..<8 { bytes[index] = UInt8(truncatingIfNeeded: length >> (8 * index)) }
    let checksum = unsafe bytes.withUnsafeBytes { unsafe Checksum.text(of: $0) }
    let start = 8 + CheckpointFormat.opening.count
    bytes.replaceSubrange(start..<start + Checksum.digitCount, with: checksum.utf8)
  }

  private mutating func endMetadata() {
    guard isInMetadata else { return }
    isInMetadata = false
    bytes += CheckpointFormat.afterMetadata
  }

  /// A JSON string.
  private mutating func add(_ text: String) {
    bytes.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        bytes.append(UInt8(ascii: "\\"))
        bytes.append(byte)
      case 0..<0x20:
        bytes += (byte < 0x10 ? "\\u000" : "\\u00").utf8
        bytes += String(byte, radix: 16).utf8
      default:
        bytes.append(byte)
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }
}
