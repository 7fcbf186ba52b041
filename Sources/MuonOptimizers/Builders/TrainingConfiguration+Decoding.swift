internal import FoundationEssentials

extension TrainingConfiguration {
  /// Reads a configuration from JSON text in UTF-8.
  ///
  /// - Throws: `configuration`, with the path of the key that is wrong, or the line and the column of what is no
  ///   JSON; also for objects and lists that are nested more than 64 deep, for a key that is twice in an object
  ///   or has a NUL in it, and for a number that `Double` cannot hold, wherever they are; and for more than
  ///   16 MiB, or 1 MiB in one of the sections that are read.
  public init(json: String) throws(MuonError) {
    let sections = try JSONScanner.sections(
      CodingKeys.allCases.map(\.stringValue), of: json)
    do {
      self = try JSONDecoder().decode(TrainingConfiguration.self, from: Data(sections))
    } catch let error as DecodingError {
      throw MuonError(.configuration, error.withPath)
    } catch {
      throw MuonError(.configuration, "the configuration cannot be read: \(error)")
    }
  }

  /// Reads a configuration from any decoder; `init(json:)` has the better messages.
  ///
  /// - Throws: `DecodingError`, with the path of the key that is wrong.
  public init(from decoder: any Decoder) throws {
    let sections = try decoder.container(keyedBy: CodingKeys.self)
    let foreign = try sections.nestedContainer(keyedBy: CodingKeys.self, forKey: .training)
    for key in [CodingKeys.muon, .adamw, .rules]
    where try foreign.contains(key) && !foreign.decodeNil(forKey: key) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: foreign.codingPath + [key],
          debugDescription: "this section belongs beside \"training\", not inside it"))
    }
    training = try sections.decode(Training.self, forKey: .training)
    muon = try sections.decodeIfPresent(MuonSection.self, forKey: .muon)
    adamw = try sections.decodeIfPresent(AdamWSection.self, forKey: .adamw)
    rules = try sections.decodeIfPresent([Rule].self, forKey: .rules) ?? []
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case training, muon, adamw, rules
  }
}

// MARK: - Keys

/// A key of any name.
struct AnyKey: CodingKey {
  let stringValue: String
  let intValue: Int? = nil

  init(_ name: String) { stringValue = name }
  init?(stringValue: String) { self.init(stringValue) }
  init?(intValue: Int) { return nil }
}

extension Decoder {
  /// Refuses an object with keys beside these.
  func refuseKeys(otherThan keys: [String]) throws {
    for key in try container(keyedBy: AnyKey.self).allKeys where !keys.contains(key.stringValue) {
      throw DecodingError.dataCorrupted(
        .init(
          codingPath: codingPath + [key],
          debugDescription: "unknown key; the keys are \(keys.joined(separator: ", "))"))
    }
  }
}

// MARK: - Whole numbers

extension KeyedDecodingContainer {
  /// In place of the standard library's for this module: JSONDecoder says of 1.5 only that the text is
  /// not valid JSON, and not where.
  func decodeIfPresent(_ type: Int.Type, forKey key: Key) throws -> Int? {
    guard let number = try decodeIfPresent(Double.self, forKey: key) else { return nil }
    // From 2^53 on it may have been rounded.
    if number.magnitude >= 0x1p53, let exact = try? decode(Int.self, forKey: key) { return exact }
    guard let whole = Int(exactly: number), whole.magnitude < 1 << 53 else {
      throw DecodingError.dataCorruptedError(
        forKey: key, in: self, debugDescription: "expected a whole number, found \(number)")
    }
    return whole
  }

  /// A list of whole numbers, likewise.
  func wholeNumbers(forKey key: Key) throws -> [Int]? {
    guard let numbers = try decodeIfPresent([Double].self, forKey: key) else { return nil }
    return try numbers.map { number in
      guard let whole = Int(exactly: number), whole.magnitude < 1 << 53 else {
        throw DecodingError.dataCorruptedError(
          forKey: key, in: self, debugDescription: "expected whole numbers, found \(number)")
      }
      return whole
    }
  }
}

// MARK: - Names

extension OptimizerKind: Codable {
  /// From its name.
  ///
  /// - Throws: `DecodingError` for a name that is none, with those there are.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let name = try container.decode(String.self)
    guard let value = Self(rawValue: name) else {
      let names = Self.allCases.map(\.rawValue).joined(separator: ", ")
      throw DecodingError.dataCorruptedError(
        in: container,
        debugDescription:
          "unknown value \"\(name.shortened(to: 100))\"; expected one of \(names)")
    }
    self = value
  }
}

// MARK: - Messages

extension DecodingError {
  /// What is wrong, after the path of the key it is wrong at.
  fileprivate var withPath: String {
    switch self {
    case .typeMismatch(let type, let context):
      return DecodingError.text(
        context.codingPath, "expected \(DecodingError.name(of: type)), found something else")
    case .valueNotFound(let type, let context):
      return DecodingError.text(
        context.codingPath, "expected \(DecodingError.name(of: type)), found null")
    case .keyNotFound(let key, let context):
      return DecodingError.text(context.codingPath + [key], "this key is required")
    case .dataCorrupted(let context):
      return DecodingError.text(context.codingPath, context.debugDescription)
    @unknown default:
      return "\(self)"
    }
  }

  private static func text(_ path: [any CodingKey], _ what: String) -> String {
    "\(path.isEmpty ? "the configuration" : text(path)): \(what)"
  }

  static func text(_ path: [any CodingKey]) -> String {
    path.reduce("") { path, key in
      if let index = key.intValue { return path + "[\(index)]" }
      let name = key.stringValue.shortened(to: 100)
      return path.isEmpty ? name : path + "." + name
    }
  }

  private static func name(of type: any Any.Type) -> String {
    switch type {
    case is Double.Type: "a number"
    case is Int.Type: "a whole number"
    case is Bool.Type: "true or false"
    case is String.Type: "text"
    case is any Collection.Type: "\(type)".hasPrefix("Array") ? "a list" : "an object"
    default: "an object"
    }
  }
}
