import CMuon
import Testing

/// Option structs with each field wrong, through every function that reads them.
struct HostileOptionTests {
  @Test func muon() async {
    await #expect(processExitsWith: .success) { HostileOptionTests.muonFields() }
  }

  @Test func adamW() async {
    await #expect(processExitsWith: .success) { HostileOptionTests.adamWFields() }
  }

  @Test func orthogonalize() async {
    await #expect(processExitsWith: .success) { HostileOptionTests.orthogonalizeFields() }
  }

  private static let notNumbers = [
    Double.nan, .signalingNaN, .infinity, -.infinity, -1, -1e-300, 1e39,
  ]
  private static let notEnums: [UInt32] = [77, 0x7FFF_FFFF, 0x8000_0000, .max]
  private static let notSteps: [Int32] = [-1, 100, .min, .max]
  private static let notSizes = [0, 1, 8, 1 << 32, .max, -1, .min]

  private static func muonFields() {
    let world = World()
    func refuse(
      _ expected: muon_status = MUON_ERR_INVALID_ARGUMENT,
      sourceLocation: SourceLocation = #_sourceLocation,
      _ spoil: (inout muon_muon_options) -> Void
    ) {
      var options = unsafe muon_muon_options()
      expectOK(unsafe muon_muon_options_init(&options, MemoryLayout<muon_muon_options>.size))
      unsafe spoil(&options)
      var created = unsafe OpaquePointer(bitPattern: 0xA5)
      var group: Int64 = 0xA5
      expectRefused(
        unsafe muon_optimizer_create_muon(&options, &created), expected,
        sourceLocation: sourceLocation)
      expectRefused(
        unsafe muon_optimizer_add_muon_group(world.muon.pointer, &options, nil, 0, &group),
        expected,
        sourceLocation: sourceLocation)
      expectRefused(
        unsafe muon_optimizer_set_muon_options(world.muon.pointer, 0, &options), expected,
        sourceLocation: sourceLocation)
      #expect(UInt(bitPattern: created) == 0xA5 && group == 0xA5, "outputs were written")
      var groups = 0
      expectOK(unsafe muon_optimizer_get_group_count(world.muon.pointer, &groups))
      #expect(groups == 1, "a group was added")
    }
    for size in notSizes { unsafe refuse { unsafe $0.struct_size = size } }
    for number in notNumbers {
      unsafe refuse { unsafe $0.lr = number }
      unsafe refuse { unsafe $0.momentum = number }
      unsafe refuse { unsafe $0.weight_decay = number }
      unsafe refuse { unsafe $0.eps = number }
      unsafe refuse { unsafe $0.update_scale = number }
      unsafe refuse { unsafe $0.beta2 = number }
    }
    unsafe refuse { unsafe $0.update_scale = 0 }
    unsafe refuse { unsafe $0.momentum = 1 }
    unsafe refuse { unsafe $0.beta2 = 1 }
    unsafe refuse {
      unsafe $0.hyperball = 1
      unsafe $0.weight_decay = 0.5
    }
    for number: Int32 in [-1, 2, .min, .max] {
      unsafe refuse { unsafe $0.nesterov = number }
      unsafe refuse { unsafe $0.cautious_weight_decay = number }
      unsafe refuse { unsafe $0.hyperball = number }
    }
    for number in notEnums {
      unsafe refuse { unsafe $0.momentum_style = muon_momentum_style(number) }
      unsafe refuse { unsafe $0.shape_scale = muon_shape_scale(number) }
      unsafe refuse { unsafe $0.second_moment = muon_second_moment(number) }
      unsafe refuse { unsafe $0.backend = muon_backend(number) }
      unsafe refuse { unsafe $0.precision = muon_precision(number) }
      unsafe refuse { unsafe $0.method = muon_newton_schulz_method(number) }
    }
    unsafe refuse { unsafe $0.momentum_style = muon_momentum_style(0) }
    unsafe refuse { unsafe $0.backend = muon_backend(0) }
    unsafe refuse(MUON_ERR_UNSUPPORTED) {
      unsafe $0.backend = MUON_BACKEND_POLAR_EXPRESS
      unsafe $0.precision = MUON_PRECISION_BF16
    }
    for backend in [MUON_BACKEND_SVD, MUON_BACKEND_TURBO, MUON_BACKEND_DEEPSEEKV4] {
      unsafe refuse(MUON_ERR_UNSUPPORTED) {
        unsafe $0.backend = backend
        unsafe $0.method = MUON_NEWTON_SCHULZ_METHOD_GRAM
      }
    }
    unsafe refuse(MUON_ERR_UNSUPPORTED) {
      unsafe $0.backend = MUON_BACKEND_YOU
      unsafe $0.backend_steps = 6
      unsafe $0.method = MUON_NEWTON_SCHULZ_METHOD_GRAM
    }
    for steps in notSteps { unsafe refuse { unsafe $0.backend_steps = steps } }
    unsafe refuse {
      unsafe $0.backend = MUON_BACKEND_TURBO
      unsafe $0.backend_steps = 5
    }
    refuseCoefficients(world.memory) { backend, rows, count in
      unsafe refuse {
        unsafe $0.backend = backend
        unsafe $0.coefficients = unsafe UnsafePointer(bitPattern: rows)
        unsafe $0.coefficients_count = count
      }
    }
  }

