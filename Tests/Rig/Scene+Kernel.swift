package import Readings
package import Supervisor

extension Scene {
  /// The worker by its flags, with the simulator's attribute sockets in the radio's place.
  package func kernelWorker(
    _ arguments: [String], deadline: Duration? = .seconds(60), input: [UInt8]? = nil,
    _ onLine: @escaping @Sendable (EventLine, Child) async -> Void = { _, _ in }
  ) async throws -> WorkerRun {
    let surroundings = environment.merging(["BLUPOW_ATT_SOCKETS": simulation.attSockets]) { $1 }
    let command =
      if let input {
        Command(path: Built.path("blupow-worker"), environment: surroundings, input: input)
      } else {
        Command(path: Built.path("blupow-worker"), arguments: arguments, environment: surroundings)
      }
    let child = try await Spawner.shared.start(command, limits: .worker, deadline: deadline)
    var run = WorkerRun()
    defer { WireRecord.keep(run.raw.filter { $0.hasPrefix("{") }, "worker.events") }
    for await event in child.output {
      switch event {
      case .line(let line):
        run.raw.append(String(decoding: line, as: UTF8.self))
        if let event = try? Wire.decode(EventLine.self, from: line) {
          run.events.append(event)
          await onLine(event, child)
        }
      case .errorLine(let line): run.log.append(line)
      case .ended(let ending): run.ending = ending
      case .overflow, .deadline, .killed: break
      }
    }
    return run
  }

  /// A poll of the standard inverter by hand, by the kernel's link.
  package func kernelPoll(
    _ more: [String] = [], deadline: String = "25s",
    _ onLine: @escaping @Sendable (EventLine, Child) async -> Void = { _, _ in }
  ) async throws -> WorkerRun {
    try await kernelWorker(
      ["poll", "--address", Self.address, "--profile", "inverter", "--unit", "32", "--deadline", deadline] + more, onLine)
  }
}
