/// What `orthogonalize` does besides its matrix.
public struct OrthogonalizeOptions: OptionTable {
  /// The polynomial, or `svd`.
  public var backend: Backend
  /// 1 to 99; `nil` is the backend's own number, 10 for the default.
  public var steps: Int?
  /// Added to the Frobenius norm; finite, at least 0.
  public var epsilon: Double
  /// The element type of the matrix products.
  public var precision: Precision
  /// How the polynomial is evaluated.
  public var method: NewtonSchulzMethod

  /// The defaults of the original system.
  public init() { self.init(backend: .orthogonalize) }

  /// Options with the defaults of the original system.
  public init(
    backend: Backend = .orthogonalize, steps: Int? = nil, epsilon: Double = 1e-8,
    precision: Precision = .f32, method: NewtonSchulzMethod = .auto
  ) {
    self.backend = backend
    self.steps = steps
    self.epsilon = epsilon
    self.precision = precision
    self.method = method
  }
}

extension OrthogonalizeOptions {
  /// Every option.
  public static let options: [Option<OrthogonalizeOptions>] = [
    .backend(\.backend),
    .count("backend_steps", \.steps, Backend.stepRange),
    .number("eps", \.epsilon, .nonNegative),
    .choice("precision", \.precision),
    .choice("method", \.method),
    .coefficients(of: \.backend),
  ]

  /// Requires that backend, steps, precision and method go together.
  ///
  /// - Throws: `invalidArgument`, or `unsupported` for what this processor or this version does not have.
  public func checkTogether() throws(MuonError) { _ = try Orthogonalizer(self) }
}

// MARK: - A backend as options

extension Option {
  /// Which backend. "custom" keeps the coefficients there are.
  static func backend(_ keyPath: any WritableKeyPath<Owner, Backend> & Sendable) -> Option {
    Option(
      name: "backend", domain: .choice(Backend.named.map(\.name) + [Backend.custom([]).name]),
      value: { .choice($0[keyPath: keyPath].name) },
      set: {
        guard case .choice(let name) = $1, $0[keyPath: keyPath].name != name else { return }
        $0[keyPath: keyPath] = Backend.named.first { $0.name == name } ?? .custom([])
      }, keyPath: keyPath)
  }

  /// The coefficients of the backend "custom", which they imply; no other one has any.
  static func coefficients(of keyPath: any WritableKeyPath<Owner, Backend> & Sendable) -> Option {
    var option = Option(
      name: "coefficients", domain: .rows(Backend.stepRange),
      value: {
        guard case .custom(let rows) = $0[keyPath: keyPath] else { return nil }
        return .rows(rows.map { [$0.a, $0.b, $0.c] })
      },
      set: {
        guard case .rows(let rows) = $1 else { return }
        $0[keyPath: keyPath] = .custom(
          rows.filter { $0.count == 3 }.map { Coefficients($0[0], $0[1], $0[2]) })
      }, keyPath: nil)
    option.owner = "backend"
    return option
  }
}
