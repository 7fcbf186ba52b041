import Foundation
import Testing

@testable import MuonOptimizers

/// Rules of a configuration: names, groups, views, and what is wrong with them.
struct RuleTests {
  private func configuration(_ rules: String, _ more: String = "") throws -> TrainingConfiguration {
    try TrainingConfiguration(
      json: """
        {"training": {"optimizer": "Muon", "learning_rate": 0.5, "weight_decay": 0.25},
         "rules": [\(rules)]\(more)}
        """)
  }

  private func parameters(_ shapes: [(String, [Int])]) throws -> [Parameter] {
    try shapes.map { try Parameter($0.0, shape: $0.1) }
  }

  @Test(arguments: [
    ("*", "", true), ("*", "a.b", true), ("", "", true), ("", "a", false), ("a?c", "abc", true),
    ("a?c", "ac", false), ("*.wte.*", "model.wte.weight", true), ("*.wte.*", "wte.weight", false),
    ("*.WTE.*", "model.wte.weight", false), ("h.[0-3].*", "h.3.w", true),
    ("h.[0-3].*", "h.4.w", false), ("h.[!0-3].*", "h.4.w", true), ("[]]", "]", true),
    ("[!]]", "]", false), ("[", "[", true), ("[ab", "[ab", true), ("[a-]", "-", true),
    ("[-a]", "-", true), ("[z-a]", "b", false), ("[!z-a]", "b", true), ("[]", "a", false),
    ("*a*a*b", "aaaaaaaaaab", true), ("*a*a*b", "aaaaaaaaaa", false), ("é?", "éx", true),
    ("a\\*", "a\\b", true),
  ])
  func matchNames(_ pattern: String, _ name: String, _ expected: Bool) {
    #expect(NamePattern(pattern).matches(name) == expected)
  }

  /// Without backtracking it is a matter of moments.
  @Test func matchesInNoMoreThanTheProductOfLengths() {
    let pattern = NamePattern(String(repeating: "*a", count: 2000))
    #expect(!pattern.matches(String(repeating: "a", count: 1999) + "b"))
  }

  @Test func groupsByOptions() throws {
    let parameters = try parameters([
      ("wte", [4, 3]), ("a", [3, 3]), ("b", [3, 3]), ("c", [3, 3]), ("bias", [3]), ("d", [3, 3]),
    ])
    let configuration = try configuration(
      """
      {"match": "wte", "optimizer": "AdamW", "options": {"weight_decay": 0}},
      {"match": "b", "optimizer": "muon", "options": {"momentum": 0.5}},
      {"match": "[bc]", "optimizer": "muon", "options": {"weight_decay": 0.25}},
      {"match": "d", "optimizer": "muon", "options": {"momentum": 0.5}}
      """)
    let routes = parameters.map { Route($0, configuration: configuration) }
    #expect(routes.map(\.optimizer) == [.adamW, .muon, .muon, .muon, .adamW, .muon])
    #expect(routes.map(\.reason) == [.rule, .matrix, .rule, .rule, .notMatrix, .rule])
    #expect(routes.map(\.rule) == [0, nil, 1, 2, nil, 3])
    #expect(routes[0].description == "AdamW: \(Route.Reason.rule.text) (rules[0])")

    let optimizers = try buildOptimizers(parameters, configuration: configuration)
    let muon = try #require(optimizers[0] as? Muon)
    let adamW = try #require(optimizers[1] as? AdamW)
    // "c" has the options of "a", and "d" those of "b".
    #expect(muon.parameters.map(\.name) == ["a", "c", "b", "d"])
    #expect(muon.groupCount == 2)
    #expect(try [0, 1].map { try muon.options(ofGroup: $0).momentum } == [0.95, 0.5])
    #expect(adamW.parameters.map(\.name) == ["wte", "bias"])
    #expect(try [0, 1].map { try adamW.options(ofGroup: $0).weightDecay } == [0, 0.25])
    #expect(try adamW.options(ofGroup: 0).beta2 == 0.95)
  }

