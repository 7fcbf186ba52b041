// A header as other programs write it: tensors and keys in any order, and its checksum worth nothing.
extension CheckpointHeader {
  static func read(rewritten scanner: inout RewrittenHeaderScanner, into header: CheckpointHeader)
    throws(MuonError)
  {
    var tensors: [Tensor] = []
    try scanner.object { (name, scanner) throws(MuonError) in
      if header.text(name) == "__metadata__" {
        try scanner.object { (key, scanner) throws(MuonError) in
          try header.add(Field(key: key, value: try scanner.text()))
        }
      } else {
        try header.requireRoom(for: tensors.count)
        tensors.append(try header.tensor(name, &scanner))
      }
    }
    try scanner.requireEnd()
    // Empty ones before what begins at the same place.
    tensors.sort {
      ($0.offsets.lowerBound, $0.offsets.upperBound)
        < ($1.offsets.lowerBound, $1.offsets.upperBound)
    }
    for tensor in tensors { try header.add(tensor) }
  }

  private func tensor(
    _ name: Extent, _ scanner: inout RewrittenHeaderScanner
  ) throws(MuonError) -> Tensor {
    var dtype: Extent?
    var shape: (values: [Int], text: Extent)?
    var offsets: [Int]?
    try scanner.object { (key, scanner) throws(MuonError) in
      switch text(key) {
      case "dtype" where dtype == nil: dtype = try scanner.text()
      case "shape" where shape == nil:
        shape = try scanner.numbers(most: Shape.maximumDimensions)
      case "data_offsets" where offsets == nil: offsets = try scanner.numbers(most: 2).values
      default:
        throw MuonError(
          .corrupt,
          "tensor \(text(name)) of the checkpoint has a key \(text(key)) too many")
      }
    }
    guard let dtype, let shape, let offsets, offsets.count == 2 else {
      throw MuonError(
        .corrupt,
        "tensor \(text(name)) of the checkpoint lacks one of dtype, shape and two data_offsets")
    }
    return try tensor(
      name, dtype, shape.text, extents: shape.values, begin: offsets[0], end: offsets[1])
  }
}
