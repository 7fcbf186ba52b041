/// The header of a checkpoint, read and found sound: what texts it has under which keys, and what tensors.
/// Whether they mean anything is for others to say.
final class CheckpointHeader {
  typealias Extent = HeaderScanner.Extent

  struct Field {
    let key, value: Extent
    var wasRead = false
  }

  struct Tensor {
    let name: Extent
    let dtype: Extent
    /// The numbers as text.
    let shape: Extent
    /// In bytes from the end of the header.
    let offsets: Range<Int>
  }

  private let bytes: Buffer<UInt8>
  /// By key.
  private(set) var fields: [Field] = []
  /// In the order of the file, and their indices by name.
  private(set) var tensors: [Tensor] = []
  private var byName: [UInt32] = []

  /// The bytes of the tensors, all together.
  var dataBytes: Int { tensors.last?.offsets.upperBound ?? 0 }

  /// Whether another program has written it. Then there need be no checksums of tensors.
  let wasRewritten: Bool

  /// - Parameter bytes: The length and the header, whose checksum has been found right, unless another program
  ///   has written it.
  init(_ bytes: Buffer<UInt8>, wasRewritten: Bool) throws(MuonError) {
    self.bytes = bytes
    self.wasRewritten = wasRewritten
    let text = unsafe bytes.elements.buffer.span.extracting(8...)
    guard (try? UTF8Span(validating: text)) != nil else {
      throw MuonError(.corrupt, "the header of the checkpoint is not UTF-8")
    }
    if wasRewritten {
      var scanner = unsafe RewrittenHeaderScanner(bytes.elements.buffer, from: 8)
      try CheckpointHeader.read(rewritten: &scanner, into: self)
    } else {
      try read()
    }
    try sort()
  }

  private func read() throws(MuonError) {
    let start = 8 + CheckpointFormat.opening.count + Checksum.digitCount
    var scanner = unsafe HeaderScanner(bytes.elements.buffer, from: start)
    try scanner.require(CheckpointFormat.afterChecksum)
    while scanner.skip(",") { try addField(&scanner) }
    try scanner.require(CheckpointFormat.afterMetadata)
    while scanner.skip(",") { try addTensor(&scanner) }
    try scanner.require("}")
    while scanner.skip(" ") {}
    guard scanner.isAtEnd else {
      throw MuonError(
        .corrupt, "the checkpoint has something after its header, at byte \(scanner.position)")
    }
  }

  private func addField(_ scanner: inout HeaderScanner) throws(MuonError) {
    let key = try scanner.text()
    try scanner.require(":")
    try add(Field(key: key, value: try scanner.text()))
  }

  func add(_ field: Field) throws(MuonError) {
    guard fields.count < CheckpointFormat.maximumFields else {
      throw MuonError(
        .corrupt, "the checkpoint has more than \(CheckpointFormat.maximumFields) keys")
    }
    fields.append(field)
  }

  func requireRoom(for count: Int) throws(MuonError) {
    guard count < CheckpointFormat.maximumTensors else {
      throw MuonError(
        .corrupt, "the checkpoint has more than \(CheckpointFormat.maximumTensors) tensors")
    }
  }

  private func addTensor(_ scanner: inout HeaderScanner) throws(MuonError) {
    try requireRoom(for: tensors.count)
    let name = try scanner.text()
    try scanner.require(":")
    try scanner.require(CheckpointFormat.beforeDtype)
    let dtype = try scanner.text()
    try scanner.require(CheckpointFormat.beforeShape)
    let start = scanner.position
    let extents = try scanner.numbers(most: Shape.maximumDimensions)
    let shape = Extent(start: UInt32(start), count: UInt32(scanner.position - start))
    try scanner.require(CheckpointFormat.beforeOffsets)
    let begin = try scanner.number()
    try scanner.require(",")
    let end = try scanner.number()
    try scanner.require(CheckpointFormat.afterOffsets)
    try add(try tensor(name, dtype, shape, extents: extents, begin: begin, end: end))
  }

  /// Takes in a tensor, which must begin where the one before it ends.
  func add(_ tensor: Tensor) throws(MuonError) {
    guard tensor.offsets.lowerBound == dataBytes else {
      throw MuonError(
        .corrupt,
        "tensor \(text(tensor.name)) of the checkpoint is at \(tensor.offsets.lowerBound) to "
          + "\(tensor.offsets.upperBound); expected it to begin at \(dataBytes), where the one "
          + "before it ends")
    }
    tensors.append(tensor)
  }

  /// A tensor, whose dtype and extents must need the bytes that it has.
  func tensor(
    _ name: Extent, _ dtype: Extent, _ shape: Extent, extents: [Int], begin: Int, end: Int
  ) throws(MuonError) -> Tensor {
    let label = "tensor \(text(name)) of the checkpoint"
    guard end >= begin else {
      throw MuonError(
        .corrupt, "\(label) is at \(begin) to \(end); expected it to end after its begin")
    }
    guard let size = CheckpointHeader.elementSize(text(dtype)) else {
      throw MuonError(.corrupt, "\(label) has the dtype \(text(dtype)), which safetensors has not")
    }
    // A zero extent empties it, whatever the others are.
    var bytes = extents.contains(0) ? 0 : size
    for extent in extents where bytes > 0 {
      let (product, overflow) = bytes.multipliedReportingOverflow(by: extent)
      guard !overflow else { throw MuonError(.corrupt, "\(label) is too large: \(extents)") }
      bytes = product
    }
    guard bytes == end - begin else {
      throw MuonError(
        .corrupt,
        "\(label) has \(end - begin) bytes; its shape \(extents) of \(text(dtype)) needs \(bytes)")
    }
    return Tensor(name: name, dtype: dtype, shape: shape, offsets: begin..<end)
  }

