extension TrainingConfiguration {
  /// A rule of a configuration: where parameters go by their names, with which options, and how they are seen as
  /// matrices. The first rule that matches a name is the one that counts.
  public struct Rule: Hashable, Sendable {
    /// A pattern of whole names: `*` is any text, `?` one character, `[a-z]` one of these, `[!a-z]` one of the others.
    /// Letters count as they are.
    public var match: String
    /// The optimizer, and options over those that it has otherwise; `nil`: as without the rule, where a view counts.
    public var target: Target?
    /// Takes the place of `Parameter.view` in the optimizer that is built; `AdamW` ignores it.
    public var view: MatrixView?

    /// An optimizer, with options that differ from those of its section.
    public indirect enum Target: Hashable, Sendable {
      /// Muon.
      case muon(MuonSection = MuonSection())
      /// AdamW.
      case adamW(AdamWSection = AdamWSection())
    }

    /// A rule with these values.
    public init(match: String, target: Target? = nil, view: MatrixView? = nil) {
      self.match = match
      self.target = target
      self.view = view
    }

    /// The optimizer that it sends parameters to, if it says so.
    public var optimizer: OptimizerKind? {
      switch target {
      case .muon: .muon
      case .adamW: .adamW
      case nil: nil
      }
    }
  }

  /// The rules, ready to be matched with names.
  struct RuleBook {
    private let patterns: [NamePattern]

    init(_ rules: [Rule]) { patterns = rules.map { NamePattern($0.match) } }

    /// The number of the first rule that matches.
    func rule(for name: String) -> Int? { patterns.firstIndex { $0.matches(name) } }

    /// Whether a rule matches, whatever those before it do.
    func matches(_ rule: Int, _ name: String) -> Bool { patterns[rule].matches(name) }
  }
}

// MARK: - Text

extension TrainingConfiguration.Rule: Codable {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case match, optimizer, options, view
  }

  /// Refuses keys that it does not have.
  ///
  /// - Throws: `DecodingError`, which has the path.
  public init(from decoder: any Decoder) throws {
    try decoder.refuseKeys(otherThan: CodingKeys.allCases.map(\.stringValue))
    let container = try decoder.container(keyedBy: CodingKeys.self)
    match = try container.decode(String.self, forKey: .match)
    view = try container.decodeIfPresent(MatrixView.self, forKey: .view)
    let name = try container.decodeIfPresent(String.self, forKey: .optimizer)
    switch name {
    case "muon", OptimizerKind.muon.rawValue:
      target = .muon(
        try container.decodeIfPresent(TrainingConfiguration.MuonSection.self, forKey: .options)
          ?? .init())
    case "adamw", OptimizerKind.adamW.rawValue:
      target = .adamW(
        try container.decodeIfPresent(TrainingConfiguration.AdamWSection.self, forKey: .options)
          ?? .init())
      guard view == nil else {
        throw DecodingError.dataCorruptedError(
          forKey: .view, in: container, debugDescription: "AdamW takes no view")
      }
    case nil:
      guard try !container.contains(.options) || container.decodeNil(forKey: .options) else {
        throw DecodingError.dataCorruptedError(
          forKey: .options, in: container,
          debugDescription: "options need \"optimizer\" beside them, which says whose they are")
      }
    case let name?:
      throw DecodingError.dataCorruptedError(
        forKey: .optimizer, in: container,
        debugDescription:
          "unknown value \"\(name.shortened(to: 100))\"; expected one of muon, adamw")
    }
  }

  /// As `init(from:)` reads it.
  ///
  /// - Throws: `EncodingError`, also where a list of the options has not all of its elements.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(match, forKey: .match)
    try container.encodeIfPresent(optimizer, forKey: .optimizer)
    switch target {
    case .muon(let options): try container.encode(options, forKey: .options)
    case .adamW(let options): try container.encode(options, forKey: .options)
    case nil: break
    }
    try container.encodeIfPresent(view, forKey: .view)
  }
}