  /// What a rule says nothing of is as without it.
  @Test func rulesWithoutAnOptimizer() throws {
    let parameters = try parameters([("kernel", [2, 3, 3]), ("w", [3, 3])])
    let rules = #"{"match": "*", "view": null, "options": null}"#
    var configuration = try configuration(rules)
    #expect(
      parameters.map { Route($0, configuration: configuration).reason } == [.notMatrix, .matrix])
    configuration.rules = [.init(match: "kernel", view: MatrixView("boi"))]
    #expect(parameters.map { Route($0, configuration: configuration).reason } == [.rule, .matrix])
    #expect(try buildOptimizers(parameters, configuration: configuration).count == 1)
    configuration.training.optimizer = .adamW
    #expect(
      parameters.map { Route($0, configuration: configuration).reason } == [.adamWOnly, .adamWOnly])
    configuration.rules[0].target = .muon()
    #expect(Route(parameters[0], configuration: configuration).reason == .rule)
  }

  /// The view of a rule is the optimizer's alone: the parameter may be in another one.
  @Test func viewsAreLikeThoseOfParameters() throws {
    let view = MatrixView("boi", split: .init(axis: 1, sizes: [3, 3]))
    let values = (0..<36).map { Float($0 * 7 % 11) - 5 }
    let ruled = try Parameter("w", shape: [2, 6, 3], values: values, view: MatrixView("oii"))
    let viewed = try Parameter("w", shape: [2, 6, 3], values: values, view: view)
    let configuration = try configuration(
      #"{"match": "w", "view": {"axes": "boi", "split": {"axis": 1, "sizes": [3, 3]}}}"#)
    #expect(configuration.rules[0].view == view)
    let built = try buildOptimizers([ruled], configuration: configuration)[0]
    let muon = try Muon([viewed], options: MuonOptions(learningRate: 0.5, weightDecay: 0.25))
    for _ in 0..<3 {
      for parameter in [ruled, viewed] { try parameter.setGradient(values.reversed()) }
      for optimizer in [built, muon] { try optimizer.step() }
    }
    #expect(ruled.values == viewed.values)
    #expect(ruled.view == MatrixView("oii"))
  }

  @Test func encodesWhatItReads() throws {
    var options = TrainingConfiguration.MuonSection()
    options.momentum = 0.5
    let rules: [TrainingConfiguration.Rule] = [
      .init(match: "a*", target: .muon(options), view: MatrixView("obi", shape: [2, -1, 3])),
      .init(match: "b", target: .adamW()), .init(match: "c"),
    ]
    let configuration = TrainingConfiguration(
      training: .init(
        optimizer: .muon, learningRate: 1, momentumSchedule: .cosine,
        weightDecaySchedule: .trapezoid(warmupSteps: 3, startFactor: 0.5)), rules: rules)
    let text = String(decoding: try JSONEncoder().encode(configuration), as: UTF8.self)
    #expect(try TrainingConfiguration(json: text) == configuration)
  }

  @Test(arguments: [
    (#"{"optimizer": "muon"}"#, "rules[0].match: this key is required"),
    (#"{"match": "a"}, {"match": 3}"#, "rules[1].match: expected text, found something else"),
    (
      #"{"match": "a", "x": 1}"#,
      "rules[0].x: unknown key; the keys are match, optimizer, options, view"
    ),
    (#"{"match": "a", "optimizer": "sgd"}"#, "rules[0].optimizer: unknown value \"sgd\""),
    (#"{"match": "a", "options": {}}"#, "rules[0].options: options need \"optimizer\""),
    (
      #"{"match": "a", "optimizer": "muon", "options": {"betas": [0, 0]}}"#,
      "rules[0].options.betas: unknown key; the keys are lr, "
    ),
    (
      #"{"match": "a", "optimizer": "muon", "options": {"backend": "custom"}}"#,
      "rules[0].options.backend: \"custom\" needs rules[0].options.coefficients"
    ),
    (#"{"match": "a", "optimizer": "adamw", "view": {}}"#, "rules[0].view: AdamW takes no view"),
    (
      #"{"match": "a", "view": {"split": {"axis": 0.5}}}"#,
      "rules[0].view.split.axis: expected a whole number, found 0.5"
    ),
    (
      #"{"match": "a", "view": {"shape": [2, 1.5]}}"#,
      "rules[0].view.shape: expected whole numbers, found 1.5"
    ),
    ("3", "rules[0]: expected an object"),
  ])
  func sayWhatIsWrong(_ rules: String, _ message: String) {
    let error = #expect(throws: MuonError.self) { try configuration(rules) }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
  }

  /// Also where they match nothing, as far as that can be known; and nothing is made.
  @Test(arguments: [
    (#"{"match": "x", "optimizer": "muon", "options": {"lr": -1}}"#, "rules[0].options.lr must be"),
    (
      #"{"match": "x", "optimizer": "muon", "options": {"hyperball": true}}"#,
      "rules[0].options.hyperball goes without weight decay"
    ),
    (
      #"{"match": "x", "view": {"axes": "bx"}}"#,
      "rules[0].view: the view of its parameters has axes"
    ),
    (#"{"match": "bias", "optimizer": "muon"}"#, "rules[0]: parameter bias has shape (3,)"),
    (
      #"{"match": "w", "view": {"axes": "boi"}}"#,
      "rules[0].view: the view of parameter w has 3 axes"
    ),
    (
      #"{"match": "w", "view": {"split": {"axis": 0, "sizes": [5]}}}"#,
      "rules[0].view: the view of parameter w splits an axis of 2 into 5"
    ),
  ])
  func sayWhatDoesNotFit(_ rules: String, _ message: String) throws {
    let parameters = try parameters([("w", [2, 3]), ("bias", [3])])
    let configuration = try configuration(rules)
    let error = #expect(throws: MuonError.self) {
      try buildOptimizers(parameters, configuration: configuration)
    }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(message) == true, "\(error?.message ?? "")")
  }
}
