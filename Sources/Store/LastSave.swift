/// Work that is cancelled and then has something to save.
enum LastSave {
  /// The last save has this long.
  static let limit = Duration.seconds(1)

  /// Runs `rounds` until it ends; after a cancellation for at most a second more.
  static func run(_ rounds: @escaping @Sendable () async -> Void) async {
    let ended = Gate()
    let running = Task {
      await rounds()
      ended.open()
    }
    await withTaskCancellationHandler {
      await ended.wait()
    } onCancel: {
      running.cancel()
      Task {
        try? await Task.sleep(for: limit, clock: .continuous)
        ended.open()
      }
    }
  }
}
