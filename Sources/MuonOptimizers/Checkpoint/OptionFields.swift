// The options of a group as fields of a checkpoint, and back. Each is in both directions here.

/// Options that a checkpoint can hold.
protocol CheckpointOptions: GroupOptions {
  /// The names of the options in muon.h, and their values as text.
  var checkpointFields: [(name: String, value: String)] { get }
  /// From the texts that `key` leads to.
  init(_ header: CheckpointHeader, _ key: (String) -> String) throws(MuonError)
}

extension MuonOptions: CheckpointOptions {
  private static let ownSteps = "own"

  var checkpointFields: [(name: String, value: String)] {
    var fields = [
      ("lr", ExactText.text(learningRate)), ("momentum", ExactText.text(momentum)),
      ("nesterov", ExactText.text(nesterov)), ("momentum_style", momentumStyle.rawValue),
      ("weight_decay", ExactText.text(weightDecay)), ("shape_scale", shapeScale.rawValue),
      ("backend", backend.name),
      ("backend_steps", backendSteps.map { ExactText.text($0) } ?? MuonOptions.ownSteps),
      ("eps", ExactText.text(epsilon)), ("precision", precision.rawValue),
      ("method", method.rawValue),
    ]
    if case .custom(let rows) = backend { fields.append(("coefficients", ExactText.text(rows))) }
    return fields
  }

  init(_ header: CheckpointHeader, _ key: (String) -> String) throws(MuonError) {
    self.init()
    learningRate = try header.number(key("lr"))
    momentum = try header.number(key("momentum"))
    nesterov = try header.flag(key("nesterov"))
    momentumStyle = try header.choice(
      key("momentum_style"), of: MomentumStyle.allCases, \.rawValue)
    weightDecay = try header.number(key("weight_decay"))
    shapeScale = try header.choice(key("shape_scale"), of: ShapeScale.allCases, \.rawValue)
    backend = try header.choice(
      key("backend"), of: Backend.named + [.custom([])], \.name)
    if case .custom = backend {
      let text = try header.required(key("coefficients"))
      guard let rows = ExactText.coefficients(text) else {
        throw header.wrong(key("coefficients"), text, "rows of three numbers")
      }
      backend = .custom(rows)
    }
    if try header.required(key("backend_steps")) != MuonOptions.ownSteps {
      backendSteps = try header.integer(key("backend_steps"), in: Backend.stepRange)
    }
    epsilon = try header.number(key("eps"))
    precision = try header.choice(key("precision"), of: Precision.allCases, \.rawValue)
    method = try header.choice(key("method"), of: NewtonSchulzMethod.allCases, \.rawValue)
  }
}

extension AdamWOptions: CheckpointOptions {
  var checkpointFields: [(name: String, value: String)] {
    [
      ("lr", ExactText.text(learningRate)), ("beta1", ExactText.text(beta1)),
      ("beta2", ExactText.text(beta2)), ("eps", ExactText.text(epsilon)),
      ("weight_decay", ExactText.text(weightDecay)),
    ]
  }

  init(_ header: CheckpointHeader, _ key: (String) -> String) throws(MuonError) {
    self.init()
    learningRate = try header.number(key("lr"))
    beta1 = try header.number(key("beta1"))
    beta2 = try header.number(key("beta2"))
    epsilon = try header.number(key("eps"))
    weightDecay = try header.number(key("weight_decay"))
  }
}
