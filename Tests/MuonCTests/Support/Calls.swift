import CMuon
import Testing

/// Records a failure unless a call succeeded.
func expectOK(
  _ status: muon_status, sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    status == MUON_OK, "\(name(of: status)): \(lastError())", sourceLocation: sourceLocation)
}

/// Records a failure unless a call was refused with this status, and said why.
func expectRefused(
  _ status: muon_status, _ expected: muon_status,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(
    status == expected, "\(name(of: status)): \(lastError())", sourceLocation: sourceLocation)
  #expect(!lastError().isEmpty, sourceLocation: sourceLocation)
}

func name(of status: muon_status) -> String {
  unsafe String(cString: muon_status_name(status))
}

func lastError() -> String { unsafe String(cString: muon_last_error()) }
