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
    return try await run(command, deadline, onLine)
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
