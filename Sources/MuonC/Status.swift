// The names are those of muon.h.
// swift-format-ignore-file: AlwaysUseLowerCamelCase

internal import CLibstdcxx
internal import CMuon
internal import CMuonShims
internal import MuonOptimizers

/// An error that only the C interface can make.
struct CallError: Error {
  let status: muon_status
  let message: String

  init(_ status: muon_status, _ message: String) {
    self.status = status
    self.message = message
  }
}

/// Wraps every entry point that takes a lock or reads a file, also in passing, when something is done for the
/// first time. Its thread is not cancelled inside it, and traps none of its floating-point exceptions,
/// nor do callbacks that are called inside.
func hosted<Result>(_ body: () -> Result) -> Result {
  var call = muon_shim_call()
  unsafe muon_shim_begin_call(&call)
  defer { unsafe muon_shim_end_call(&call) }
  muon_shim_prepare {
    FirstUse.prepare()
    HandleTable.shared.prepare()
    buildInfo.withLock { _ in }
    unsafe prepareOptions(muon_orthogonalize_options.self)
    unsafe prepareOptions(muon_muon_options.self)
    prepareOptions(muon_adamw_options.self)
    FirstUse.note(reasonTexts.count)
  }
  return body()
}

/// Wraps every entry point that can fail: an error becomes a status and this thread's text. What the library
/// says meanwhile reaches the log's callback when nothing is held any more, and before the text is set, so
/// that the callback's own calls do not replace it.
func guarded(_ body: () throws -> Void) -> muon_status {
  hosted { guardedWithMemory(body) }
}

/// The same for calls that give memory back, which come to their end with the reserve.
func guardedWithoutMemory(_ body: () throws -> Void) -> muon_status {
  hosted { status(of: body) }
}

private func guardedWithMemory(_ body: () throws -> Void) -> muon_status {
  // Swift's runtime ends the process where it gets no memory: see reserve.c.
  guard muon_shim_reserve_is_ready() != 0 else {
    let text: StaticString = "out of memory, also for the library's own small needs"
    unsafe muon_shim_set_last_error(constant(text), text.utf8CodeUnitCount)
    return MUON_ERR_OUT_OF_MEMORY
  }
  return status(of: body)
}

private func status(of body: () throws -> Void) -> muon_status {
  let status: muon_status
  var message: String
  do {
    try Log.holding(body)
    return MUON_OK
  } catch let error as CallError {
    (status, message) = (error.status, error.message)
  } catch let error as MuonError {
    (status, message) = (error.code.status, error.message)
  } catch {
    (status, message) = (MUON_ERR_INTERNAL, "internal error: \(error)")
  }
  message.withUTF8 { utf8 in
    unsafe utf8.withMemoryRebound(to: CChar.self) {
      unsafe muon_shim_set_last_error($0.baseAddress, $0.count)
    }
  }
  return status
}

/// The same with one result, which is written on success only.
func guarded<Result>(
  _ out: UnsafeMutablePointer<Result>?, _ name: String, _ body: () throws -> Result
) -> muon_status {
  guarded {
    let out = try unsafe required(out, name)
    unsafe out.pointee = try body()
  }
}

extension MuonError.Code {
  var status: muon_status {
    switch self {
    case .invalidArgument: MUON_ERR_INVALID_ARGUMENT
    case .shape: MUON_ERR_SHAPE
    case .elementType: MUON_ERR_DTYPE
    case .configuration: MUON_ERR_CONFIG
    case .outOfMemory: MUON_ERR_OUT_OF_MEMORY
    case .nonFiniteGradient: MUON_ERR_NONFINITE_GRADIENT
    case .unsupported: MUON_ERR_UNSUPPORTED
    case .notConverged: MUON_ERR_NOT_CONVERGED
    case .io: MUON_ERR_IO
    case .corrupt: MUON_ERR_CORRUPT
    case .mismatch: MUON_ERR_MISMATCH
    case .cancelled: MUON_ERR_CANCELLED
    case .exchange: MUON_ERR_EXCHANGE
    }
  }
}

@c @implementation
public func muon_last_error() -> UnsafePointer<CChar>? {
  unsafe muon_shim_last_error()
}
