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
  /// Children that are reaped. How they ended is told when what they left has ended too, at the latest at that time.
  private var leaving: [UInt64: (run: ChildRun, until: ContinuousClock.Instant)] = [:]
  private var remains = Remains()
  private var strays = Strays()
  /// The last look around found strays that may have left some in turn.
  private var isSweeping = false
  private var adoptsOrphans = false

  init(spawner: Spawner) { self.spawner = spawner }

  func run() -> Never {
    blupow_name_thread("spawner")
    blockSignals()
    while true {
      for message in spawner.takeMail() { take(message) }
      for id in children.keys { tell(id, .tick) }
      clear(at: clock.now)
      wait()
    }
  }

  /// No handler of anybody's runs on this thread, but for what the thread itself does wrong.
  private func blockSignals() {
    var blocked = sigset_t()
    sigfillset(&blocked)
    for signal in [SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS] { sigdelset(&blocked, signal) }
    pthread_sigmask(SIG_SETMASK, &blocked, nil)
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
        let now = clock.now
        let mark = adoptsOrphans ? ChildMark(child: id) : nil
        let run = try ChildRun(launch, mark: mark, said: said, at: now) { remains.expect($0, until: now + Teardown.patience) }
        remains.forget(run.pid)
        children[id] = run
        said.onTermination = { if case .cancelled = $0 { order(.stop) } }
        launch.answer.resume(returning: .success(Child(pid: run.pid, output: output, order: order)))
      } catch {
        launch.answer.resume(returning: .failure(error))
      }
    case .adoptOrphans: adoptsOrphans = true
    case .order(let order, let id):
      guard let run = children[id] else { return }
      switch order {
      case .write(let bytes): if !run.queue(bytes) { tell(id, .stop) }
      case .closeInput: run.closeInputWhenWritten()
      case .refuseInput:
        run.refuseInput()
        tell(id, .stop)
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
        if run.collect(at: now) { remains.expect(run.pid, until: now + Teardown.patience) } else { remains.abandon(run.pid) }
        children[id] = nil
        leaving[id] = (run, until: now + Strays.patience)
      case .abandon:
        run.abandon(at: now)
        children[id] = nil
        remains.abandon(run.pid)
        run.tellEnding()
      }
    }
  }

  // MARK: What they left

  /// Reaps, kills and reaps again, and tells the end of children that left nothing, or nothing any more.
  private func clear(at now: ContinuousClock.Instant) {
    remains.reap(at: now)
    spawner.note(abandoned: remains.abandoned.count)
    // Before an ending is told: whoever has heard it finds its child counted out.
    spawner.note(running: children.count, descriptors: children.values.reduce(0) { $0 + $1.descriptorCount })
    guard !leaving.isEmpty || !strays.isEmpty || isSweeping else { return }
    // Those whose group was empty before the look around: what their group's members left is seen by it.
    let emptied = leaving.filter { !remains.ending.contains($0.value.run.pid) }.keys
    let isAlone = sweep(at: now)
    isSweeping = !isAlone
    for (id, (run, until)) in leaving where isAlone && emptied.contains(id) || now >= until {
      leaving[id] = nil
      run.tellEnding()
    }
  }

  /// Kills the strays that are children of this process now. `true`: there was none. What they have started in turn comes to this
  /// process only when they end, so that only a look that finds nothing is the last.
  private func sweep(at now: ContinuousClock.Instant) -> Bool {
    guard adoptsOrphans, let kin = Kin.ofThisProcess() else { return true }
    let family = Strays.Family(
      ownSession: getsid(0), living: Set(children.values.map(\.pid)), ended: remains.ending.union(remains.abandoned))
    var isAlone = true
    for stray in strays.among(kin, of: family) {
      if stray.hasEnded {
        _ = blupow_reap(stray.pid)
        isAlone = false
        continue
      }
      // One that is ending has no environment any more: it is asked for its mark once.
      if !strays.isKilled(stray) {
        let mark = ChildMark(of: stray.pid)
        // PID 1 gets everybody's orphans, those of a shell in its container too: it kills none that is not known to be a child's.
        if getpid() == 1, mark == nil, !leaving.values.contains(where: { $0.run.pid == stray.session }) { continue }
        strays.note(killed: stray, at: now)
        owner(of: stray, mark: mark)?.strays += 1
      }
      // Its group with it, so that one that forks on and on cannot be always a step ahead.
      if stray.group > 1, !family.living.contains(stray.group) { kill(-stray.group, SIGKILL) }
      kill(stray.pid, SIGKILL)
      if strays.mayEnd(stray, at: now) { isAlone = false }
    }
    return isAlone
  }

  /// The child that a stray came from; where nothing says so, the one that ended last.
  private func owner(of stray: Kin, mark: ChildMark?) -> ChildRun? {
    if let mark, let run = children[mark.child] ?? leaving[mark.child]?.run { return run }
    return leaving.values.first { $0.run.pid == stray.session }?.run ?? leaving.max { $0.key < $1.key }?.value.run
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
    // Nothing tells of an adopted process's end.
    if !leaving.isEmpty { return 2 }
    if !remains.ending.isEmpty || isSweeping { return 20 }
    let look = remains.isEmpty && strays.isEmpty ? nil : clock.now + Remains.lookEvery
    guard let next = (children.values.compactMap(\.teardown.next) + [look].compactMap(\.self)).min() else { return -1 }
    let left = next - clock.now
    return left <= .zero ? 0 : Int32(min(1000, left.milliseconds + 1))
  }
}