  /// Brings fields and tensors into order, where equal ones are neighbours.
  private func sort() throws(MuonError) {
    fields.sort { compare($0.key, $1.key) < 0 }
    byName = (0..<UInt32(tensors.count)).map { $0 }
    byName.sort { compare(tensors[Int($0)].name, tensors[Int($1)].name) < 0 }
    for index in fields.indices.dropFirst()
    where compare(fields[index - 1].key, fields[index].key) == 0 {
      throw MuonError(.corrupt, "the checkpoint has the key \(text(fields[index].key)) twice")
    }
    for index in byName.indices.dropFirst() {
      let name = tensors[Int(byName[index])].name
      guard compare(tensors[Int(byName[index - 1])].name, name) != 0 else {
        throw MuonError(.corrupt, "the checkpoint has the tensor \(text(name)) twice")
      }
    }
  }

  /// `nil` for what is no dtype of safetensors.
  private static func elementSize(_ dtype: String) -> Int? {
    switch dtype {
    case "BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2": 1
    case "I16", "U16", "F16", "BF16": 2
    case "I32", "U32", "F32": 4
    case "I64", "U64", "F64": 8
    default: nil
    }
  }
}

// MARK: - Texts

extension CheckpointHeader {
  private func raw(_ extent: Extent) -> UnsafeRawBufferPointer {
    let start = Int(extent.start)
    return unsafe UnsafeRawBufferPointer(
      rebasing: UnsafeRawBufferPointer(bytes.elements.buffer)[start..<start + Int(extent.count)])
  }

  /// At most some hundred bytes of it, for messages and for short texts.
  func text(_ extent: Extent) -> String {
    let bytes = unsafe raw(extent)
    guard bytes.count > 300 else { return unsafe String(decoding: bytes, as: UTF8.self) }
    return unsafe String(decoding: bytes.prefix(300), as: UTF8.self) + "..."
  }

  /// All of it.
  func whole(_ extent: Extent) throws(MuonError) -> String {
    guard extent.count <= CheckpointFormat.maximumText else {
      throw MuonError(.corrupt, "a text of the checkpoint has \(extent.count) bytes")
    }
    return unsafe String(decoding: raw(extent), as: UTF8.self)
  }

  /// By bytes: Swift's own comparison takes different spellings of a letter for equal.
  private func compare(_ one: Extent, _ other: Extent) -> Int {
    unsafe Memory.compare(raw(one), raw(other))
  }

  /// The place among `count` things in order, of the first that is not less than a key.
  private func place(
    of key: UnsafeRawBufferPointer, among count: Int, _ name: (Int) -> Extent
  ) -> Int {
    var (low, high) = (0, count)
    while low < high {
      let middle = low + (high - low) / 2
      if unsafe Memory.compare(raw(name(middle)), key) < 0 {
        low = middle + 1
      } else {
        high = middle
      }
    }
    return low
  }

  private func find(_ key: String, among count: Int, _ name: (Int) -> Extent) -> Int? {
    unsafe Array(key.utf8).withUnsafeBytes { key in
      let index = unsafe place(of: key, among: count, name)
      guard index < count, unsafe Memory.compare(raw(name(index)), key) == 0 else {
        return nil
      }
      return index
    }
  }
}

// MARK: - Looking things up

extension CheckpointHeader {
  /// The index of a tensor.
  func tensor(_ name: String) -> Int? {
    find(name, among: byName.count) { tensors[Int(byName[$0])].name }.map { Int(byName[$0]) }
  }

  /// The text under a key, which counts as read.
  func field(_ key: String) throws(MuonError) -> String? {
    guard let index = find(key, among: fields.count, { fields[$0].key }) else { return nil }
    fields[index].wasRead = true
    return try whole(fields[index].value)
  }

  /// The first key that begins like this and was not read, without its beginning.
  func firstUnread(_ prefix: String) -> String? {
    remainders(of: prefix, most: 1) { !$0.wasRead }.first
  }

  /// The checksum that the checkpoint has for a tensor; `nil` where another program has left it out.
  func checksum(of tensor: Tensor) throws(MuonError) -> String? {
    let key = CheckpointFormat.Key.checksum(try whole(tensor.name))
    return wasRewritten ? try field(key) : try required(key)
  }

  /// What follows a prefix in the keys that begin with it, at most some of them.
  func remainders(
    of prefix: String, most: Int = 8, where condition: (Field) -> Bool = { _ in true }
  ) -> [String] {
    unsafe Array(prefix.utf8).withUnsafeBytes { prefix in
      var index = unsafe place(of: prefix, among: fields.count) { fields[$0].key }
      var found: [String] = []
      while index < fields.count, found.count < most {
        let field = fields[index]
        guard unsafe raw(field.key).starts(with: prefix) else { break }
        if condition(field) {
          found.append(
            text(
              Extent(
                start: field.key.start + UInt32(prefix.count),
                count: field.key.count - UInt32(prefix.count))))
        }
        index += 1
      }
      return found
    }
  }

  /// The shape of a tensor, such as "2, 3".
  func shape(_ tensor: Tensor) -> String { text(tensor.shape).replacing(",", with: ", ") }
}
