import CLinux
import Glibc
import Readings

/// What the spawner's thread does: take orders, wait on every pidfd and pipe with one poll(2), and do what `Teardown` says.
/// Lives in that thread alone.
final class SpawnLoop {
  private let spawner: Spawner
  private let clock = ContinuousClock()
  private var children: [UInt64: ChildRun] = [:]
  private var lastID: UInt64 = 0
  /// Groups whose leader is reaped, and until when to go on reaping members that this process may have adopted (as PID 1 does).
  private var groups: [Int32: ContinuousClock.Instant] = [:]
  /// What did not end after SIGKILL. It may one day, and is then no zombie for longer than until the next thing happens here.
  private var abandoned: Set<Int32> = []

  init(spawner: Spawner) { self.spawner = spawner }

  func run() -> Never {
    blupow_name_thread("spawner")
    while true {
      for message in spawner.takeMail() { take(message) }
      for id in children.keys { tell(id, .tick) }
      reapGroups()
      wait()
    }
  }

  private func take(_ message: Spawner.Message) {
    switch message {
    case .start(let launch):
      lastID += 1
      let id = lastID
      let spawner = spawner
      let order: @Sendable (ChildOrder) -> Void = { spawner.send(.order($0, child: id)) }
      let (output, said) = AsyncStream.makeStream(of: ChildEvent.self)
      do throws(SpawnFailure) {
        let run = try ChildRun(launch, said: said, at: clock.now)
        children[id] = run
        said.onTermination = { if case .cancelled = $0 { order(.stop) } }
        launch.answer.resume(returning: .success(Child(pid: run.pid, output: output, order: order)))
      } catch {
        launch.answer.resume(returning: .failure(error))
      }
    case .order(let order, let id):
      guard let run = children[id] else { return }
      switch order {
      case .write(let bytes): if !run.queue(bytes) { tell(id, .stop) }
      case .closeInput: run.closeInputWhenWritten()
      case .stop: tell(id, .stop)
      case .kill(let signal): run.signal(signal)
      }
    }
  }

  private func tell(_ id: UInt64, _ event: Teardown.Event) {
    guard let run = children[id] else { return }
    let now = clock.now
    for action in run.teardown.handle(event, at: now) {
      switch action {
      case .signal(let signal): run.signal(signal)
      case .tell(let event): run.say(event)
      case .collect:
        run.collect(at: now)
        children[id] = nil
        groups[run.pid] = now + Teardown.patience
      case .abandon:
        run.abandon(at: now)
        children[id] = nil
        abandoned.insert(run.pid)
      }
    }
  }

  private func reapGroups() {
    let now = clock.now
    for (group, until) in groups where isEmptied(group) || now >= until { groups[group] = nil }
    for group in abandoned where isEmptied(group) { abandoned.remove(group) }
  }

  /// Reaps what it can. `true`: no child of this process is left in the group.
  private func isEmptied(_ group: Int32) -> Bool {
    var ended = blupow_reap(-group)
    while ended.reaped == 1 { ended = blupow_reap(-group) }
    return ended.reaped < 0
  }

  private func wait() {
    var polled = [pollfd(fd: spawner.doorbell, events: Int16(POLLIN), revents: 0)]
    var owners: [(id: UInt64, end: ChildRun.End)] = []
    for (id, run) in children {
      for (end, descriptor, events) in run.waits {
        polled.append(pollfd(fd: descriptor, events: events, revents: 0))
        owners.append((id, end))
      }
    }
    guard poll(&polled, nfds_t(polled.count), timeout) > 0 else { return }
    for (entry, owner) in zip(polled.dropFirst(), owners) where entry.revents != 0 {
      guard let run = children[owner.id] else { continue }
      switch owner.end {
      case .process: tell(owner.id, .exited)
      case .input: run.writeInput()
      case .output: if !run.readOutput() { tell(owner.id, .overflow) }
      case .error: run.readError()
      }
    }
  }

  /// Milliseconds for poll(2), which does not count time asleep in suspend: with a deadline pending it looks up once a second.
  private var timeout: Int32 {
    if !groups.isEmpty { return 20 }
    guard let next = children.values.compactMap(\.teardown.next).min() else { return -1 }
    let left = next - clock.now
    return left <= .zero ? 0 : Int32(min(1000, left.milliseconds + 1))
  }
}
