package import Logging
import Readings
import Synchronization

/// Writes the history: takes what polls came to at any time, and saves it some minutes at once. Where there is no disk it goes on, with
/// the last of it in memory.
package actor HistoryKeeper {
  /// The file may be so large; then the oldest goes.
  package static let maxBytes: Int64 = 512 * 1_048_576

  private let directory: String
  private let period: Duration
  private let reopening: Duration
  private let maxBytes: Int64
  private let readClock: @Sendable () -> HistoryClock
  private let log: Logger
  private let clock = ContinuousClock()
  private nonisolated let inbox = Mutex(Inbox())
  private nonisolated let keep: Mutex<Duration>
  private var tail = HistoryTail()
  private var file: HistoryFile?
  private var renewal = Renewal()
  private var told: StoreTrouble?
  private var nextOpening = ContinuousClock.now
  private var nextSave: ContinuousClock.Instant
  private var nextRetention = ContinuousClock.now

  /// What has come since it was last looked at. Bounded: who brings it waits for nobody.
  private struct Inbox {
    var entries: [HistoryEntry] = []
    var dropped = 0
  }

  /// - Parameters:
  ///   - keep: for how long.
  ///   - period: between saves: what a kill -9 can cost.
  ///   - reopening: between attempts to open what could not be opened.
  package init(
    directory: String, keep: Duration, period: Duration = .seconds(300), reopening: Duration = .seconds(60),
    maxBytes: Int64 = maxBytes, clock readClock: @escaping @Sendable () -> HistoryClock, log: Logger
  ) {
    self.directory = directory
    self.period = period
    self.reopening = reopening
    self.maxBytes = maxBytes
    self.readClock = readClock
    self.log = log
    self.keep = Mutex(keep)
    // The first ones sooner: who has just set it up looks.
    nextSave = .now + min(period, .seconds(60))
  }

  /// From now on.
  package nonisolated func adopt(keep: Duration) { self.keep.withLock { $0 = keep } }

  /// Takes what a poll came to. Never waits.
  package nonisolated func note(_ entry: HistoryEntry) {
    inbox.withLock { inbox in
      inbox.entries.append(entry)
      guard inbox.entries.count > HistoryTail.maxPolls else { return }
      inbox.entries.removeFirst(HistoryTail.maxPolls / 10)
      inbox.dropped += HistoryTail.maxPolls / 10
    }
  }

  /// Until cancelled; then saves once more, for at most a second.
  ///
  /// - Parameter trouble: called when saving begins to fail or fails otherwise, and with `nil` when it works again.
  package func run(trouble: @escaping @Sendable (StoreTrouble?) async -> Void) async {
    await LastSave.run { await self.rounds(trouble) }
  }

  private func rounds(_ trouble: @Sendable (StoreTrouble?) async -> Void) async {
    let tick = min(period, .seconds(30))
    repeat {
      if file == nil, clock.now >= nextOpening { await open(trouble) }
      // Many devices fill the inbox sooner.
      let isDue = clock.now >= nextSave || inbox.withLock { $0.entries.count > HistoryTail.maxPolls / 4 }
      if isDue { await save(trouble) }
    } while (try? await Task.sleep(for: tick, clock: .continuous)) != nil
    await save(trouble, isLast: true)
    if let file { await onOwnThread { file.close() } }
  }

  private func open(_ trouble: @Sendable (StoreTrouble?) async -> Void, distrusted: StoreError? = nil) async {
    nextOpening = clock.now + reopening
    let directory = directory
    let opened = await onOwnThread { () -> Result<(HistoryFile, StoreTrouble?), StoreError> in
      do throws(StoreError) {
        let (file, warning) = try HistoryFile.open(directory: directory, distrusted: distrusted)
        // The descriptor that readers in this process have in turn is there from now on: one that came later would look like a leak.
        _ = try? HistoryReader(directory: directory).devices()
        return .success((file, warning))
      } catch {
        return .failure(error)
      }
    }
    switch opened {
    case .success((let file, let warning)):
      if let warning { log.warning("\(warning.message)", metadata: ["advice": "\(warning.advice)"]) }
      self.file = file
      tail.begin(at: file.nextID)
      await tell(nil, trouble)
    case .failure(let error): await tell(error.trouble, trouble)
    }
  }

  private func save(_ trouble: @Sendable (StoreTrouble?) async -> Void, isLast: Bool = false) async {
    nextSave = clock.now + period
    takeInbox()
    if isLast { tail.close() }
    guard let file else { return }
    let rows = tail.rows.filter(\.needsSave)
    let retention = clock.now >= nextRetention && !isLast ? retention() : nil
    let (isSaved, failure) = await onOwnThread { () -> (Bool, StoreError?) in
      var isSaved = false
      do throws(StoreError) {
        try file.save(rows)
        isSaved = true
        if let retention { try file.retain(before: retention.before, maxBytes: retention.maxBytes) }
        return (true, nil)
      } catch {
        return (isSaved, error)
      }
    }
    // Also where there was no room to remove what is old.
    if isSaved { tail.noteSaved() }
    if let failure {
      guard renewal.isDue(after: failure, at: clock.now) else { return await tell(failure.trouble, trouble) }
      await onOwnThread { file.close() }
      self.file = nil
      return await open(trouble, distrusted: failure)
    }
    renewal.noteSuccess()
    if retention != nil { nextRetention = clock.now + .seconds(3600) }
    let dropped = tail.takeDropped()
    if dropped > 0 { log.warning("the history goes on; \(dropped) polls that came meanwhile are not in it") }
    await tell(nil, trouble)
  }

  private func takeInbox() {
    let taken = inbox.withLock { inbox in
      defer { inbox = Inbox() }
      return inbox
    }
    tail.take(taken.entries, readClock(), dropped: taken.dropped)
  }

  /// Age counts only where the kernel says that the clock is right: one that is not shall cost nobody a year.
  private func retention() -> (before: Int64?, maxBytes: Int64) {
    let now = readClock()
    let keep = keep.withLock(\.self)
    return (now.isSynchronised ? now.wallMs - keep.milliseconds : nil, maxBytes)
  }

  private func tell(_ now: StoreTrouble?, _ trouble: @Sendable (StoreTrouble?) async -> Void) async {
    guard now != told else { return }
    told = now
    await trouble(now)
  }
}
