import Policy
import Publishers
import Supervisor

extension WebSource {
  /// What a gateway knows.
  init(_ gateway: Gateway) {
    self.init(
      status: { await gateway.snapshot() }, statuses: { gateway.statuses }, events: { await gateway.events.all },
      counts: { await gateway.counts })
  }
}
