import Logging
import Testing

@testable import Store

/// Alone, because it measures.
@Suite struct StorePromptStopTests {
  @Test func `it ends within its bound even where the records never come`() async throws {
    let folder = try Folder()
    let keeper = StoreKeeper(
      await StoreKeeper.load(directory: folder.path), period: .milliseconds(1),
      records: {
        // As a service would that is stuck: it does not look whether it is cancelled.
        await Task { try? await Task.sleep(for: .seconds(30)) }.value
        return []
      }, trouble: { _ in }, log: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
    let running = Task { await keeper.run() }
    try await Task.sleep(for: .milliseconds(50))
    let began = ContinuousClock.now
    running.cancel()
    await running.value
    #expect(ContinuousClock.now - began < .milliseconds(1500))
  }
}
