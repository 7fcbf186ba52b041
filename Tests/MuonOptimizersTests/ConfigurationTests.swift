import Foundation
import MuonOptimizers
import Testing

/// Reading a training configuration: what is taken, and what every error says.
struct ConfigurationTests {
  @Test func readsEverything() throws {
    let configuration = try TrainingConfiguration(
      json: """
        {
          "training": {
            "optimizer": "AdamW", "learning_rate": 0.5, "weight_decay": 0.25, "n_epochs": 3,
            "warmup_steps": 7, "lr_schedule": "cosine"
          },
          "muon": {
            "lr": 0.125, "momentum": 0.75, "nesterov": false, "momentum_style": "ema",
            "weight_decay": 0.0625, "eps": 1e-3, "backend": "custom", "backend_steps": 4,
            "coefficients": [[3, -3.2, 1.2]], "shape_scale": "match_rms_adamw",
            "precision": "f32", "method": "standard"
          },
          "adamw": {"lr": 1, "betas": [0.5, 0.25], "eps": 1e-2, "weight_decay": 2}
        }
        """)
    var muon = TrainingConfiguration.MuonSection()
    muon.learningRate = 0.125
    muon.momentum = 0.75
    muon.nesterov = false
    muon.momentumStyle = .ema
    muon.weightDecay = 0.0625
    muon.epsilon = 1e-3
    muon.backend = .custom([Coefficients(3, -3.2, 1.2)])
    muon.backendSteps = 4
    muon.shapeScale = .matchRMSAdamW
    muon.precision = .f32
    muon.method = .standard
    var adamw = TrainingConfiguration.AdamWSection()
    adamw.learningRate = 1
    (adamw.beta1, adamw.beta2) = (0.5, 0.25)
    adamw.epsilon = 1e-2
    adamw.weightDecay = 2
    let expected = TrainingConfiguration(
      training: .init(
        optimizer: .adamW, learningRate: 0.5, weightDecay: 0.25, epochs: 3, warmupSteps: 7,
        schedule: "cosine"), muon: muon, adamw: adamw)
    #expect(configuration == expected)

    let encoded = String(decoding: try JSONEncoder().encode(expected), as: UTF8.self)
    #expect(try TrainingConfiguration(json: encoded) == expected)
  }

  @Test func roundTripsWithoutSections() throws {
    let plain = TrainingConfiguration(training: .init(optimizer: .muon, learningRate: 0.5))
    let encoded = String(decoding: try JSONEncoder().encode(plain), as: UTF8.self)
    #expect(try TrainingConfiguration(json: encoded) == plain)
  }

  /// A real training configuration has many keys that are not ours.
  @Test func ignoresForeignKeysAndNulls() throws {
    let configuration = try TrainingConfiguration(
      json: """
        {
          "model": {"muon": 3}, "seed": 1, "Muon": null, "muon": null,
          "training": {
            "optimizer": "Muon", "learning_rate": 1, "weight_decay": null, "n_epochs": null,
            "warmup_steps": null, "lr_schedule": null, "batch_size": 32, "lr": "foreign",
            "betas": {}
          },
          "adamw": {"lr": null, "betas": null}
        }
        """)
    #expect(configuration.training == .init(optimizer: .muon, learningRate: 1))
    #expect(configuration.muon == nil)
    #expect(configuration.adamw == .init())
  }

  private static let training = #""training": {"optimizer": "Muon", "learning_rate": 1}"#

