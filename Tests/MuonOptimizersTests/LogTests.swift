import Foundation
import MuonOptimizers
import Synchronization
import Testing

/// The log. Its handler belongs to the whole process, so each test has one of its own.
struct LogTests {
  /// What a handler was told.
  final class Heard: Sendable {
    struct Message: Equatable {
      let level: Log.Level
      let text: String
      let thread: UInt
    }
    private let all = Mutex<[Message]>([])

    var messages: [Message] { all.withLock { $0 } }
    var levels: [Log.Level] { messages.map(\.level) }

    func hear(_ level: Log.Level, _ text: String) {
      let thread = UInt(pthread_self())
      all.withLock { $0.append(Message(level: level, text: text, thread: thread)) }
    }
  }

  /// An optimizer whose every step is skipped.
  private static func skipping() throws -> Optimizer {
    let optimizer = try trained(.muon)
    optimizer.nonFinitePolicy = .skip
    try optimizer.parameters[1].withMutableGradient { $0[0] = .nan }
    return optimizer
  }

  @Test func saysThatAStepWasSkipped() async {
    await #expect(processExitsWith: .success) {
      let optimizer = try LogTests.skipping()
      try optimizer.step()
      let heard = Heard()
      Log.setHandler { heard.hear($0, $1) }
      try optimizer.step()
      #expect(heard.levels == [.warning])
      let message = try #require(heard.messages.first)
      #expect(message.text.contains("skipped, 2 in all"))
      #expect(message.text.contains("w1"))
      #expect(!message.text.contains("\n"))
      #expect(message.thread == UInt(pthread_self()))
    }
  }

  @Test func isSilentWithoutAHandlerAndBelowItsLevel() async {
    await #expect(processExitsWith: .success) {
      let optimizer = try LogTests.skipping()
      let heard = Heard()
      Log.setHandler(upTo: .error) { heard.hear($0, $1) }
      try optimizer.step()
      Log.setHandler(upTo: .warning) { heard.hear($0, $1) }
      Log.setHandler(nil)
      try optimizer.step()
      #expect(heard.messages.isEmpty)
      #expect(optimizer.skippedSteps == 2)
    }
  }

  /// Once to each, when the next optimizer is made or a matrix orthogonalized.
  @Test func introducesTheLibraryToEachHandler() async {
    await #expect(processExitsWith: .success) {
      for _ in 0..<2 {
        let heard = Heard()
        Log.setHandler(upTo: .info) { heard.hear($0, $1) }
        #expect(heard.messages.isEmpty)
        for _ in 0..<3 { _ = try AdamW() }
        #expect(heard.messages.filter { $0.level == .info }.map(\.text) == [BuildInfo.description])

        let second = Heard()
        Log.setHandler(upTo: .info) { second.hear($0, $1) }
        _ = try orthogonalize([1, 2], rows: 1, columns: 2)
        #expect(second.levels.first == .info)
        #expect(heard.levels.filter { $0 == .info }.count == 1)
      }
    }
  }

  /// Nothing is held while the handler runs, and it is not called by what it does itself.
  @Test func mayUseTheLibraryFromItsHandler() async {
    await #expect(processExitsWith: .success) {
      let heard = Heard()
      nonisolated(unsafe) let optimizer = try LogTests.skipping()
      Log.setHandler(upTo: .info) { level, text in
        heard.hear(level, text)
        do {
          unsafe try optimizer.step()
          _ = try AdamW()
          try Threads.setCount(1)
        } catch { Issue.record(error) }
      }
      unsafe try optimizer.step()
      #expect(heard.levels == [.warning])
      let skipped = unsafe optimizer.skippedSteps
      #expect(skipped == 2)
      // And set another one.
      Log.setHandler { level, text in
        heard.hear(level, text)
        Log.setHandler(nil)
      }
      unsafe try optimizer.step()
      unsafe try optimizer.step()
      #expect(heard.levels == [.warning, .warning])
    }
  }

  /// A handler that was replaced is not running when setHandler returns.
  @Test func replacesAHandlerWhenItIsDone() async {
    await #expect(processExitsWith: .success) {
      let inside = DispatchSemaphore(value: 0)
      let done = Atomic<Bool>(false)
      let finished = DispatchSemaphore(value: 0)
      Log.setHandler { _, _ in
        inside.signal()
        Thread.sleep(forTimeInterval: 0.2)
        done.store(true, ordering: .sequentiallyConsistent)
      }
      Thread.detachNewThread {
        do { try LogTests.skipping().step() } catch { Issue.record(error) }
        finished.signal()
      }
      inside.wait()
      Log.setHandler(nil)
      let wasDone = done.load(ordering: .sequentiallyConsistent)
      #expect(wasDone)
      finished.wait()
    }
  }

  /// Steps on several threads while handlers come and go: each is told something, and none that was
  /// replaced.
  @Test func isSafeUnderRaces() async {
    await #expect(processExitsWith: .success) {
      final class Life: Sendable {
        let isOver = Atomic<Bool>(false)
        let told = Atomic<Int>(0)
      }
      let tooLate = Atomic<Int>(0)
      let stop = Atomic<Bool>(false)
      let left = Atomic<Int>(4)
      for _ in 0..<4 {
        Thread.detachNewThread {
          do {
            let optimizer = try LogTests.skipping()
            while !stop.load(ordering: .relaxed) { try optimizer.step() }
          } catch { Issue.record(error) }
          left.wrappingSubtract(1, ordering: .sequentiallyConsistent)
        }
      }
      for _ in 0..<300 {
        let life = Life()
        Log.setHandler { _, _ in
          sched_yield()
          if life.isOver.load(ordering: .sequentiallyConsistent) {
            tooLate.wrappingAdd(1, ordering: .relaxed)
          }
          life.told.wrappingAdd(1, ordering: .relaxed)
        }
        while life.told.load(ordering: .relaxed) == 0, left.load(ordering: .relaxed) == 4 {
          sched_yield()
        }
        Log.setHandler(nil)
        life.isOver.store(true, ordering: .sequentiallyConsistent)
      }
      let running = left.load(ordering: .relaxed)
      #expect(running == 4)
      stop.store(true, ordering: .relaxed)
      while left.load(ordering: .sequentiallyConsistent) > 0 { sched_yield() }
      let late = tooLate.load(ordering: .relaxed)
      #expect(late == 0)
    }
  }
}
