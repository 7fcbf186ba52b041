/// Some of the options of `Options`, to be put over others: the section of a configuration for an optimizer.
///
///     var muon = OptionOverrides<MuonOptions>()
///     muon.momentum = 0.9
///
/// An option that was not set is `nil`, and setting `nil` takes it out again.
@dynamicMemberLookup
public struct OptionOverrides<Options: OptionTable>: Hashable, Sendable {
  /// The values of those that were given; the defaults for the others.
  private var options = Options()
  private var given: Set<String> = []

  /// A section that says nothing.
  public init() {}

  /// An option by its name in `Options`.
  public subscript<Value>(dynamicMember keyPath: WritableKeyPath<Options, Value>) -> Value? {
    get { given.contains(name(of: keyPath)) ? options[keyPath: keyPath] : nil }
    set {
      options[keyPath: keyPath] = newValue ?? Options()[keyPath: keyPath]
      let name = name(of: keyPath)
      if newValue == nil { given.remove(name) } else { given.insert(name) }
    }
  }

  private func name(of keyPath: PartialKeyPath<Options>) -> String {
    Options.options.first { ($0.keyPath as PartialKeyPath<Options>?) == keyPath }?.name ?? ""
  }

  /// Whether an option was given, by itself or by what it is a part of.
  private func gives(_ option: Option<Options>) -> Bool {
    given.contains(option.owner ?? option.name)
  }

  /// Puts the options that were given over those of `base`.
  func apply(to base: inout Options) {
    for option in Options.options where gives(option) {
      if let value = option.value(options) { option.set(&base, value) }
    }
  }
}

// MARK: - Text

extension OptionOverrides: Codable {
  /// Refuses keys that it does not have.
  ///
  /// - Throws: `DecodingError`, which has the path.
  public init(from decoder: any Decoder) throws {
    try decoder.refuseKeys(
      otherThan: Options.options.reduce(into: [String]()) {
        if !$0.contains($1.configurationKey) { $0.append($1.configurationKey) }
      })
    let container = try decoder.container(keyedBy: AnyKey.self)
    for option in Options.options {
      guard let value = try container.value(of: option) else { continue }
      guard option.owner == nil || !gives(option) || option.value(options) != nil else {
        throw container.wrong(option.name, "these are for backend \"\(custom)\" only")
      }
      option.set(&options, value)
      given.insert(option.owner ?? option.name)
    }
    for option in Options.options where gives(option) && option.value(options) == .rows([]) {
      let path = DecodingError.text(decoder.codingPath + [AnyKey(option.name)])
      throw container.wrong(option.owner ?? option.name, "\"\(custom)\" needs \(path)")
    }
  }

  /// The options that were given.
  ///
  /// - Throws: `EncodingError`, also where a list has not all of its elements.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: AnyKey.self)
    for option in Options.options where gives(option) {
      let key = AnyKey(option.configurationKey)
      switch option.value(options) {
      case .number(let number):
        guard let list = option.element?.list else {
          try container.encode(number, forKey: key)
          break
        }
        let elements = Options.options.filter { $0.element?.list == list }
        guard elements.allSatisfy(gives) else {
          throw EncodingError.invalidValue(
            number,
            .init(
              codingPath: encoder.codingPath + [key],
              debugDescription: "a configuration has all elements of a list, or none"))
        }
        try container.encode(elements.compactMap { $0.value(options)?.number }, forKey: key)
      case .flag(let flag): try container.encode(flag, forKey: key)
      case .count(let count): try container.encode(count, forKey: key)
      case .choice(let name): try container.encode(name, forKey: key)
      case .rows(let rows): try container.encode(rows, forKey: key)
      case nil: break
      }
    }
  }
}

private let custom = Backend.custom([]).name

extension OptionValue {
  fileprivate var number: Double? { if case .number(let number) = self { number } else { nil } }
}

extension KeyedDecodingContainer<AnyKey> {
  fileprivate func wrong(_ key: String, _ what: String) -> DecodingError {
    DecodingError.dataCorruptedError(forKey: AnyKey(key), in: self, debugDescription: what)
  }

  /// What the section says of an option; null is nothing.
  fileprivate func value<Options: OptionTable>(of option: Option<Options>) throws -> OptionValue? {
    let name = option.configurationKey
    let key = AnyKey(name)
    switch option.domain {
    case .number:
      guard let element = option.element else {
        return try decodeIfPresent(Double.self, forKey: key).map { .number($0) }
      }
      guard let list = try decodeIfPresent([Double].self, forKey: key) else { return nil }
      let count = Options.options.count { $0.element?.list == name }
      guard list.count == count else {
        throw wrong(name, "expected \(count) numbers, got \(list.count)")
      }
      return .number(list[element.index])
    case .flag:
      return try decodeIfPresent(Bool.self, forKey: key).map { .flag($0) }
    case .count:
      return try decodeIfPresent(Int.self, forKey: key).map { .count($0) }
    case .choice(let names):
      guard let value = try decodeIfPresent(String.self, forKey: key) else { return nil }
      guard names.contains(value) else {
        throw wrong(
          name,
          "unknown value \"\(value.shortened(to: 100))\"; expected one of "
            + names.joined(separator: ", "))
      }
      return .choice(value)
    case .rows(let range):
      guard let rows = try decodeIfPresent([[Double]].self, forKey: key) else { return nil }
      guard range.contains(rows.count) else {
        throw wrong(
          name, "expected \(range.lowerBound) to \(range.upperBound) rows, got \(rows.count)")
      }
      for (index, row) in rows.enumerated() where row.count != 3 {
        throw wrong("\(name)[\(index)]", "expected 3 numbers, got \(row.count)")
      }
      return .rows(rows)
    }
  }
}
