import CMuon
import MuonOptimizers
import Testing

/// muon_orthogonalize gives what the Swift function gives, to the bit.
struct OrthogonalizeCallTests {
  private static let backends: [(muon_backend, Backend)] = [
    (MUON_BACKEND_NEWTONSCHULZ5, .newtonSchulz5), (MUON_BACKEND_SVD, .svd),
    (MUON_BACKEND_POLAR_EXPRESS, .polarExpress), (MUON_BACKEND_YOU, .you),
    (MUON_BACKEND_CANS, .cans), (MUON_BACKEND_DEEPSEEKV4, .deepSeekV4),
    (MUON_BACKEND_CUBIC5, .cubic5), (MUON_BACKEND_TURBO, .turbo),
    (MUON_BACKEND_ORTHOGONALIZE, .orthogonalize),
  ]

  private let g: [Float] = (0..<35).map { Float($0 * $0 % 17) - 8 }

  private func options() -> muon_orthogonalize_options {
    var options = unsafe muon_orthogonalize_options()
    expectOK(
      unsafe muon_orthogonalize_options_init(
        &options, MemoryLayout<muon_orthogonalize_options>.size))
    return unsafe options
  }

  @Test func hasTheDefaultsOfTheHeader() throws {
    let options = unsafe options()
    #expect(unsafe options.backend == MUON_BACKEND_ORTHOGONALIZE && options.backend_steps == 0)
    #expect(unsafe options.eps == 1e-8 && options.precision == MUON_PRECISION_F32)
    #expect(unsafe options.coefficients == nil && options.coefficients_count == 0)
    #expect(unsafe options.method == MUON_NEWTON_SCHULZ_METHOD_AUTO)
    var out = [Float](repeating: 7, count: 35)
    expectOK(unsafe muon_orthogonalize(g, 35, 5, 7, nil, &out, 35))
    #expect(try out == orthogonalize(g, rows: 5, columns: 7))
  }

  @Test(arguments: backends.indices)
  func takesEachBackend(_ index: Int) throws {
    let (number, backend) = OrthogonalizeCallTests.backends[index]
    var options = unsafe options()
    unsafe options.backend = number
    unsafe options.eps = 0.5
    var out = [Float](repeating: 7, count: 35)
    expectOK(unsafe muon_orthogonalize(g, 35, 7, 5, &options, &out, 35))
    let expected = try orthogonalize(
      g, rows: 7, columns: 5, options: OrthogonalizeOptions(backend: backend, epsilon: 0.5))
    #expect(out == expected)
  }

  /// Small matrices, each on a thread, and large ones, each by all threads; by LAPACK too.
  @Test(
    arguments: [(5, 7), (7, 5), (1, 9), (200, 160)],
    [MUON_BACKEND_ORTHOGONALIZE, MUON_BACKEND_SVD])
  func aBatchIsEachByItself(_ shape: (Int64, Int64), _ backend: muon_backend) {
    let (rows, columns) = shape
    let (batch, count) = (4, Int(rows * columns))
    var options = unsafe options()
    unsafe options.backend = backend
    let matrices = (0..<batch * count).map { Float($0 &* 7919 % 1013) - 500 }
    var expected: [Float] = []
    for index in 0..<batch {
      var out = [Float](repeating: 7, count: count)
      expectOK(
        unsafe muon_orthogonalize(
          Array(matrices[index * count..<(index + 1) * count]), count, rows, columns, &options,
          &out, count))
      expected += out
    }
    for threads: Int32 in [1, 2, 0] {
      expectOK(muon_set_num_threads(threads))
      var out = [Float](repeating: 7, count: batch * count)
      expectOK(
        unsafe muon_orthogonalize_batch(
          matrices, batch * count, Int64(batch), rows, columns, &options, &out, batch * count))
      #expect(out == expected)
      var inPlace = matrices
      unsafe inPlace.withUnsafeMutableBufferPointer { elements in
        let memory = elements.baseAddress
        expectOK(
          unsafe muon_orthogonalize_batch(
            memory, batch * count, Int64(batch), rows, columns, &options, memory, batch * count))
      }
      #expect(inPlace == expected)
    }
  }

