import Policy
import Publishers
import Store
import Supervisor

extension WebSource {
  /// What a gateway knows, and the page that shows it.
  ///
  /// - Parameter directory: where its history is; `nil`: nowhere.
  init(_ gateway: Gateway, historyIn directory: String?) {
    self.init(
      status: { await gateway.snapshot() }, statuses: { gateway.statuses }, events: { await gateway.events.all },
      counts: { await gateway.counts })
    assets = Page.assets
    let reader = directory.map(HistoryReader.init)
    routes = HistoryRoutes(reader) { await gateway.snapshot().devices }.byPath
  }
}
