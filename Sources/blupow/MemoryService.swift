import Foundation
import Glibc
import Logging
import Policy
import Publishers
import ServiceLifecycle
import Store
import Supervisor

/// What an earlier process left on disk.
struct KeptMemory: Sendable {
  var memory = FleetMemory()
  /// Of all kinds.
  var documents: [FleetMemory.Document] = []
  /// `nil`: nothing says where to keep it.
  var loaded: LoadedStore?
  /// `nil`: as well.
  private(set) var directory: String?

  /// Beside it.
  var transcripts: TranscriptRing? { directory.map { TranscriptRing(directory: "\($0)/transcripts") } }

  static func load(_ config: GatewayConfig, log: Logger) async -> KeptMemory {
    let directory = StateDirectory.path(
      configured: config.stateDirectory, environment: ProcessInfo.processInfo.environment, isRoot: geteuid() == 0)
    guard let directory else { return KeptMemory() }
    let loaded = await StoreKeeper.load(directory: directory)
    for warning in loaded.warnings { log.warning("\(warning.message)", metadata: ["advice": "\(warning.advice)"]) }
    let documents = loaded.records.map { FleetMemory.Document(kind: $0.kind, key: $0.key, text: $0.text) }
    let memory = FleetMemory(documents.filter { $0.kind != MQTTPublisher.kind })
    if memory.unread > 0 {
      log.warning("\(memory.unread) of the stored documents are of another release or damaged, and were passed over")
    }
    return KeptMemory(memory: memory, documents: documents, loaded: loaded, directory: directory)
  }
}

/// Keeps on disk what is to survive this process, written twice a minute: a memory card has only so many writes in it. Where that cannot be done the service goes on from memory, and a problem is raised.
struct MemoryService: Service {
  let kept: KeptMemory
  let gateway: Gateway
  let publisher: MQTTPublisher
  let log: Logger

  func run() async {
    guard let loaded = kept.loaded else {
      await gateway.raise(
        Problem(
          .storeFailed, message: "Nothing says where to keep the last readings: they will not survive a restart.",
          advice: "Set state_dir in the configuration."))
      return
    }
    let (gateway, publisher) = (gateway, publisher)
    let keeper = StoreKeeper(
      loaded, period: .seconds(30),
      records: {
        (await gateway.memory().documents + publisher.documents).map { Store.Record(kind: $0.kind, key: $0.key, text: $0.text) }
      },
      trouble: { trouble in
        guard let trouble else { return await gateway.settle(.storeFailed) }
        await gateway.raise(Problem(.storeFailed, message: trouble.message, advice: trouble.advice))
      }, log: log)
    await cancelWhenGracefulShutdown { await keeper.run() }
  }
}
