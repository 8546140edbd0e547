/// What a start finds in a directory: the store, open, and what it holds. Whoever keeps this up to date goes on with the same store.
package struct LoadedStore: Sendable {
  package let directory: String
  package let records: [Store.Record]
  /// What was set aside or passed over: to be told once. That nothing could be opened is not among them: `StoreKeeper` tells that.
  package let warnings: [StoreTrouble]
  /// Why there is no store; the service goes on from memory.
  package let failure: StoreError?
  let store: Store?

  init(directory: String, distrusted: StoreError? = nil) {
    self.directory = directory
    do throws(StoreError) {
      let (store, records, warnings) = try Self.open(directory, distrusted)
      self.store = store
      self.records = records
      self.warnings = warnings
      failure = nil
    } catch {
      store = nil
      records = []
      warnings = []
      failure = error
    }
  }

  private static func open(
    _ directory: String, _ distrusted: StoreError?
  ) throws(StoreError) -> (Store, [Store.Record], [StoreTrouble]) {
    let (store, warning) = try Store.open(directory: directory, distrusted: distrusted)
    do throws(StoreError) {
      let (records, passedOver) = try store.load()
      return (store, records, [warning, passedOver].compactMap(\.self))
    } catch {
      store.close()
      guard error.blamesFile, distrusted == nil else { throw error }
      return try open(directory, error)
    }
  }
}
