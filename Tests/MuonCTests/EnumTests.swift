import CMuon
import MuonOptimizers
import Testing

@testable import MuonC

/// The enums of muon.h and those of MuonOptimizers have the same values, by name.
struct EnumTests {
  private func requireSame<C: NamedEnum, S: CounterpartEnum & Equatable>(
    _ c: C.Type, _ swift: S.Type, except: Set<String> = []
  ) throws {
    #expect(Set(C.names.map(\.name)).subtracting(except) == Set(S.allCases.map(\.cName)))
    for value in S.allCases {
      #expect(try S(try C(named: value.cName), "it") == value)
    }
  }

  @Test func haveCounterparts() throws {
    try requireSame(muon_nonfinite_policy.self, NonFinitePolicy.self)
    try requireSame(muon_optimizer_kind.self, OptimizerKind.self, except: ["none"])
    try requireSame(muon_route_reason.self, Route.Reason.self)
    try requireSame(muon_statistics_level.self, StatisticsLevel.self)
    try requireSame(muon_log_level.self, Log.Level.self)
  }

  private func requireChoices<Options: OptionTable, C: NamedEnum>(
    _ options: Options.Type, _ name: String, _ c: C.Type
  ) throws {
    #expect(try Options.option(name).domain == .choice(C.names.map(\.name)))
  }

  /// In the order of the header.
  @Test func areTheChoicesOfOptions() throws {
    try requireChoices(MuonOptions.self, "backend", muon_backend.self)
    try requireChoices(MuonOptions.self, "momentum_style", muon_momentum_style.self)
    try requireChoices(MuonOptions.self, "shape_scale", muon_shape_scale.self)
    try requireChoices(MuonOptions.self, "precision", muon_precision.self)
    try requireChoices(MuonOptions.self, "method", muon_newton_schulz_method.self)
    try requireChoices(OrthogonalizeOptions.self, "backend", muon_backend.self)
  }
}
