import CMuon
import Foundation
import Synchronization
import Testing

/// The lives of handles: what ends with which, and what many threads may do to them.
struct HandleTests {
  @Test func endOnce() {
    let optimizer = Handle { unsafe muon_optimizer_create_adamw(nil, $0) }
    let schedule = Handle { unsafe muon_schedule_create_cosine(10, 0, $0) }
    var list = unsafe optimizer.pointer
    let scheduler = Handle { unsafe muon_scheduler_create(schedule.pointer, &list, 1, $0) }
    expectOK(unsafe muon_optimizer_destroy(optimizer.pointer))
    expectOK(unsafe muon_schedule_destroy(schedule.pointer))
    expectOK(unsafe muon_scheduler_destroy(scheduler.pointer))
    for _ in 0..<2 {
      expectRefused(unsafe muon_optimizer_destroy(optimizer.pointer), MUON_ERR_INVALID_HANDLE)
      expectRefused(unsafe muon_schedule_destroy(schedule.pointer), MUON_ERR_INVALID_HANDLE)
      expectRefused(unsafe muon_scheduler_destroy(scheduler.pointer), MUON_ERR_INVALID_HANDLE)
    }
    expectOK(muon_optimizer_destroy(nil))
    expectOK(muon_schedule_destroy(nil))
    expectOK(muon_scheduler_destroy(nil))
  }

  /// A slot is used again, and its older handles stay stale.
  @Test func doNotComeBack() {
    var seen: Set<Handle> = []
    for _ in 0..<200 {
      let handle = Handle { unsafe muon_schedule_create_cosine(10, 0, $0) }
      #expect(seen.insert(handle).inserted)
      expectOK(unsafe muon_schedule_destroy(handle.pointer))
    }
    let last = Handle { unsafe muon_schedule_create_cosine(10, 0, $0) }
    var rate = 0.0
    for handle in seen {
      expectRefused(
        unsafe muon_schedule_get_rate(handle.pointer, 1, 0, &rate), MUON_ERR_INVALID_HANDLE)
    }
    expectOK(unsafe muon_schedule_destroy(last.pointer))
  }

  /// Optimizers may be destroyed before the scheduler that drives them.
  @Test func schedulersOutliveOptimizers() async {
    await #expect(processExitsWith: .success) {
      let world = World()
      expectOK(unsafe muon_optimizer_destroy(world.muon.pointer))
      expectOK(unsafe muon_schedule_destroy(world.schedule.pointer))
      for step: Int64 in 1...3 {
        expectOK(unsafe muon_scheduler_step(world.scheduler.pointer))
        var (present, rate, count): (Int64, Double, Int) = (0, 0, 0)
        expectOK(unsafe muon_scheduler_get_step(world.scheduler.pointer, &present))
        expectOK(unsafe muon_scheduler_get_last_lr(world.scheduler.pointer, &rate, 1, &count))
        #expect(present == step && count == 1 && rate < 0.02, "step \(step)")
      }
      expectRefused(unsafe muon_optimizer_step(world.muon.pointer), MUON_ERR_INVALID_HANDLE)
      expectOK(unsafe muon_scheduler_set_step(world.scheduler.pointer, 0))
      expectOK(unsafe muon_scheduler_destroy(world.scheduler.pointer))
    }
  }

  /// Eight threads use what is theirs, and one optimizer and scheduler that any of them may destroy.
  @Test func survivesRaces() async {
    await #expect(processExitsWith: .success) {
      // The memory of all of them stays until the end.
      let worlds = (0..<200).map { _ in World() }
      let handles = worlds.map { (muon: $0.muon, scheduler: $0.scheduler) }
      let current = Atomic<Int>(0)
      let unexpected = Mutex<[muon_status]>([])
      let done = DispatchSemaphore(value: 0)
      let enough = 20
      let (end, deadline) = (Date(timeIntervalSinceNow: 0.7), Date(timeIntervalSinceNow: 60))
      for number in 1...8 {
        Thread.detachNewThread {
          var round = 0
          // A machine with much else to do needs longer.
          while Date() < end
            || (current.load(ordering: .relaxed) <= enough && Date() < deadline)
          {
            round += 1
            _ = World()
            let now = current.load(ordering: .relaxed) % handles.count
            let (muon, scheduler) = handles[now]
            let statuses = HandleTests.use(muon, scheduler)
            unexpected.withLock {
              $0 += statuses.filter { $0 != MUON_OK && $0 != MUON_ERR_INVALID_HANDLE }
            }
            guard round.isMultiple(of: number + 4) else { continue }
            unsafe muon_optimizer_destroy(muon.pointer)
            if number.isMultiple(of: 2) { unsafe muon_scheduler_destroy(scheduler.pointer) }
            current.add(1, ordering: .relaxed)
          }
          done.signal()
        }
      }
      for _ in 1...8 { done.wait() }
      #expect(unexpected.withLock { $0 } == [], "statuses")
      #expect(current.load(ordering: .relaxed) > enough, "too few rounds to see anything")
      withExtendedLifetime(worlds) {}
    }
  }

  /// Steps, reads and schedules what may be destroyed by another thread in between.
  private static func use(_ muon: Handle, _ scheduler: Handle) -> [muon_status] {
    var values = [Float](repeating: 0, count: 6)
    var (rate, count, step): (Double, Int, Int64) = (0, 0, 0)
    return unsafe [
      muon_optimizer_step(muon.pointer),
      muon_optimizer_get_buffer(muon.pointer, 0, "data", &values, 6, &count),
      muon_scheduler_step(scheduler.pointer),
      muon_optimizer_set_lr(muon.pointer, 0, 0.01),
      muon_scheduler_get_last_lr(scheduler.pointer, &rate, 1, &count),
      muon_optimizer_zero_grad(muon.pointer),
      muon_scheduler_get_step(scheduler.pointer, &step),
    ]
  }
}
