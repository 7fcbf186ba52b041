import CMuon
import Testing

/// What can be asked of the library as a whole.
struct VersionTests {
  @Test func isTheHeaders() throws {
    let parts = try Header.text().matches(of: /#define MUON_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)/)
      .compactMap { UInt32($0.1) }
    try #require(parts.count == 3)
    let number = parts[0] * 10000 + parts[1] * 100 + parts[2]
    #expect(muon_version_number() == number)
    #expect(UInt32(MUON_VERSION_MAJOR) == parts[0])
    let info = unsafe String(cString: muon_build_info())
    #expect(info.contains("\(parts[0]).\(parts[1]).\(parts[2])"))
    #expect(info.contains("OpenBLAS"))
    #expect(!info.contains("\n"))
  }

  @Test func namesEveryStatus() throws {
    // MUON_OK and every MUON_ERR_... with its number, as the header has them.
    let statuses = try Header.text().matches(of: /(?m)^  (MUON_(?:OK|ERR_\w+)) = (\d+)/)
    #expect(statuses.count == 15)
    for status in statuses {
      let number = try #require(UInt32(status.2))
      #expect(name(of: muon_status(number)) == status.1)
    }
    #expect(name(of: muon_status(15)) == "MUON_ERR_UNKNOWN")
    #expect(name(of: muon_status(.max)) == "MUON_ERR_UNKNOWN")
  }

  @Test func explainsEveryRoute() {
    func text(_ number: UInt32) -> String {
      unsafe String(cString: muon_route_reason_text(muon_route_reason(number)))
    }
    let texts = (1...5).map(text)
    #expect(Set(texts).count == 5 && !texts.contains("") && !texts.contains("unknown"))
    #expect([0, 6, .max].map(text) == ["unknown", "unknown", "unknown"])
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