  /// What the coefficients of either struct must not be.
  private static func refuseCoefficients(
    _ memory: Memory,
    _ refuse: (muon_backend, _ rows: UInt, _ count: Int) -> Void
  ) {
    let row = muon_coefficients(a: 3, b: -3.2, c: 1.2)
    func address(_ rows: [muon_coefficients]) -> UInt {
      unsafe UInt(bitPattern: memory.array(rows))
    }
    let rows = address([muon_coefficients](repeating: row, count: 100))
    refuse(MUON_BACKEND_YOU, rows, 1)
    refuse(MUON_BACKEND_CUSTOM, 0, 0)
    refuse(MUON_BACKEND_CUSTOM, 0, 1)
    refuse(MUON_BACKEND_CUSTOM, rows + 1, 1)
    for count in [0, 100, -1, .max, .min, 1 << 32, 1 << 60] {
      refuse(MUON_BACKEND_CUSTOM, rows, count)
    }
    for number in [Double.nan, .infinity, -.infinity, 1e39] {
      for field in [\muon_coefficients.a, \.b, \.c] {
        var wrong = row
        wrong[keyPath: field] = number
        refuse(MUON_BACKEND_CUSTOM, address([row, wrong]), 2)
      }
    }
  }

  private static func adamWFields() {
    let world = World()
    func refuse(
      sourceLocation: SourceLocation = #_sourceLocation, _ spoil: (inout muon_adamw_options) -> Void
    ) {
      var options = muon_adamw_options()
      expectOK(unsafe muon_adamw_options_init(&options, MemoryLayout<muon_adamw_options>.size))
      spoil(&options)
      var created = unsafe OpaquePointer(bitPattern: 0xA5)
      var group: Int64 = 0xA5
      expectRefused(
        unsafe muon_optimizer_create_adamw(&options, &created), MUON_ERR_INVALID_ARGUMENT,
        sourceLocation: sourceLocation)
      expectRefused(
        unsafe muon_optimizer_add_adamw_group(world.adamW.pointer, &options, nil, 0, &group),
        MUON_ERR_INVALID_ARGUMENT, sourceLocation: sourceLocation)
      expectRefused(
        unsafe muon_optimizer_set_adamw_options(world.adamW.pointer, 0, &options),
        MUON_ERR_INVALID_ARGUMENT, sourceLocation: sourceLocation)
      #expect(UInt(bitPattern: created) == 0xA5 && group == 0xA5, "outputs were written")
    }
    for size in notSizes { refuse { $0.struct_size = size } }
    for number in notNumbers {
      for field in [
        \muon_adamw_options.lr, \.beta1, \.beta2, \.eps, \.weight_decay,
      ] {
        refuse { $0[keyPath: field] = number }
      }
    }
    refuse { $0.beta1 = 1 }
    refuse { $0.beta2 = 1 }
  }

  private static func orthogonalizeFields() {
    let world = World()
    let g: [Float] = [1, 2, 3, 4, 5, 6]
    func refuse(
      _ expected: muon_status = MUON_ERR_INVALID_ARGUMENT,
      sourceLocation: SourceLocation = #_sourceLocation,
      _ spoil: (inout muon_orthogonalize_options) -> Void
    ) {
      var options = unsafe muon_orthogonalize_options()
      expectOK(
        unsafe muon_orthogonalize_options_init(
          &options, MemoryLayout<muon_orthogonalize_options>.size))
      unsafe spoil(&options)
      var out = [Float](repeating: 7, count: 6)
      expectRefused(
        unsafe muon_orthogonalize(g, 6, 2, 3, &options, &out, 6), expected,
        sourceLocation: sourceLocation)
      #expect(out == [Float](repeating: 7, count: 6), "the output was written")
    }
    for size in notSizes { unsafe refuse { unsafe $0.struct_size = size } }
    for number in notNumbers { unsafe refuse { unsafe $0.eps = number } }
    for number in notEnums {
      unsafe refuse { unsafe $0.backend = muon_backend(number) }
      unsafe refuse { unsafe $0.precision = muon_precision(number) }
      unsafe refuse { unsafe $0.method = muon_newton_schulz_method(number) }
    }
    unsafe refuse(MUON_ERR_UNSUPPORTED) {
      unsafe $0.backend = MUON_BACKEND_POLAR_EXPRESS
      unsafe $0.precision = MUON_PRECISION_BF16
    }
    for backend in [MUON_BACKEND_SVD, MUON_BACKEND_TURBO, MUON_BACKEND_DEEPSEEKV4] {
      unsafe refuse(MUON_ERR_UNSUPPORTED) {
        unsafe $0.backend = backend
        unsafe $0.method = MUON_NEWTON_SCHULZ_METHOD_GRAM
      }
    }
    unsafe refuse(MUON_ERR_UNSUPPORTED) {
      unsafe $0.backend = MUON_BACKEND_YOU
      unsafe $0.backend_steps = 6
      unsafe $0.method = MUON_NEWTON_SCHULZ_METHOD_GRAM
    }
    for steps in notSteps { unsafe refuse { unsafe $0.backend_steps = steps } }
    refuseCoefficients(world.memory) { backend, rows, count in
      unsafe refuse {
        unsafe $0.backend = backend
        unsafe $0.coefficients = unsafe UnsafePointer(bitPattern: rows)
        unsafe $0.coefficients_count = count
      }
    }
  }
}
