/// Options that can be asked for by name: one table of them drives the C interface, configurations,
/// checkpoints and checks.
public protocol OptionTable: Hashable, Sendable {
  /// The defaults.
  init()
  /// Every option, in the order in which checkpoints have them.
  static var options: [Option<Self>] { get }
  /// Requires what no option can say alone.
  ///
  /// - Throws: `invalidArgument` or `unsupported`.
  func checkTogether() throws(MuonError)
}

/// A value of an option, whatever its type.
public enum OptionValue: Hashable, Sendable {
  /// A real number.
  case number(Double)
  /// Yes or no.
  case flag(Bool)
  /// A whole number; `nil` where something else decides it.
  case count(Int?)
  /// One of a few names.
  case choice(String)
  /// Rows of numbers.
  case rows([[Double]])
}

/// What values an option takes.
public enum OptionDomain: Hashable, Sendable {
  /// Numbers of a range.
  case number(NumberRange)
  /// Yes or no.
  case flag
  /// Whole numbers of a range, or `nil`.
  case count(ClosedRange<Int>)
  /// One of these names.
  case choice([String])
  /// So many rows of three numbers that float32 can hold.
  case rows(ClosedRange<Int>)
}

/// An option: what it is called in C, in configurations and in checkpoints, where it is, what it may be.
public struct Option<Owner>: Sendable {
  /// Its place in a list, for an option that configurations have together with others.
  struct Element {
    let list: String
    let index: Int
  }

  /// The name of the field in muon.h, and of the key.
  public let name: String
  /// What it may be.
  public let domain: OptionDomain
  /// Its value in `owner`; `nil` for rows where nothing takes any.
  public let value: @Sendable (_ owner: Owner) -> OptionValue?
  /// Takes a value of the kind of `domain`; others are left out.
  let set: @Sendable (inout Owner, OptionValue) -> Void
  /// `nil` for an option that is a part of another one.
  let keyPath: (any PartialKeyPath<Owner> & Sendable)?
  /// The option that it is a part of.
  var owner: String? = nil
  var element: Element? = nil
  /// Whether checkpoints have it also where it is the default. Those of version 0.1 had eleven options of
  /// Muon and five of AdamW, always; later ones are there only where they say something, so that a
  /// checkpoint that does not use them is what it was.
  var isAlwaysSaved = false

  /// What a configuration calls it, in messages.
  var configurationName: String { element.map { "\($0.list)[\($0.index)]" } ?? name }
  /// The key that a configuration has it under.
  var configurationKey: String { element?.list ?? name }
}

// MARK: - Rows of a table

extension Option {
  static func number(
    _ name: String, _ keyPath: any WritableKeyPath<Owner, Double> & Sendable, _ range: NumberRange
  ) -> Option {
    Option(
      name: name, domain: .number(range), value: { .number($0[keyPath: keyPath]) },
      set: { if case .number(let value) = $1 { $0[keyPath: keyPath] = value } }, keyPath: keyPath)
  }

  static func flag(
    _ name: String, _ keyPath: any WritableKeyPath<Owner, Bool> & Sendable
  ) -> Option {
    Option(
      name: name, domain: .flag, value: { .flag($0[keyPath: keyPath]) },
      set: { if case .flag(let value) = $1 { $0[keyPath: keyPath] = value } }, keyPath: keyPath)
  }

  static func count(
    _ name: String, _ keyPath: any WritableKeyPath<Owner, Int?> & Sendable,
    _ range: ClosedRange<Int>
  ) -> Option {
    Option(
      name: name, domain: .count(range), value: { .count($0[keyPath: keyPath]) },
      set: { if case .count(let value) = $1 { $0[keyPath: keyPath] = value } }, keyPath: keyPath)
  }

  static func choice<Choice: RawRepresentable<String> & CaseIterable & SendableMetatype>(
    _ name: String, _ keyPath: any WritableKeyPath<Owner, Choice> & Sendable
  ) -> Option {
    Option(
      name: name, domain: .choice(Choice.allCases.map(\.rawValue)),
      value: { .choice($0[keyPath: keyPath].rawValue) },
      set: {
        if case .choice(let name) = $1, let choice = Choice(rawValue: name) {
          $0[keyPath: keyPath] = choice
        }
      }, keyPath: keyPath)
  }

  /// As an element of a list in configurations.
  func inList(_ list: String, _ index: Int) -> Option {
    var option = self
    option.element = Element(list: list, index: index)
    return option
  }

  var alwaysSaved: Option {
    var option = self
    option.isAlwaysSaved = true
    return option
  }
}

// MARK: - Checks

extension Option {
  /// Requires that it is in its range; `name` is what the error calls it.
  func check(_ owner: Owner, _ name: String) throws(MuonError) {
    switch (domain, value(owner)) {
    case (.number(let range), .number(let value)): try range.require(value, name)
    case (.count(let range), .count(let value?)): try require(value, in: range, name)
    default: break
    }
  }
}

extension OptionTable {
  /// Requires that each option is in its range; `name` is what an error calls an option.
  func checkEach(_ name: (Option<Self>) -> String = \.name) throws(MuonError) {
    for option in Self.options { try option.check(self, name(option)) }
  }

  /// The same, and that they go together.
  func check(_ name: (Option<Self>) -> String = \.name) throws(MuonError) {
    try checkEach(name)
    try checkTogether()
  }

  /// Sets an option by its name.
  ///
  /// - Throws: `invalidArgument` where there is none.
  package mutating func set(_ name: String, to value: OptionValue) throws(MuonError) {
    try Self.option(name).set(&self, value)
  }

  /// The option of a name.
  ///
  /// - Throws: `invalidArgument` where there is none.
  public static func option(_ name: String) throws(MuonError) -> Option<Self> {
    guard let option = options.first(where: { $0.name == name }) else {
      throw MuonError(.invalidArgument, "there is no option \"\(name)\"")
    }
    return option
  }
}
