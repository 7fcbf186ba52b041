import CMuon
import Testing

/// muon_param with each field wrong, through every function that reads it.
struct HostileParameterTests {
  @Test func fields() async {
    await #expect(processExitsWith: .success) { HostileParameterTests.refuseFields() }
  }

  @Test func buffers() async {
    await #expect(processExitsWith: .success) { HostileParameterTests.refuseBuffers() }
  }

  @Test func views() async {
    await #expect(processExitsWith: .success) { HostileParameterTests.refuseViews() }
  }

  @Test func overlaps() async {
    await #expect(processExitsWith: .success) { HostileParameterTests.refuseOverlaps() }
  }

  @Test func routesReadThreeFieldsOnly() async {
    await #expect(processExitsWith: .success) {
      var param = unsafe muon_param()
      expectOK(unsafe muon_param_init(&param, MemoryLayout<muon_param>.size))
      let nowhere = unsafe UnsafeMutableRawPointer(bitPattern: 3)
      unsafe param.name = unsafe UnsafePointer(bitPattern: 5)
      unsafe param.shape = unsafe UnsafePointer(bitPattern: 7)
      unsafe (param.data, param.grad) = unsafe (nowhere, nowhere)
      unsafe param.state = unsafe UnsafePointer(bitPattern: 9)
      unsafe (param.data_count, param.state_count, param.ndim) = (.max, .max, 2)
      var route = muon_route()
      var count = 0
      expectOK(
        unsafe muon_config_route_params(
          HostileParameterTests.configuration, &param, 1, &route, 1, &count))
      #expect(
        route.optimizer == MUON_OPTIMIZER_KIND_MUON && route.reason == MUON_ROUTE_REASON_MATRIX)
      // Of a view only whether there is one.
      unsafe param.view = unsafe UnsafePointer(bitPattern: 8)
      expectOK(
        unsafe muon_config_route_params(
          HostileParameterTests.configuration, &param, 1, &route, 1, &count))
      #expect(route.reason == MUON_ROUTE_REASON_VIEW)
      unsafe (param.view, route.reason) = (nil, MUON_ROUTE_REASON_MATRIX)
      unsafe param.dtype = muon_dtype(77)
      expectRefused(
        unsafe muon_config_route_params(
          HostileParameterTests.configuration, &param, 1, &route, 1, &count),
        MUON_ERR_INVALID_ARGUMENT)
      unsafe param.struct_size -= 1
      expectRefused(
        unsafe muon_config_route_params(
          HostileParameterTests.configuration, &param, 1, &route, 1, &count),
        MUON_ERR_INVALID_ARGUMENT)
      #expect(route.reason == MUON_ROUTE_REASON_MATRIX, "the output was written")
    }
  }

  /// What a view says is read where it says that it is, as often as it says.
  private static func refuseViews() {
    func refuse(
      _ expected: muon_status = MUON_ERR_INVALID_ARGUMENT,
      sourceLocation: SourceLocation = #_sourceLocation, _ spoil: (inout muon_view) -> Void
    ) {
      let world = World()
      var view = unsafe muon_view()
      expectOK(unsafe muon_view_init(&view, MemoryLayout<muon_view>.size))
      unsafe spoil(&view)
      var param = unsafe parameter(world.memory, [2, 3])
      let optimizer = unsafe OpaquePointer(bitPattern: world.muon.bits)
      unsafe withUnsafePointer(to: view) { view in
        unsafe param.view = unsafe view
        expectRefused(
          unsafe muon_optimizer_add_param(optimizer, 0, &param, nil), expected,
          sourceLocation: sourceLocation)
      }
    }
    let extents = UnsafeMutablePointer<Int64>.allocate(capacity: 2)
    defer { unsafe extents.deallocate() }
    unsafe extents.update(from: [Int64.min, Int64.max], count: 2)
    unsafe refuse { unsafe $0.struct_size = 0 }
    unsafe refuse { unsafe $0.struct_size = 40 }
    for axes in ["", "o", "oiþ", "oii", String(repeating: "oi", count: 1000)] {
      unsafe axes.withCString { axes in unsafe refuse { unsafe $0.axes = unsafe axes } }
    }
    unsafe refuse { unsafe $0.ndim = -1 }
    unsafe refuse { unsafe $0.ndim = 9 }
    unsafe refuse { unsafe $0.ndim = 2 }
    unsafe refuse(MUON_ERR_SHAPE) { unsafe ($0.ndim, $0.shape) = (2, UnsafePointer(extents)) }
    unsafe refuse { unsafe $0.split_count = 1 }
    unsafe refuse { unsafe $0.split_count = .max }
    unsafe refuse { unsafe $0.split_count = 1 << 40 }
    unsafe refuse(MUON_ERR_SHAPE) {
      unsafe ($0.split_count, $0.split_sizes) = (2, UnsafePointer(extents))
    }
    for axis in [Int32.min, -1, 2, .max] {
      unsafe refuse {
        unsafe ($0.split_count, $0.split_sizes) = (1, UnsafePointer(extents))
        unsafe $0.split_axis = axis
      }
    }
  }

  private static let configuration =
    #"{"training": {"optimizer": "Muon", "learning_rate": 1}}"#

  /// Spoils a good parameter, and expects all functions that take it to refuse it.
  private static func refuse(
    _ expected: muon_status = MUON_ERR_INVALID_ARGUMENT, alsoByTheBuilder: Bool = true,
    sourceLocation: SourceLocation = #_sourceLocation, _ spoil: (inout muon_param, Memory) -> Void
  ) {
    let world = World()
    let good = unsafe parameter(world.memory, [2, 3])
    var bad = unsafe parameter(world.memory, [2, 3])
    unsafe spoil(&bad, world.memory)
    let both = unsafe UnsafePointer(world.memory.array([good, bad]))
    var index: Int64 = 0xA5
    expectRefused(
      unsafe muon_optimizer_add_param(world.muon.pointer, 0, both + 1, &index), expected,
      sourceLocation: sourceLocation)
    expectRefused(
      unsafe muon_optimizer_add_muon_group(world.muon.pointer, nil, both, 2, &index), expected,
      sourceLocation: sourceLocation)
    if alsoByTheBuilder {
      let built = unsafe world.memory.array([0xA5, 0xA5] as [UInt])
      var count = 0xA5
      let out = unsafe UnsafeMutableRawPointer(built).assumingMemoryBound(to: OpaquePointer?.self)
      expectRefused(
        unsafe muon_config_build_optimizers(configuration, both, 2, out, 2, &count), expected,
        sourceLocation: sourceLocation)
      let written = unsafe built[0] != 0xA5 || built[1] != 0xA5 || count != 0xA5
      #expect(!written, "outputs were written", sourceLocation: sourceLocation)
    }
    #expect(index == 0xA5, "the output was written", sourceLocation: sourceLocation)
    var (params, groups) = (0, 0)
    expectOK(unsafe muon_optimizer_get_param_count(world.muon.pointer, &params))
    expectOK(unsafe muon_optimizer_get_group_count(world.muon.pointer, &groups))
    #expect(params == 1 && groups == 1, "something was added", sourceLocation: sourceLocation)
    // Nothing of the good one was kept.
    expectOK(unsafe muon_optimizer_add_param(world.muon.pointer, 0, both, nil))
  }

  private static func refuseFields() {
    for size in [0, 1, 8, 1 << 32, .max, -1] {
      unsafe refuse { param, _ in unsafe param.struct_size = size }
    }
    unsafe refuse { param, memory in
      unsafe param.name = unsafe UnsafePointer(memory.text([0x77, 0xFF, 0xFE]))
    }
    for dtype in [0, 77, 0x8000_0000, UInt32.max] {
      unsafe refuse { param, _ in unsafe param.dtype = muon_dtype(dtype) }
    }
    unsafe refuse(MUON_ERR_UNSUPPORTED) { param, _ in unsafe param.dtype = MUON_DTYPE_F64 }
    // The builder leaves them out.
    for dtype in [MUON_DTYPE_NOT_FLOAT, MUON_DTYPE_I16] {
      unsafe refuse(MUON_ERR_DTYPE, alsoByTheBuilder: false) { param, _ in
        unsafe param.dtype = dtype
      }
    }
    refuseStorage()
    for ndim: Int32 in [-1, 9, .min, .max] {
      unsafe refuse { param, _ in unsafe param.ndim = ndim }
    }
    for shape: [Int64] in [[6], [2, 3, 1]] {
      // Muon takes matrices; the builder sends it to AdamW.
      unsafe refuse(MUON_ERR_SHAPE, alsoByTheBuilder: false) { param, memory in
        unsafe param.ndim = Int32(shape.count)
        unsafe param.shape = unsafe UnsafePointer(memory.array(shape))
      }
    }
    unsafe refuse { param, _ in unsafe param.shape = nil }
    unsafe refuse { param, memory in
      unsafe param.shape = unsafe UnsafePointer(
        bitPattern: UInt(bitPattern: memory.array([2, 3] as [Int64])) + 1)
    }
    let extents: [[Int64]] = [
      [-2, -3], [2, -3], [-1, 0], [.min, 3], [.max, 3], [.max, .max], [1 << 32, 1 << 32], [1, 7],
      [0, 3], [1 << 62, 2], [1 << 31, 1 << 31],
    ]
    for shape in extents {
      unsafe refuse(MUON_ERR_SHAPE) { param, memory in
        unsafe param.shape = unsafe UnsafePointer(memory.array(shape))
      }
    }
  }

  private static func refuseStorage() {
    for dtype in [77, 0x8000_0000, UInt32.max] {
      unsafe refuse { param, _ in unsafe param.grad_dtype = muon_dtype(dtype) }
      unsafe refuse { param, _ in unsafe param.state_dtype = muon_dtype(dtype) }
      unsafe refuse { param, _ in unsafe param.master = muon_master(dtype) }
    }
    unsafe refuse(MUON_ERR_UNSUPPORTED) { param, _ in unsafe param.grad_dtype = MUON_DTYPE_F64 }
    for dtype in [MUON_DTYPE_F16, MUON_DTYPE_F64] {
      unsafe refuse(MUON_ERR_UNSUPPORTED) { param, _ in unsafe param.state_dtype = dtype }
    }
    for dtype in [MUON_DTYPE_NOT_FLOAT, MUON_DTYPE_I16] {
      unsafe refuse(MUON_ERR_DTYPE) { param, _ in unsafe param.grad_dtype = dtype }
      unsafe refuse(MUON_ERR_DTYPE) { param, _ in unsafe param.state_dtype = dtype }
    }
    for dtype in [MUON_DTYPE_F32, MUON_DTYPE_F16] {
      unsafe refuse(MUON_ERR_DTYPE) { param, _ in
        unsafe (param.dtype, param.master) = (dtype, MUON_MASTER_REMAINDER)
      }
    }
    for dtype in [MUON_DTYPE_BF16, MUON_DTYPE_F16] {
      unsafe refuse { param, _ in
        unsafe (param.dtype, param.data) = (dtype, param.data + 1)
      }
      unsafe refuse { param, _ in
        unsafe (param.grad_dtype, param.grad) = (dtype, param.grad + 1)
      }
      // The last of its elements is that of another one.
      unsafe refuse { param, _ in
        unsafe (param.dtype, param.grad) = (dtype, param.data + 10)
      }
    }
    // A buffer of the state is as its type is.
    for (name, distance) in [("master", 2), ("remainder", 1), ("momentum", 1)] {
      unsafe refuse { param, memory in
        unsafe param.dtype = MUON_DTYPE_BF16
        unsafe param.state_dtype = MUON_DTYPE_BF16
        unsafe param.master = name == "remainder" ? MUON_MASTER_REMAINDER : MUON_MASTER_F32
        let state = unsafe muon_state_buffer(
          name: memory.text(name.utf8), data: memory.bytes(32) + distance, count: 6)
        unsafe param.state = unsafe UnsafePointer(memory.array([state]))
        unsafe param.state_count = 1
      }
    }
  }

  private static func refuseBuffers() {
    unsafe refuse { param, _ in unsafe param.data = nil }
    unsafe refuse { param, _ in unsafe param.data = unsafe param.data + 1 }
    unsafe refuse { param, _ in unsafe param.grad = nil }
    unsafe refuse { param, _ in unsafe param.grad = unsafe param.grad + 2 }
    refuseState()
    for count in [0, 5, 7, 1 << 32, 1 << 61, .max, -1, .min] {
      unsafe refuse(MUON_ERR_SHAPE) { param, _ in unsafe param.data_count = count }
      unsafe refuse(MUON_ERR_SHAPE) { param, _ in unsafe param.grad_count = count }
    }
  }

  private static func refuseState() {
    /// A list of one buffer, `momentum` of six elements, that `spoil` has spoilt.
    func refuseOne(
      _ expected: muon_status = MUON_ERR_INVALID_ARGUMENT,
      _ spoil: (inout muon_state_buffer, Memory) -> Void
    ) {
      unsafe refuse(expected) { param, memory in
        var state = unsafe muon_state_buffer(
          name: memory.text("momentum".utf8), data: memory.bytes(32), count: 6)
        unsafe spoil(&state, memory)
        unsafe param.state = unsafe UnsafePointer(memory.array([state]))
        unsafe param.state_count = 1
      }
    }
    unsafe refuseOne { state, _ in unsafe state.name = nil }
    for name in ["", "exp_avg", "data", "grad", "momentum2", String(repeating: "m", count: 9999)] {
      unsafe refuseOne { state, memory in
        unsafe state.name = unsafe UnsafePointer(memory.text(name.utf8))
      }
    }
    unsafe refuseOne { state, memory in
      unsafe state.name = unsafe UnsafePointer(memory.text([0x77, 0xFF, 0xFE]))
    }
    unsafe refuseOne { state, _ in unsafe state.data = nil }
    unsafe refuseOne { state, _ in unsafe state.data = unsafe state.data + 3 }
    unsafe refuseOne { state, _ in
      unsafe state.data = unsafe UnsafeMutableRawPointer(bitPattern: UInt.max - 15)
    }
    for count in [0, 5, 7, 1 << 32, 1 << 61, .max, -1, .min] {
      unsafe refuseOne(MUON_ERR_SHAPE) { state, _ in unsafe state.count = count }
    }
    // The list itself.
    unsafe refuse { param, _ in unsafe param.state_count = 1 }
    for count in [65, 1 << 32, 1 << 61, .max, -1, .min] {
      unsafe refuse { param, memory in
        unsafe giveState(&param, memory, [("momentum", nil)])
        unsafe param.state_count = count
      }
    }
    unsafe refuse { param, memory in
      unsafe giveState(&param, memory, [("momentum", memory.array([0, 0, 0, 0, 0, 0] as [Float]))])
      unsafe param.state = unsafe UnsafePointer(bitPattern: UInt(bitPattern: param.state) + 1)
    }
    unsafe refuse { param, memory in
      let zeros = [Float](repeating: 0, count: 6)
      unsafe giveState(
        &param, memory, [("momentum", memory.array(zeros)), ("momentum", memory.array(zeros))])
    }
  }

  private static func refuseOverlaps() {
    // Within one parameter.
    unsafe refuse { param, _ in unsafe param.grad = unsafe param.data }
    unsafe refuse { param, _ in unsafe param.grad = unsafe param.data + 20 }
    unsafe refuse { param, memory in
      let grad = unsafe param.grad.assumingMemoryBound(to: Float.self)
      unsafe giveState(&param, memory, [("momentum", grad)])
    }
    // Past the end of memory.
    unsafe refuse { param, _ in
      unsafe param.data = unsafe UnsafeMutableRawPointer(bitPattern: UInt.max - 15)
    }
    unsafe refuse { param, _ in
      unsafe param.grad = unsafe UnsafeMutableRawPointer(bitPattern: UInt.max - 15)
    }
    // With another parameter.
    let world = World()
    var first = unsafe parameter(world.memory, [2, 3])
    expectOK(unsafe muon_optimizer_add_param(world.muon.pointer, 0, &first, nil))
    var second = unsafe parameter(world.memory, [2, 3])
    for distance in [0, 20, -20] {
      let memory = unsafe first.data + distance
      unsafe second.data = unsafe memory
      expectRefused(
        unsafe muon_optimizer_add_param(world.muon.pointer, 0, &second, nil),
        MUON_ERR_INVALID_ARGUMENT)
      expectRefused(
        unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "data", memory, 6),
        MUON_ERR_INVALID_ARGUMENT)
      expectRefused(
        unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "grad", memory, 6),
        MUON_ERR_INVALID_ARGUMENT)
      expectRefused(
        unsafe muon_optimizer_bind_buffer(world.muon.pointer, 0, "momentum", memory, 6),
        MUON_ERR_INVALID_ARGUMENT)
    }
    unsafe second.data = unsafe first.grad
    expectRefused(
      unsafe muon_optimizer_add_param(world.muon.pointer, 0, &second, nil),
      MUON_ERR_INVALID_ARGUMENT)
  }
}
