// Views in configurations.

extension MatrixView: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case axes, shape, split
  }

  /// From an object with the keys `axes`, `shape` and `split`, which may be left out; it refuses others.
  ///
  /// - Throws: `DecodingError`, which has the path.
  public init(from decoder: any Decoder) throws {
    try decoder.refuseKeys(otherThan: CodingKeys.allCases.map(\.stringValue))
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      try container.decodeIfPresent(String.self, forKey: .axes) ?? "oi",
      shape: try container.wholeNumbers(forKey: .shape) ?? [],
      split: try container.decodeIfPresent(Split.self, forKey: .split))
  }

  /// As `init(from:)` reads it.
  ///
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(axes, forKey: .axes)
    if !shape.isEmpty { try container.encode(shape, forKey: .shape) }
    try container.encodeIfPresent(split, forKey: .split)
  }
}

extension MatrixView.Split: Codable {
  private enum CodingKeys: String, CodingKey, CaseIterable {
    case axis, sizes
  }

  /// From an object with the keys `axis` and `sizes`; it refuses others.
  ///
  /// - Throws: `DecodingError`, which has the path.
  public init(from decoder: any Decoder) throws {
    try decoder.refuseKeys(otherThan: CodingKeys.allCases.map(\.stringValue))
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      axis: try container.decodeIfPresent(Int.self, forKey: .axis) ?? 0,
      sizes: try container.wholeNumbers(forKey: .sizes) ?? [])
  }

  /// As `init(from:)` reads it.
  ///
  /// - Throws: `EncodingError`.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(axis, forKey: .axis)
    try container.encode(sizes, forKey: .sizes)
  }
}