  static let unreadable: [(json: String, path: String)] = [
    ("", "the configuration:"), ("{", "the configuration:"), ("[]", ""), ("3", ""),
    ("{} {}", "the configuration:"),
    (#"{"training": {"optimizer": "Muon",}"#, "the configuration:"),
    ("{}", "training:"), (#"{"training": null}"#, "training:"), (#"{"training": []}"#, "training:"),
    (#"{"training": {"learning_rate": 1}}"#, "training.optimizer:"),
    (#"{"training": {"optimizer": null, "learning_rate": 1}}"#, "training.optimizer:"),
    (#"{"training": {"optimizer": 1, "learning_rate": 1}}"#, "training.optimizer:"),
    (#"{"training": {"optimizer": "SGD", "learning_rate": 1}}"#, "training.optimizer:"),
    (#"{"training": {"optimizer": "muon", "learning_rate": 1}}"#, "training.optimizer:"),
    (#"{"training": {"optimizer": "Muon"}}"#, "training.learning_rate:"),
    (#"{"training": {"optimizer": "Muon", "learning_rate": "1"}}"#, "training.learning_rate:"),
    (#"{"training": {"optimizer": "Muon", "learning_rate": true}}"#, "training.learning_rate:"),
    (#"{"training": {"optimizer": "Muon", "learning_rate": 1e999}}"#, "training.learning_rate:"),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "learning\u005Frate": 2}}"#,
      "training.learning_rate:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1}, "foreign": {"\u0000": 2}}"#,
      "foreign."
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "weight_decay": []}}"#,
      "training.weight_decay:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "n_epochs": 1.5}}"#,
      "training.n_epochs:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "n_epochs": 1e30}}"#,
      "training.n_epochs:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "warmup_steps": "7"}}"#,
      "training.warmup_steps:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "lr_schedule": 7}}"#,
      "training.lr_schedule:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "muon": {}}}"#, "training.muon:"
    ),
    (
      #"{"training": {"optimizer": "Muon", "learning_rate": 1, "adamw": {}}}"#,
      "training.adamw:"
    ),
    (#"{\#(training), "muon": []}"#, "muon:"), (#"{\#(training), "adamw": 1}"#, "adamw:"),
    (#"{\#(training), "muon": {"learning_rate": 1}}"#, "muon.learning_rate:"),
    (#"{\#(training), "muon": {"momentun": 0.9}}"#, "muon.momentun:"),
    (#"{\#(training), "adamw": {"beta1": 0.9}}"#, "adamw.beta1:"),
    (#"{\#(training), "muon": {"nesterov": 1}}"#, "muon.nesterov:"),
    (#"{\#(training), "muon": {"momentum_style": "Ema"}}"#, "muon.momentum_style:"),
    (#"{\#(training), "muon": {"shape_scale": "rms"}}"#, "muon.shape_scale:"),
    (#"{\#(training), "muon": {"precision": "f16"}}"#, "muon.precision:"),
    (#"{\#(training), "muon": {"method": "Gram"}}"#, "muon.method:"),
    (#"{\#(training), "muon": {"backend": 5}}"#, "muon.backend:"),
    (#"{\#(training), "muon": {"coefficients": [[1, 2, "3"]]}}"#, "muon.coefficients[0][2]:"),
    (#"{\#(training), "muon": {"coefficients": [[1, 2, 3], 4]}}"#, "muon.coefficients[1]:"),
    (#"{\#(training), "adamw": {"betas": 0.9}}"#, "adamw.betas:"),
    (#"{\#(training), "adamw": {"betas": [0.9, null]}}"#, "adamw.betas[1]:"),
    (#"{\#(training), "muon": {"backend": "newtonschulz"}}"#, "muon.backend"),
    (#"{\#(training), "muon": {"backend": "custom"}}"#, "muon.backend"),
    (#"{\#(training), "muon": {"coefficients": []}}"#, "muon.coefficients"),
    (#"{\#(training), "muon": {"coefficients": [[1, 2, 3], [1, 2]]}}"#, "muon.coefficients[1]"),
    (#"{\#(training), "muon": {"backend": "you", "coefficients": [[1, 2, 3]]}}"#, "muon.coeff"),
    (#"{\#(training), "adamw": {"betas": [0.9]}}"#, "adamw.betas"),
    (#"{\#(training), "adamw": {"betas": [0.9, 0.9, 0.9]}}"#, "adamw.betas"),
  ]

  @Test(arguments: unreadable)
  func saysWhereItCannotBeRead(_ json: String, _ path: String) {
    let error = #expect(throws: MuonError.self) { try TrainingConfiguration(json: json) }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(path) == true, "\(error?.message ?? "")")
  }

  static let unusable: [(json: String, path: String)] = [
    (#"{"training": {"optimizer": "Muon", "learning_rate": -1}}"#, "training.learning_rate"),
    (
      #"{"training": {"optimizer": "AdamW", "learning_rate": 1, "weight_decay": -1}}"#,
      "training.weight_decay"
    ),
    (#"{\#(training), "muon": {"lr": -1}}"#, "muon.lr"),
    (#"{\#(training), "muon": {"momentum": 1}}"#, "muon.momentum"),
    (#"{\#(training), "muon": {"momentum": -0.1}}"#, "muon.momentum"),
    (#"{\#(training), "muon": {"weight_decay": -1}}"#, "muon.weight_decay"),
    (#"{\#(training), "muon": {"eps": -1}}"#, "muon.eps"),
    (#"{\#(training), "muon": {"backend_steps": 0}}"#, "muon.backend_steps"),
    (#"{\#(training), "muon": {"backend_steps": 100}}"#, "muon.backend_steps"),
    (#"{\#(training), "adamw": {"lr": -1}}"#, "adamw.lr"),
    (#"{\#(training), "adamw": {"betas": [1, 0.9]}}"#, "adamw.beta"),
    (#"{\#(training), "adamw": {"betas": [0.9, -0.1]}}"#, "adamw.beta"),
    (#"{\#(training), "adamw": {"eps": -1}}"#, "adamw.eps"),
    (#"{\#(training), "adamw": {"weight_decay": -1}}"#, "adamw.weight_decay"),
  ]

  /// Also where no parameter would go to the optimizer that is configured wrongly.
  @Test(arguments: unusable)
  func saysWhatCannotBeUsed(_ json: String, _ path: String) throws {
    let configuration = try TrainingConfiguration(json: json)
    let error = #expect(throws: MuonError.self) {
      try buildOptimizers([Parameter](), configuration: configuration)
    }
    #expect(error?.code == .configuration)
    #expect(error?.message.hasPrefix(path) == true, "\(error?.message ?? "")")
  }

  @Test func bfloat16IsNotForEveryBackend() throws {
    let muon = #""muon": {"backend": "polar_express", "precision": "bf16"}"#
    let configuration = try TrainingConfiguration(
      json: "{\(ConfigurationTests.training), \(muon)}")
    let error = #expect(throws: MuonError.self) {
      try buildOptimizers([Parameter](), configuration: configuration)
    }
    #expect(error?.code == .unsupported)
  }

  @Test func gramIsNotForEveryBackend() throws {
    let muon = #""muon": {"backend": "turbo", "method": "gram"}"#
    let configuration = try TrainingConfiguration(
      json: "{\(ConfigurationTests.training), \(muon)}")
    let error = #expect(throws: MuonError.self) {
      try buildOptimizers([Parameter](), configuration: configuration)
    }
    #expect(error?.code == .unsupported)
    #expect(error?.message.hasPrefix("muon.method gram:") == true)
  }

  /// Deep nesting is an error, not a stack that overflows.
  @Test(arguments: ["[", #"{"training":"#])
  func refusesDeepNesting(_ opening: String) {
    let json = String(repeating: opening, count: 100_000)
    let error = #expect(throws: MuonError.self) { try TrainingConfiguration(json: json) }
    #expect(error?.code == .configuration)
  }
}
