import MuonOptimizers
import Testing

/// The method that is asked for is taken, on every shape, and stays close to the polynomial.
///
/// Seen with `gram` were 3e-5 on Gaussian matrices and others, and more where so few singular values are there
/// that none hides the error of another.
struct MethodTests {
  private static let gramBackends: [Backend] = [
    .newtonSchulz5, .polarExpress, .you, .cans, .cubic5,
  ]

  /// Square, long, tiny, and with no factor in common with a tile; of which `auto` takes the Gram matrix
  /// for those that are long and not small.
  private static let shapes: [(rows: Int, columns: Int, autoIsGram: Bool)] = [
    (64, 512, true), (384, 96, true), (65, 1031, true), (128, 128, false), (129, 131, false),
    (37, 301, false), (301, 37, false), (9, 7, false), (2, 2, false), (2, 900, false),
  ]

  private static func run(
    _ matrix: [Float], _ rows: Int, _ columns: Int, _ backend: Backend,
    _ method: NewtonSchulzMethod,
    steps: Int? = nil, _ precision: Precision = .f32
  ) throws -> [Float] {
    try orthogonalize(
      matrix, rows: rows, columns: columns,
      options: OrthogonalizeOptions(
        backend: backend, steps: steps, precision: precision, method: method))
  }

  @Test(arguments: Spectrum.allCases, shapes)
  func isTheOneAskedFor(
    _ spectrum: Spectrum, _ shape: (rows: Int, columns: Int, autoIsGram: Bool)
  ) throws {
    let (rows, columns, autoIsGram) = shape
    let matrix = spectrum.matrix(rows: rows, columns: columns)
    let bar = min(rows, columns) < 32 ? 1e-2 : 1e-4
    for backend in MethodTests.gramBackends {
      let exact = referenceOrthogonalize(
        DoubleMatrix(rows, columns, matrix), backend: backend, epsilon: 1e-8)
      let standard = try MethodTests.run(matrix, rows, columns, backend, .standard)
      let gram = try MethodTests.run(matrix, rows, columns, backend, .gram)
      #expect(relativeError(standard, exact.elements) <= bar, "\(backend.name) standard")
      #expect(relativeError(gram, exact.elements) <= bar, "\(backend.name) gram")
      #expect(!sameBits(standard, gram), "\(backend.name)")
      let auto = try MethodTests.run(matrix, rows, columns, backend, .auto)
      #expect(sameBits(auto, autoIsGram ? gram : standard), "\(backend.name) auto")
      let mixed = try MethodTests.run(matrix, rows, columns, backend, .gram, .auto)
      let most = barOfAuto(DoubleMatrix(rows, columns, matrix), backend, exact)
      guard autoTakesInt16(shortSide: min(rows, columns)) else {
        // Which for `auto` need not restart.
        let isExact = backend != .newtonSchulz5
        #expect(relativeError(mixed, exact.elements) <= most, "\(backend.name) gram auto")
        #expect(isExact == sameBits(mixed, gram), "\(backend.name) gram auto")
        continue
      }
      // Products of integers, and for long matrices in any case.
      let integers = try MethodTests.run(matrix, rows, columns, backend, .gram, .int16)
      #expect(relativeError(integers, exact.elements) <= most, "\(backend.name) gram int16")
      #expect(sameBits(mixed, integers) && !sameBits(mixed, gram), "\(backend.name) gram auto")
      let free = try MethodTests.run(matrix, rows, columns, backend, .auto, .int16)
      #expect(sameBits(free, integers) == autoIsGram, "\(backend.name) auto int16")
    }
  }

  /// The restarts, before, at and after the last step.
  @Test(arguments: gramBackends.filter { $0 != .cubic5 }, 1...5)
  func gramHasUpToFiveSteps(_ backend: Backend, _ steps: Int) throws {
    let matrix = uniform(seed: 9, count: 70 * 73)
    let exact = referenceOrthogonalize(
      DoubleMatrix(70, 73, matrix), backend: backend, steps: steps, epsilon: 1e-8)
    let gram = try MethodTests.run(matrix, 70, 73, backend, .gram, steps: steps)
    #expect(relativeError(gram, exact.elements) <= 1e-4)
  }

