import Glibc
import Logging
import Policy
import Readings
import Rig
import Supervisor

// Figures of a release build: `swift build -c release --static-swift-stdlib --product bench` and its siblings, then run it.
// Everything in one run, in turn, so that the ratios hold though the machine is noisy.

let rounds = 100
let scene = try await Scene.one(#""known":true"#, delays: Scene.noDelay)
let worker = WorkerCommand(path: Built.path("blupow-worker"), environment: scene.environment)

func request(_ number: Int) throws -> Request {
  guard let address = Address(Scene.address) else { fatalError("the scene's address is one") }
  return Request(
    poll: "bench-\(number)", deadline: .seconds(25),
    job: .poll(
      PollJob(module: Module(address: address), devices: [DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)])))
}

/// A program with nothing around it: no pipes, one blocking wait.
func bare(_ words: [String], _ variables: [String: String]) -> Duration {
  let start = ContinuousClock.now
  var pid: pid_t = 0
  var arguments: [UnsafeMutablePointer<CChar>?] = words.map { strdup($0) }
  arguments.append(nil)
  var environment: [UnsafeMutablePointer<CChar>?] = variables.map { strdup("\($0.key)=\($0.value)") }
  environment.append(nil)
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  for descriptor: Int32 in 1...2 { posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_WRONLY, 0) }
  guard posix_spawn(&pid, words[0], &actions, nil, arguments, environment) == 0 else { fatalError("no \(words[0])") }
  var status: Int32 = 0
  waitpid(pid, &status, 0)
  posix_spawn_file_actions_destroy(&actions)
  for pointer in arguments + environment { free(pointer) }
  guard status == 0 else { fatalError("\(words) failed: \(status)") }
  return start.duration(to: .now)
}

/// The worker by its flags.
func bare() -> Duration {
  bare([worker.path, "poll", "--address", Scene.address, "--profile", "inverter", "--unit", "32"], worker.environment)
}

let runner = PollRunner(worker: worker, log: Logger(label: "bench", factory: { _ in SwiftLogNoOpLogHandler() }))
var bareTimes: [Duration] = []
var supervisedTimes: [Duration] = []
var readingTimes: [Duration] = []
var cpu: [Duration] = []
for number in 0..<rounds {
  bareTimes.append(bare())
  let start = ContinuousClock.now
  let outcome = await runner.poll(try request(number))
  supervisedTimes.append(start.duration(to: .now))
  guard outcome.succeeded else { fatalError("a poll failed: \(outcome)") }
  cpu.append(outcome.workerCPU)
  readingTimes.append(try await scene.timeToReadings())
}

func milliseconds(_ times: [Duration], _ share: Double = 0.5) -> String {
  let sorted = times.sorted()
  let time = sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  return String(Double((time.seconds * 100_000).rounded()) / 100)
}

let first = try await (0..<rounds).asyncMap { _ in try await FirstMessage.measure(worker: worker.path) }
let peak = try await scene.peakMemory()

print("worker start to first D-Bus message   median \(milliseconds(first)) ms, p95 \(milliseconds(first, 0.95)) ms")
print("worker peak memory (VmHWM)            \(peak) KiB")
print(
  "worker launch to readings, five blocks median \(milliseconds(readingTimes)) ms, p95 \(milliseconds(readingTimes, 0.95)) ms")
print("worker CPU of a poll                  median \(milliseconds(cpu)) ms")
print("bare worker, launch to end            median \(milliseconds(bareTimes)) ms")
print("supervised poll                       median \(milliseconds(supervisedTimes)) ms")

// A check of a running service, beside a command that asks nobody.
let service = try await scene.start(
  ["run"], config: "devices:\n  - {name: Inverter, address: '\(Scene.address)', profile: inverter, unit: 32}\n",
  deadline: .seconds(600)
)
while try await scene.blupow(["status"]).exitCode != 0 {}
var healthTimes: [Duration] = []
var versionTimes: [Duration] = []
for _ in 0..<rounds {
  healthTimes.append(bare([Built.path("blupow"), "health", "--starting", "1000"], scene.environment))
  versionTimes.append(bare([Built.path("blupow"), "--version"], scene.environment))
}
print("blupow health, launch to end          median \(milliseconds(healthTimes)) ms, p95 \(milliseconds(healthTimes, 0.95)) ms")
print("blupow --version, launch to end       median \(milliseconds(versionTimes)) ms, p95 \(milliseconds(versionTimes, 0.95)) ms")
service.stop()
for await _ in service.output {}
await scene.end()

extension Sequence {
  func asyncMap<T>(_ transform: (Element) async throws -> T) async rethrows -> [T] {
    var result: [T] = []
    for element in self { result.append(try await transform(element)) }
    return result
  }
}
