import CMuon
import Testing

/// What can be asked of the library as a whole.
struct VersionTests {
  @Test func isTheHeaders() {
    let number = MUON_VERSION_MAJOR * 10000 + MUON_VERSION_MINOR * 100 + MUON_VERSION_PATCH
    #expect(muon_version_number() == UInt32(number))
    let info = unsafe String(cString: muon_build_info())
    #expect(info.contains("\(MUON_VERSION_MAJOR).\(MUON_VERSION_MINOR).\(MUON_VERSION_PATCH)"))
    #expect(info.contains("OpenBLAS"))
    #expect(!info.contains("\n"))
  }

  @Test func namesStatuses() {
    #expect(name(of: MUON_OK) == "MUON_OK")
    #expect(name(of: MUON_ERR_EXCHANGE) == "MUON_ERR_EXCHANGE")
    #expect(name(of: muon_status(MUON_ERR_EXCHANGE.rawValue + 1)) == "MUON_ERR_UNKNOWN")
    #expect(name(of: muon_status(.max)) == "MUON_ERR_UNKNOWN")
  }

  @Test func explainsEveryRoute() {
    func text(_ number: UInt32) -> String {
      unsafe String(cString: muon_route_reason_text(muon_route_reason(number)))
    }
    let last = MUON_ROUTE_REASON_RULE.rawValue
    let texts = (1...last).map(text)
    #expect(Set(texts).count == texts.count && !texts.contains("") && !texts.contains("unknown"))
    #expect([0, last + 1, .max].map(text) == ["unknown", "unknown", "unknown"])
  }

  /// The number belongs to the whole process.
  @Test func threadsCanBeSet() async {
    await #expect(processExitsWith: .success) {
      let own = muon_get_num_threads()
      #expect(own >= 1, "\(own)")
      for count: Int32 in [1, 3, 1024] {
        expectOK(muon_set_num_threads(count))
        #expect(muon_get_num_threads() == count, "\(count)")
      }
      expectRefused(muon_set_num_threads(1025), MUON_ERR_INVALID_ARGUMENT)
      #expect(muon_get_num_threads() == 1024, "it was changed")
      expectOK(muon_set_num_threads(0))
      #expect(muon_get_num_threads() == own, "it is not the default")
    }
  }
}
