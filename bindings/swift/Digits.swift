import Glibc

/// Images of handwritten digits with their labels; the format is in bindings/data/README.md.
struct Digits {
  static let pixelsPerImage = 64
  static let classes = 10

  /// 0 to 1, image by image.
  private(set) var pixels: [Float] = []
  private(set) var labels: [Int] = []

  var count: Int { labels.count }

  /// The first 1437 images are for training, the last 360 for the test.
  static func load(_ path: String) throws(ExampleError) -> (train: Digits, test: Digits) {
    let recordSize = pixelsPerImage + 1
    let (trainCount, testCount) = (1437, 360)
    let bytes = try readFile(path, limit: (trainCount + testCount) * recordSize)
    guard bytes.count == (trainCount + testCount) * recordSize else {
      throw ExampleError(message: "\(path) is not the file of digits")
    }
    var all = Digits()
    for start in stride(from: 0, to: bytes.count, by: recordSize) {
      all.append(bytes[start..<start + recordSize])
    }
    return (all.chosen(0..<trainCount), all.chosen(trainCount..<all.count))
  }

  private mutating func append(_ record: ArraySlice<UInt8>) {
    pixels += record.dropLast().map { Float($0) / 16 }
    labels += record.suffix(1).map(Int.init)
  }

  /// The images at these places, in this order.
  func chosen(_ places: some Sequence<Int>) -> Digits {
    var result = Digits()
    for place in places {
      let start = place * Self.pixelsPerImage
      result.pixels += pixels[start..<start + Self.pixelsPerImage]
      result.labels.append(labels[place])
    }
    return result
  }
}

struct ExampleError: Error, CustomStringConvertible {
  let message: String
  var description: String { message }
}

/// At most `limit` bytes of a file. By libc, since Foundation would be most of the program.
private func readFile(_ path: String, limit: Int) throws(ExampleError) -> [UInt8] {
  guard let file = unsafe fopen(path, "rb") else {
    throw ExampleError(message: "\(path) cannot be opened")
  }
  defer { unsafe fclose(file) }
  return unsafe [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
    count = unsafe fread(buffer.baseAddress, 1, limit, file)
  }
}
