internal import CMuon
internal import MuonOptimizers

// The enums of muon.h and those of MuonOptimizers, by the names of their values.

/// An enum of muon.h.
protocol NamedEnum: RawRepresentable<UInt32>, Equatable {
  static var names: [(value: Self, name: String)] { get }
}

extension NamedEnum {
  /// The value of a name.
  init(named name: String) throws {
    guard let pair = Self.names.first(where: { $0.name == name }) else {
      throw CallError(MUON_ERR_INTERNAL, "\(name) has no value in muon.h")
    }
    self = pair.value
  }

  /// The value of a name that a caller gives.
  init(fromName text: UnsafePointer<CChar>?) throws {
    let given = try unsafe string(text, "name")
    guard let pair = Self.names.first(where: { $0.name == given }) else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT,
        "there is no \(Self.self) \"\(given.escapingControls)\"; expected "
          + Self.names.map(\.name).joined(separator: ", "))
    }
    self = pair.value
  }

  /// The name, or an error that says what was to have this value.
  func name(of what: String) throws -> String {
    guard let pair = Self.names.first(where: { $0.value == self }) else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT, "\(what): there is no value \(rawValue) in its enum")
    }
    return pair.name
  }
}

/// An enum of MuonOptimizers with values of the same names.
protocol CounterpartEnum: CaseIterable {
  var cName: String { get }
}

extension CounterpartEnum {
  /// The value of a C enum, or an error that says what was to have it.
  init(_ c: some NamedEnum, _ what: String) throws {
    let name = try c.name(of: what)
    guard let value = Self.allCases.first(where: { $0.cName == name }) else {
      throw CallError(MUON_ERR_INVALID_ARGUMENT, "\(what): \(name) cannot be used here")
    }
    self = value
  }
}

extension CounterpartEnum where Self: RawRepresentable<String> {
  // Those of optimizers are written Muon and AdamW.
  var cName: String { rawValue.lowercased() }
}

extension Master: CounterpartEnum {}
extension NonFinitePolicy: CounterpartEnum {}
extension OptimizerKind: CounterpartEnum {}
extension Route.Reason: CounterpartEnum {}
extension StatisticsLevel: CounterpartEnum {}
extension Log.Level: CounterpartEnum {
  var cName: String { "\(self)" }
}

func cKind(_ kind: OptimizerKind?) throws -> muon_optimizer_kind {
  try muon_optimizer_kind(named: kind?.cName ?? "none")
}

func cDtype(_ elementType: ElementType) -> muon_dtype {
  switch elementType {
  case .float32: MUON_DTYPE_F32
  case .bfloat16: MUON_DTYPE_BF16
  case .float16: MUON_DTYPE_F16
  case .int16: MUON_DTYPE_I16
  }
}
