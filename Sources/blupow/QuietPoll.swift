import Glibc
import Logging
import Policy
import Publishers
import Readings
import Supervisor

/// One poll of a module that takes nothing from anybody: a link of another program's is left alone, and neither link nor file is left.
struct QuietPoll {
  /// Longer is for modules that have failed before.
  static let longest = Duration.seconds(25)

  let worker: WorkerCommand
  let log: Logger

  /// The outcome; and why the link that it left could not be freed, where it left one.
  func poll(_ module: ModuleConfig) async -> (PollOutcome, left: FailureReport?) {
    let deadline = min(module.timeout.deadline(afterFailures: 0), Self.longest)
    let job = PollJob(
      module: module.module, devices: module.devices.map { DeviceMemory().request($0, at: .now) },
      attempts: deadline < .seconds(15) ? 1 : module.attempts, retryDelay: module.retryDelay, link: module.link, yields: true)
    let place = LockPlace(for: module.module.address, in: worker.environment)
    defer { place.leave() }
    let runner = PollRunner(worker: place.command(worker), log: log)
    let outcome = await runner.poll(Request(poll: "doctor", deadline: deadline, job: .poll(job)))
    guard outcome.needsRelease else { return (outcome, nil) }
    let release = Request(poll: "doctor", deadline: .seconds(8), job: .release(module.module))
    // A task of its own: it is what cleans up after a cancellation.
    return (outcome, await Task { await runner.release(release) }.value)
  }
}

/// Where a worker finds its module's lock. Workers make one where there is none: then it is made in a directory that goes with it.
private struct LockPlace {
  /// `nil`: the usual one has it already.
  private var own: String?
  private let address: Address

  init(for address: Address, in environment: [String: String]) {
    self.address = address
    let user = environment["XDG_RUNTIME_DIR"].flatMap { $0.hasPrefix("/") ? "\($0)/blupow" : nil }
    let usual = (SocketPath.isHostsBus(environment) ? ["/run/blupow"] : []) + [user ?? "/tmp/blupow-\(geteuid())"]
    guard !usual.contains(where: { access("\($0)/lock/\(address)", F_OK) == 0 }) else { return }
    var template = Array("/tmp/blupow-doctor-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { return }
    own = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  func command(_ worker: WorkerCommand) -> WorkerCommand {
    var command = worker
    if let own { command.environment["XDG_RUNTIME_DIR"] = own }
    return command
  }

  func leave() {
    guard let own else { return }
    unlink("\(own)/blupow/lock/\(address)")
    for folder in ["\(own)/blupow/lock", "\(own)/blupow", own] { rmdir(folder) }
  }
}
