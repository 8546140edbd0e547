import Glibc
package import Supervisor

/// What a `blupow` command printed, and how it ended.
package struct CommandRun: Sendable {
  package var output = ""
  package var errors = ""
  package var ending = Ending(cause: .abandoned, lasted: .zero)

  package init() {}

  package var exitCode: Int32? { if case .exited(let code) = ending.cause { code } else { nil } }
}

extension Scene {
  /// Starts `blupow` on this scene's bus with that configuration.
  ///
  /// - Parameter through: a program that becomes it, with its arguments: `sh`, `setpriv`.
  package func start(
    _ arguments: [String], config: String? = nil, worker: String? = nil, more: [String: String] = [:],
    through: [String] = [], deadline: Duration = .seconds(240)
  ) async throws -> Child {
    var environment = environment.merging(more) { $1 }
    environment["BLUPOW_WORKER"] = worker
    environment["BLUPOW_MIN_INTERVAL"] = "1s"
    environment["PATH"] = more["PATH"] ?? "/usr/bin:/bin"
    // A state of its own for each, unless it is to find another's.
    environment["BLUPOW_STATE_DIR"] = more["BLUPOW_STATE_DIR"] ?? "\(world.directory)/state-\(UInt32.random(in: 0 ... .max))"
    if let config {
      let path = "\(world.directory)/blupow-\(UInt32.random(in: 0 ... .max)).yaml"
      try write(config, to: path)
      environment["BLUPOW_CONFIG"] = path
    }
    let words = through + [Built.path("blupow")] + arguments
    return try await Spawner.shared.start(
      Command(path: words[0], arguments: Array(words.dropFirst()), environment: environment), limits: .command,
      deadline: deadline)
  }

  /// Runs it to its end.
  package func blupow(
    _ arguments: [String], config: String? = nil, worker: String? = nil, more: [String: String] = [:],
    through: [String] = []
  ) async throws -> CommandRun {
    await Self.hear(try await start(arguments, config: config, worker: worker, more: more, through: through))
  }

  /// Until the running service's status, as JSON, is as it is wanted. The caller's time limit ends it.
  package func untilStatus(_ isWanted: (String) -> Bool) async throws {
    while try await !isWanted(blupow(["status", "--json"]).output) { try await Task.sleep(for: .milliseconds(50)) }
  }

  /// - Parameter onErrorLine: gets each line of its log as it comes.
  package static func hear(_ child: Child, onErrorLine: (String) -> Void = { _ in }) async -> CommandRun {
    var run = CommandRun()
    for await event in child.output {
      switch event {
      case .line(let line): run.output += String(decoding: line, as: UTF8.self) + "\n"
      case .errorLine(let line):
        run.errors += line + "\n"
        onErrorLine(line)
      case .ended(let ending): run.ending = ending
      case .overflow, .deadline, .killed: break
      }
    }
    return run
  }

  /// A file in the scene's directory, which goes with it.
  package func write(_ text: String, to path: String, isProgram: Bool = false) throws {
    let file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, isProgram ? 0o700 : 0o600)
    guard file >= 0 else { throw SpawnFailure(path: path, errno: errno) }
    defer { close(file) }
    let bytes = Array(text.utf8)
    guard Glibc.write(file, bytes, bytes.count) == bytes.count else { throw SpawnFailure(path: path, errno: errno) }
  }
}

extension OutputLimits {
  /// A command's output in a test: a demo prints much.
  package static let command = OutputLimits(line: 1_048_576, total: 16_777_216, errorLine: 8192, errorTotal: 1_048_576)
}