  /// Singular values of 0, which float32 does not have in X Xᵀ.
  @Test(arguments: gramBackends)
  func gramStandsZeros(_ backend: Backend) throws {
    let rows = uniform(seed: 4, count: 20 * 80)
    let matrix = Array((rows + rows + rows + rows)[..<(70 * 80)])
    let exact = referenceOrthogonalize(
      DoubleMatrix(70, 80, matrix), backend: backend, epsilon: 1e-8)
    let gram = try MethodTests.run(matrix, 70, 80, backend, .gram)
    #expect(relativeError(gram, exact.elements) <= 1e-3)
  }

  @Test func standardTakesIntegersWhereItMay() throws {
    let matrix = uniform(seed: 9, count: 96 * 512)
    let f32 = try MethodTests.run(matrix, 96, 512, .newtonSchulz5, .standard)
    let mixed = try MethodTests.run(matrix, 96, 512, .newtonSchulz5, .standard, .auto)
    #expect(sameBits(mixed, f32) == !autoTakesInt16(shortSide: 96))
    #expect(relativeError(mixed, f32) <= 1e-2)
  }

  /// A vector needs no products.
  @Test(arguments: [(1, 1), (1, 300), (300, 1)])
  func isAllTheSameToVectors(_ rows: Int, _ columns: Int) throws {
    let vector = uniform(seed: 9, count: rows * columns)
    let auto = try MethodTests.run(vector, rows, columns, .newtonSchulz5, .auto)
    for method in [NewtonSchulzMethod.standard, .gram] {
      #expect(
        sameBits(auto, try MethodTests.run(vector, rows, columns, .newtonSchulz5, method)))
    }
  }

  @Test(arguments: Backend.named)
  func standardIsForEveryBackend(_ backend: Backend) throws {
    let matrix = uniform(seed: 9, count: 20 * 20)
    let auto = try MethodTests.run(matrix, 20, 20, backend, .auto)
    #expect(sameBits(auto, try MethodTests.run(matrix, 20, 20, backend, .standard)))
  }

  /// Whatever the shape, also where nothing would be iterated.
  @Test(arguments: [
    MuonOptions(backend: .svd), MuonOptions(backend: .turbo), MuonOptions(backend: .deepSeekV4),
    MuonOptions(backend: .orthogonalize), MuonOptions(backend: .orthogonalize, backendSteps: 5),
    MuonOptions(backend: .custom([Coefficients(3, -3.2, 1.2)])), MuonOptions(backendSteps: 6),
    MuonOptions(backend: .polarExpress, backendSteps: 99), MuonOptions(precision: .bf16),
    MuonOptions(precision: .int8),
  ])
  func gramIsRefused(_ options: MuonOptions) throws {
    var options = options
    options.method = .gram
    let muon = try Muon()
    for attempt in [
      { _ = try Muon(options: options) }, { try muon.addGroup(options: options) },
      { try muon.setOptions(options) },
      {
        _ = try orthogonalize(
          [1, 2], rows: 1, columns: 2,
          options: OrthogonalizeOptions(
            backend: options.backend, steps: options.backendSteps, precision: options.precision,
            method: .gram))
      },
    ] {
      let error = #expect(throws: MuonError.self) { try attempt() }
      #expect(error?.code == .unsupported)
      #expect(
        error?.message.hasPrefix("method gram:") == true
          || options.precision == .bf16 && !processorHasBFloat16()
          || options.precision == .int8 && !processorHasInt8(), "\(error?.message ?? "")")
    }
    #expect(try muon.groupCount == 1 && muon.options() == MuonOptions())
  }

  /// One optimizer, three groups that differ in the method only.
  @Test(arguments: [(96, 96, false), (300, 70, true)])
  func isThatOfTheGroup(_ rows: Int, _ columns: Int, _ autoIsGram: Bool) throws {
    let gradient = uniform(seed: 9, count: rows * columns)
    let muon = try Muon()
    for (group, method) in NewtonSchulzMethod.allCases.enumerated() {
      try muon.addGroup(options: MuonOptions(precision: .f32, method: method))
      let parameter = try Parameter("\(method)", shape: [rows, columns])
      try parameter.setGradient(gradient)
      try muon.add([parameter], toGroup: group + 1)
    }
    try muon.step()
    let (auto, standard, gram) = (
      muon.parameters[0].values, muon.parameters[1].values, muon.parameters[2].values
    )
    #expect(!sameBits(standard, gram) && relativeError(standard, gram) <= 1e-4)
    #expect(sameBits(auto, autoIsGram ? gram : standard))
  }
}