  @Test func aBatchIsDoneAsAWholeOrNotAtAll() {
    var matrices = [Float](repeating: 1, count: 18)
    matrices[16] = .infinity
    var out = [Float](repeating: 7, count: 18)
    let status = unsafe muon_orthogonalize_batch(matrices, 18, 3, 2, 3, nil, &out, 18)
    #expect(status == MUON_ERR_INVALID_ARGUMENT && out.allSatisfy { $0 == 7 })
    #expect(
      unsafe String(cString: muon_last_error())
        == "matrix 2 of 3 has NaN or infinity; it must be finite")
    let shapes: [(Int64, Int64, Int64)] = [
      (-1, 2, 3), (2, 2, 3), (1 << 62, 2, 4), (.max, .max, .max),
    ]
    for (batch, rows, columns) in shapes {
      let status = unsafe muon_orthogonalize_batch(
        matrices, 18, batch, rows, columns, nil, &out, 18)
      #expect(status == MUON_ERR_SHAPE && out.allSatisfy { $0 == 7 })
    }
    expectOK(muon_orthogonalize_batch(nil, 0, 0, 2, 3, nil, nil, 0))
    expectOK(muon_orthogonalize_batch(nil, 0, .max, 0, 3, nil, nil, 0))
  }

  @Test func takesCoefficientsAndSteps() throws {
    let rows = [muon_coefficients(a: 3, b: -3.2, c: 1.2), muon_coefficients(a: 2, b: -1.5, c: 0.5)]
    var out = [Float](repeating: 7, count: 35)
    unsafe rows.withUnsafeBufferPointer { rows in
      var options = unsafe options()
      unsafe options.backend = MUON_BACKEND_CUSTOM
      unsafe options.backend_steps = 4
      unsafe options.precision = MUON_PRECISION_F32
      unsafe options.coefficients = rows.baseAddress
      unsafe options.coefficients_count = 2
      expectOK(unsafe muon_orthogonalize(g, 35, 5, 7, &options, &out, 35))
    }
    let expected = try orthogonalize(
      g, rows: 5, columns: 7,
      options: OrthogonalizeOptions(
        backend: .custom([Coefficients(3, -3.2, 1.2), Coefficients(2, -1.5, 0.5)]), steps: 4))
    #expect(out == expected)
  }

  /// To the bit, so that it is the method, and not the one that the shape would have.
  @Test func takesEachMethod() throws {
    var results: [[Float]] = []
    for (number, method) in [
      (MUON_NEWTON_SCHULZ_METHOD_AUTO, NewtonSchulzMethod.auto),
      (MUON_NEWTON_SCHULZ_METHOD_STANDARD, .standard),
      (MUON_NEWTON_SCHULZ_METHOD_GRAM, .gram),
    ] {
      var options = unsafe options()
      unsafe options.backend = MUON_BACKEND_YOU
      unsafe options.method = number
      var out = [Float](repeating: 7, count: 35)
      expectOK(unsafe muon_orthogonalize(g, 35, 5, 7, &options, &out, 35))
      let expected = try orthogonalize(
        g, rows: 5, columns: 7, options: OrthogonalizeOptions(backend: .you, method: method))
      #expect(out == expected)
      results.append(out)
    }
    #expect(results[0] == results[1] && results[1] != results[2])
  }

  @Test func worksInPlace() {
    let memory = Memory()
    let inPlace = unsafe memory.array(g)
    expectOK(unsafe muon_orthogonalize(inPlace, 35, 5, 7, nil, inPlace, 35))
    var apart = [Float](repeating: 7, count: 35)
    expectOK(unsafe muon_orthogonalize(g, 35, 5, 7, nil, &apart, 35))
    #expect(floats(inPlace, 35) == apart)
  }

  @Test(arguments: backends.indices, [Int32(0), 3, 5])
  func tellsTheCoefficients(_ index: Int, _ steps: Int32) throws {
    let (number, backend) = OrthogonalizeCallTests.backends[index]
    let expected = try? backend.coefficients(steps: steps == 0 ? nil : Int(steps))
    var count = 77
    let status = unsafe muon_backend_get_coefficients(number, steps, nil, 0, &count)
    guard let expected else {
      expectRefused(status, MUON_ERR_INVALID_ARGUMENT)
      #expect(count == 77)
      return
    }
    expectOK(status)
    #expect(count == expected.count)
    // Fewer than there are, and more.
    for capacity in [2, 12] {
      var rows = [muon_coefficients](
        repeating: muon_coefficients(a: 7, b: 7, c: 7), count: 12)
      expectOK(unsafe muon_backend_get_coefficients(number, steps, &rows, capacity, &count))
      #expect(count == expected.count)
      for (row, wanted) in zip(rows, expected).prefix(capacity) {
        #expect(Coefficients(row.a, row.b, row.c) == wanted)
      }
      #expect(rows.dropFirst(min(capacity, expected.count)).allSatisfy { $0.a == 7 })
    }
  }

  /// What the comment of muon_shape_scale says.
  @Test func tellsTheFactorOfAShape() {
    // For 100 x 25, and for 25 x 100.
    let expected: [(muon_shape_scale, Double, Double)] = [
      (MUON_SHAPE_SCALE_NONE, 1, 1), (MUON_SHAPE_SCALE_ORIGINAL, 2, 1),
      (MUON_SHAPE_SCALE_MATCH_RMS_ADAMW, 2, 2), (MUON_SHAPE_SCALE_SPECTRAL, 2, 0.5),
    ]
    for (scale, tall, wide) in expected {
      var factor = 77.0
      expectOK(unsafe muon_shape_scale_get_factor(scale, 100, 25, &factor))
      #expect(factor == tall)
      expectOK(unsafe muon_shape_scale_get_factor(scale, 25, 100, &factor))
      #expect(factor == wide)
      expectRefused(unsafe muon_shape_scale_get_factor(scale, 25, 0, &factor), MUON_ERR_SHAPE)
      #expect(lastError() == "cols: at least 1 is expected, not 0")
    }
  }

  @Test func customHasTheCoefficientsItIsGiven() {
    var count = 77
    expectRefused(
      unsafe muon_backend_get_coefficients(MUON_BACKEND_CUSTOM, 0, nil, 0, &count),
      MUON_ERR_INVALID_ARGUMENT)
    #expect(count == 77)
  }
}
