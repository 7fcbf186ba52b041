// swift-tools-version: 6.2
// A package of its own that uses only what MuonOptimizers makes public, in Swift 6's language mode.
// The tests copy it two folders below the root, and put the Swift code of each document into a target
// of its own; they also build it against a version tag of the repository.
import PackageDescription

let muon = Target.Dependency.product(name: "MuonOptimizers", package: "libmuon")

/// Nothing that is safe may need the word `unsafe` here.
let strict: [SwiftSetting] = [.strictMemorySafety(), .treatAllWarnings(as: .error)]

let package = Package(
  name: "consumer",
  dependencies: [.package(name: "libmuon", path: "../..")],
  targets: [
    .executableTarget(name: "Replay", dependencies: [muon]),
    .executableTarget(name: "Exchange", dependencies: [muon], swiftSettings: strict),
    .executableTarget(name: "Usage", dependencies: [muon], swiftSettings: strict),
    .executableTarget(name: "ReadmeExample", dependencies: [muon], swiftSettings: strict),
    .executableTarget(name: "Tour", dependencies: [muon], swiftSettings: strict),
    .executableTarget(name: "GettingStarted", dependencies: [muon], swiftSettings: strict),
    .executableTarget(name: "HowMuonWorks", dependencies: [muon], swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
