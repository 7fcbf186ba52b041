/// Where the parameters of a configuration go: by its rules, and then by their shapes.
package struct Router {
  private let configuration: TrainingConfiguration
  private let book: TrainingConfiguration.RuleBook

  package init(_ configuration: TrainingConfiguration) {
    self.configuration = configuration
    book = TrainingConfiguration.RuleBook(configuration.rules)
  }

  package func route(
    name: String, dimensions: Int, hasView: Bool, requiresGradient: Bool, isFloatingPoint: Bool
  ) -> Route {
    let number = book.rule(for: name)
    let rule = number.map { configuration.rules[$0] }
    let (optimizer, reason): (OptimizerKind?, Route.Reason) =
      if !isFloatingPoint {
        (nil, .notFloatingPoint)
      } else if !requiresGradient {
        (nil, .frozen)
      } else if let optimizer = rule?.optimizer {
        (optimizer, .rule)
      } else if configuration.training.optimizer == .adamW {
        (.adamW, .adamWOnly)
      } else if rule?.view != nil {
        (.muon, .rule)
      } else if hasView {
        (.muon, .view)
      } else if dimensions == 2 {
        (.muon, .matrix)
      } else {
        (.adamW, .notMatrix)
      }
    return Route(optimizer: optimizer, reason: reason, rule: number)
  }

  package func route(_ parameter: Parameter) -> Route {
    route(
      name: parameter.name, dimensions: parameter.shape.count, hasView: parameter.view != nil,
      requiresGradient: parameter.requiresGradient, isFloatingPoint: true)
  }
}

// MARK: - What is said of it

extension Router {
  /// A parameter, and where it went.
  package struct Routed {
    let name: String
    let extents: [Int]
    let route: Route

    package init(_ name: String, _ extents: [Int], _ route: Route) {
      (self.name, self.extents, self.route) = (name, extents, route)
    }
  }

  /// Says in the log which rules no parameter follows, and which parameters went, without a rule, where they hardly
  /// belong.
  package func warn(of routed: [Routed]) {
    guard Log.wants(.warning) else { return }
    let followed = Set(routed.compactMap(\.route.rule))
    for (number, rule) in configuration.rules.enumerated() where !followed.contains(number) {
      let pattern = "\"\(rule.match.shortened(to: 100))\""
      let isShadowed = routed.contains { book.matches(number, $0.name) }
      Log.write(
        .warning,
        "rules[\(number)]: "
          + (isShadowed
            ? "rules before it match all that \(pattern) matches"
            : "\(pattern) matches no parameter"))
    }
    let names = Set(routed.map(\.name))
    let ruleless = routed.filter { $0.route.rule == nil }
    warn(
      of: ruleless.filter {
        $0.route.reason == .matrix && NameMeaning.isNoHiddenMatrix($0.name, among: names)
      }, to: .muon,
      "embeddings, output layers, norms or biases by their names, which train better with AdamW; "
        + "rules can send them there")
    warn(
      of: ruleless.filter {
        $0.route.reason == .notMatrix && $0.extents.count { $0 > 1 } > 2
          && !NameMeaning.isNoHiddenMatrix($0.name, among: names)
      }, to: .adamW, "they may hold several matrices each; rules with a view can send them to Muon")
  }

  private func warn(of routed: [Routed], to optimizer: OptimizerKind, _ what: String) {
    guard !routed.isEmpty else { return }
    let shown = routed.prefix(6).map { "\"\($0.name.shortened(to: 100))\"" }
    let more = routed.count > shown.count ? " and \(routed.count - shown.count) more" : ""
    Log.write(
      .warning,
      "\(optimizer.rawValue) gets \(shown.joined(separator: ", "))\(more): \(what)")
  }
}

/// What names of parameters say: no more than a hint.
private enum NameMeaning {
  /// Whether it is an embedding, an output layer, a norm or a bias by its name, also as llm.c has them: `ln1w`, and
  /// `fcb` beside `fcw`.
  static func isNoHiddenMatrix(_ name: String, among names: Set<String>) -> Bool {
    let lowercased = name.lowercased()
    if ["embed", "norm", "bias"].contains(where: { lowercased.contains($0) }) { return true }
    if lowercased.split(whereSeparator: { $0 == "." || $0 == "/" }).contains(where: {
      isEmbeddingOrOutput($0) || isLayerNorm($0)
    }) {
      return true
    }
    return name.last == "b" && names.contains(name.dropLast() + "w")
  }

  /// Of a part of a name, between dots and slashes.
  private static func isEmbeddingOrOutput(_ part: Substring) -> Bool {
    switch part {
    case "wte", "wpe", "tok", "pos", "tok_emb", "pos_emb", "unembed", "embed_out": true
    case "head", "lm_head", "output_head", "classifier": true
    default: false
    }
  }

  /// `ln`, `ln_1`, `ln_f`, `ln1w`, `lnfb`.
  private static func isLayerNorm(_ part: Substring) -> Bool {
    guard part.hasPrefix("ln") else { return false }
    var rest = part.dropFirst(2)
    if rest.first == "_" { rest.removeFirst() }
    rest = rest.drop { $0.isNumber || $0 == "f" }
    return rest.isEmpty || rest == "w" || rest == "b"
  }
}
