import Glibc
import Logging
import Policy
import Readings
import Rig
import Supervisor

// Polls each animal that is named, all at once, and tells what came of them and what is left. A poll's id is the animal's name.

@Sendable func say(_ text: String) {
  let bytes = Array((text + "\n").utf8)
  _ = write(1, bytes, bytes.count)
}

let log = Logger(label: "nursery", factory: { _ in PrintingLog() })

func poll(_ guest: Options.Guest) async -> PollOutcome {
  guard let address = Address("D8:B6:73:BF:4F:75") else { fatalError("it is an address") }
  let runner = PollRunner(
    worker: WorkerCommand(path: Built.path("zoo"), arguments: guest.words, environment: [:]), grace: .milliseconds(300), log: log)
  let devices = [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)]
  return await runner.poll(
    Request(
      poll: guest.words.joined(separator: ","), deadline: .seconds(guest.seconds),
      job: .poll(PollJob(module: Module(address: address), devices: devices))))
}

func startByHand(runsAway: Bool) -> pid_t {
  var pid: pid_t = 0
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  // POSIX_SPAWN_SETSID: an extension of glibc's, which its Swift module leaves out.
  if runsAway { posix_spawnattr_setflags(&attributes, 0x80) }
  let arguments: [UnsafeMutablePointer<CChar>?] = [strdup("sleep"), strdup("60"), nil]
  let nothing: [UnsafeMutablePointer<CChar>?] = [nil]
  guard posix_spawn(&pid, "/bin/sleep", nil, &attributes, arguments, nothing) == 0 else { fatalError("no sleep") }
  return pid
}

let options = Options(CommandLine.arguments.dropFirst())
if options.adopts { Spawner.shared.adoptOrphans() }
let own = options.ownChild.map { startByHand(runsAway: $0.runsAway) }

// What the runtime opens and starts once is there afterwards.
await withTaskGroup(of: Void.self) { group in
  for _ in 0..<8 { group.addTask { _ = await poll(Options.Guest("fine")) } }
}
if options.ignoresEnds { signal(SIGCHLD, SIG_IGN) }
let descriptors = Processes.descriptors().count
let threads = Processes.threads().count
let resident = Processes.residentKiB()
await withTaskGroup(of: Void.self) { group in
  for guest in options.guests {
    group.addTask {
      let outcome = await poll(guest)
      let failure = outcome.answers.values.first?.failure
      say(
        """
        result \(outcome.poll) \(failure?.failure.rawValue ?? "ok") release=\(outcome.needsRelease) \
        ms=\(outcome.lasted.milliseconds) \(failure?.message ?? "")
        """)
    }
  }
}
if let own {
  say("own child \(Processes.state(of: own).map { $0 == "Z" ? "killed" : "lives" } ?? "gone")")
  kill(own, SIGKILL)
  waitpid(own, nil, 0)
}
say("grown \(Processes.residentKiB() - resident)")
say(
  """
  left children=\(Processes.children().count) descriptors=\(Processes.descriptors().count - descriptors) \
  threads=\(Processes.threads().count - threads) abandoned=\(Spawner.shared.abandonedCount)
  """)
