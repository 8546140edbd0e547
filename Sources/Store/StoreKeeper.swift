package import Logging

/// Keeps a store in step with what the service knows: writes what changed, and goes on without a disk where there is none.
package actor StoreKeeper {
  private let directory: String
  private let period: Duration
  private let reopening: Duration
  private let records: @Sendable () async -> [Store.Record]
  private let trouble: @Sendable (StoreTrouble?) async -> Void
  private let log: Logger
  private let clock = ContinuousClock()
  private var store: Store?
  /// What the file holds.
  private var written: [Store.Key: String]
  private var told: StoreTrouble?
  private var failure: StoreError?
  private var renewal = Renewal()
  private var nextOpening: ContinuousClock.Instant
  private var passedOver: Set<Store.Key> = []

  /// - Parameters:
  ///   - loaded: of `load`; its store is used from here on.
  ///   - period: between saves.
  ///   - reopening: between attempts to open what could not be opened.
  ///   - records: everything that is to be kept, now.
  ///   - trouble: called when saving begins to fail or fails otherwise, and with `nil` when it works again.
  package init(
    _ loaded: LoadedStore, period: Duration = .seconds(10), reopening: Duration = .seconds(60),
    records: @escaping @Sendable () async -> [Store.Record], trouble: @escaping @Sendable (StoreTrouble?) async -> Void,
    log: Logger
  ) {
    directory = loaded.directory
    store = loaded.store
    failure = loaded.failure
    written = Self.texts(loaded.records)
    self.period = period
    self.reopening = reopening
    self.records = records
    self.trouble = trouble
    self.log = log
    nextOpening = clock.now + reopening
  }

  /// Opens the store and reads it, before the service begins.
  package static func load(directory: String) async -> LoadedStore {
    await onOwnThread { LoadedStore(directory: directory) }
  }

  /// Until cancelled; then saves once more and closes the store, for at most a second.
  package func run() async { await LastSave.run { await self.rounds() } }

  private func rounds() async {
    if let failure { await tell(failure.trouble) }
    while !Task.isCancelled, (try? await Task.sleep(for: period, clock: .continuous)) != nil {
      if store == nil, clock.now >= nextOpening { await reopen() }
      await save()
    }
    // What gives the records shall not find itself cancelled.
    await Task { await self.save() }.value
    if let store { await onOwnThread { store.close() } }
  }

  // MARK: Saving

  private func save() async {
    guard let store else { return }
    let wanted = fit(await records())
    let changed = wanted.filter { record in
      written[record.name].map { !$0.utf8.elementsEqual(record.text.utf8) } ?? true
    }
    let names = Set(wanted.map(\.name))
    let removed = written.keys.filter { !names.contains($0) }
    guard !changed.isEmpty || !removed.isEmpty else { return }
    let failure = await onOwnThread { () -> StoreError? in
      do throws(StoreError) {
        try store.save(changed: changed, removed: removed)
        return nil
      } catch {
        return error
      }
    }
    if let failure { return await note(failure) }
    for name in removed { written[name] = nil }
    for record in changed { written[record.name] = record.text }
    renewal.noteSuccess()
    await tell(nil)
  }

  private func note(_ failure: StoreError) async {
    guard renewal.isDue(after: failure, at: clock.now) else { return await tell(failure.trouble) }
    if let store { await onOwnThread { store.close() } }
    store = nil
    await reopen(distrusted: failure)
    await save()
  }

  /// After a late opening what the service knows by now replaces what the file holds.
  private func reopen(distrusted: StoreError? = nil) async {
    nextOpening = clock.now + reopening
    let directory = directory
    let loaded = await onOwnThread { LoadedStore(directory: directory, distrusted: distrusted) }
    for warning in loaded.warnings { log.warning("\(warning.message)", metadata: ["advice": "\(warning.advice)"]) }
    store = loaded.store
    written = Self.texts(loaded.records)
    await tell(loaded.failure?.trouble)
  }

  private func tell(_ trouble: StoreTrouble?) async {
    guard trouble != told else { return }
    told = trouble
    await self.trouble(trouble)
  }

  // MARK: Limits

  /// Those that can be kept, each name once. One that cannot shall not keep the others from it; it is told of once.
  private func fit(_ given: [Store.Record]) -> [Store.Record] {
    var names: Set<Store.Key> = []
    return given.filter { record in
      let fault =
        record.fault ?? (names.count >= Store.Record.maxCount ? "there are more than \(Store.Record.maxCount)" : nil)
      guard let fault else { return names.insert(record.name).inserted }
      if passedOver.count < Store.Record.maxCount, passedOver.insert(record.name).inserted {
        log.error("\(StoreError(.unfit(fault), directory))", metadata: ["kind": "\(record.kind.prefix(40))"])
      }
      return false
    }
  }

  private static func texts(_ records: [Store.Record]) -> [Store.Key: String] {
    Dictionary(records.map { ($0.name, $0.text) }) { first, _ in first }
  }
}
