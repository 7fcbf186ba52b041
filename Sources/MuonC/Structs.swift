internal import CMuon
internal import MuonOptimizers

// Structs of muon.h that begin with struct_size, from callers whose header may be an older or a newer
// one. A newer version adds fields at the end: options that the caller's struct does not have stay as they are,
// other fields are 0 then, and those this library does not have must be 0.

/// A struct that begins with struct_size.
protocol SizedStruct {
  static var typeName: String { get }
  /// The bytes it has in version 0.2.0; none was ever smaller. On 64-bit machines, which pointers and
  /// sizes of 8 bytes make it.
  static var firstSize: Int { get }
  /// Zeros.
  init()
}

extension muon_orthogonalize_options: @unsafe SizedStruct {
  static var typeName: String { "muon_orthogonalize_options" }
  static var firstSize: Int { 48 }
}

extension muon_param: @unsafe SizedStruct {
  static var typeName: String { "muon_param" }
  static var firstSize: Int { 88 }
}

extension muon_view: @unsafe SizedStruct {
  static var typeName: String { "muon_view" }
  static var firstSize: Int { 48 }
}

extension muon_muon_options: @unsafe SizedStruct {
  static var typeName: String { "muon_muon_options" }
  static var firstSize: Int { 80 }
}

extension muon_adamw_options: SizedStruct {
  static var typeName: String { "muon_adamw_options" }
  static var firstSize: Int { 48 }
}

extension muon_checkpoint_options: @unsafe SizedStruct {
  static var typeName: String { "muon_checkpoint_options" }
  static var firstSize: Int { 40 }
}

extension muon_exchange: @unsafe SizedStruct {
  static var typeName: String { "muon_exchange" }
  static var firstSize: Int { 56 }
}

extension muon_param_statistics: SizedStruct {
  static var typeName: String { "muon_param_statistics" }
  static var firstSize: Int { 48 }
}

/// No struct will ever be larger, so that a wrong struct_size is noticed.
private let mostBytes = 1024

/// Requires a struct_size that this struct had, has, or may have one day.
func requireSize<T: SizedStruct>(_ size: Int, of type: T.Type) throws {
  guard size >= T.firstSize, size <= mostBytes, size % MemoryLayout<T>.alignment == 0 else {
    throw CallError(
      MUON_ERR_INVALID_ARGUMENT,
      "\(T.typeName): struct_size is \(UInt(bitPattern: size)), this library expects "
        + "\(MemoryLayout<T>.size); fill the struct with \(T.typeName)_init")
  }
}

/// The struct_size of a struct that `..._init` has filled. Nothing behind it is read before it is known
/// to be right.
@unsafe
func structSize<T: SizedStruct>(_ pointer: UnsafePointer<T>?, _ argument: String) throws -> Int {
  let size = unsafe UnsafeRawPointer(try required(pointer, argument)).load(as: Int.self)
  try requireSize(size, of: T.self)
  return size
}

/// Reads a struct of the caller's, whose size may be another one than this library's. What it does not have
/// comes from `missing`.
@unsafe
func readStruct<T: SizedStruct>(
  _ pointer: UnsafePointer<T>?, _ argument: String, over missing: T = T()
) throws -> T {
  let size = try unsafe structSize(pointer, argument)
  return try unsafe readStruct(
    UnsafeRawBufferPointer(start: try required(pointer, argument), count: size), argument,
    over: missing)
}

@unsafe
private func readStruct<T: SizedStruct>(
  _ bytes: UnsafeRawBufferPointer, _ argument: String, over missing: T = T()
) throws -> T {
  let known = MemoryLayout<T>.size
  guard unsafe bytes.dropFirst(known).allSatisfy({ $0 == 0 }) else {
    throw CallError(
      MUON_ERR_UNSUPPORTED,
      "\(argument): the \(T.typeName) of \(bytes.count) bytes uses fields that this library, which has "
        + "\(known), does not know")
  }
  var value = missing
  unsafe withUnsafeMutableBytes(of: &value) {
    unsafe $0.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes.prefix(known)))
  }
  return value
}

/// Writes a struct of the caller's, which has `size` bytes.
@unsafe
func writeStruct<T: SizedStruct>(
  _ value: T, to out: UnsafeMutablePointer<T>, size: Int
) {
  let target = unsafe UnsafeMutableRawBufferPointer(start: out, count: size)
  let known = min(size, MemoryLayout<T>.size)
  unsafe withUnsafeBytes(of: value) {
    unsafe target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.prefix(known)))
  }
  unsafe UnsafeMutableRawBufferPointer(rebasing: target.dropFirst(known)).initializeMemory(
    as: UInt8.self, repeating: 0)
  unsafe target.storeBytes(of: size, as: Int.self)
}

/// The body of every `..._init`.
func initialize<T: SizedStruct>(
  _ out: UnsafeMutablePointer<T>?, _ name: String, _ size: Int, _ make: () throws -> T
) -> muon_status {
  guarded {
    let out = try unsafe required(out, name)
    try requireSize(size, of: T.self)
    unsafe writeStruct(try make(), to: out, size: size)
  }
}

/// Reads a list of parameters, each of which `muon_param_init` has filled. They lie as far apart as
/// the first says that they are large.
func parameterList(_ pointer: UnsafePointer<muon_param>?, count: Int) throws -> [muon_param] {
  let first = unsafe try list(pointer, count: count, "parameters").baseAddress
  guard let first = unsafe first else { return unsafe [] }
  let size = try unsafe structSize(first, "params")
  return unsafe try (0..<count).map { index in
    let param = unsafe UnsafeRawPointer(first) + index * size
    guard unsafe param.load(as: Int.self) == size else {
      throw CallError(
        MUON_ERR_INVALID_ARGUMENT,
        "params[\(index)] has another struct_size than params[0]; fill it with muon_param_init")
    }
    return try unsafe readStruct(
      UnsafeRawBufferPointer(start: param, count: size), "params[\(index)]")
  }
}
