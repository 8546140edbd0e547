import CLinux
import FoundationEssentials
import Glibc
import Readings
import Simulator

func say(_ text: String, to descriptor: Int32) {
  _ = text.withCString { write(descriptor, $0, strlen($0)) }
}

func finish(_ code: ExitCode, _ sentence: String) -> Never {
  say("blupow-simulator: \(sentence)\n", to: 2)
  exit(code.rawValue)
}

func setup(from file: String?) throws(Mistake) -> Setup {
  guard let file else { return .standard }
  guard let bytes = try? Data(contentsOf: URL(fileURLWithPath: file)) else { throw Mistake("\(file) cannot be read.") }
  let json: JSON
  do { json = try JSON(parsing: Array(bytes)) } catch { throw Mistake("\(file) is not JSON.") }
  do { return try Setup(json) } catch { throw Mistake("\(file): \(error).") }
}

let invocation: Invocation
do {
  switch try Invocation.parse(Array(CommandLine.arguments.dropFirst())) {
  case .run(let asked): invocation = asked
  case .help:
    say(Invocation.usage, to: 1)
    exit(0)
  case .version:
    say("blupow-simulator, protocol \(Wire.version)\n", to: 1)
    exit(0)
  }
} catch { finish(.usage, error.description) }

if invocation.diesWithParent {
  let parent = getppid()
  _ = blupow_die_with_parent(SIGKILL)
  // It may have gone before that was asked.
  if getppid() != parent { finish(.unavailable, "The process that started this one is gone.") }
}

let bus: PrivateBus
do { bus = try PrivateBus(getenv("DBUS_SYSTEM_BUS_ADDRESS").map { String(cString: $0) }) } catch {
  finish(.usage, error.description)
}

let world: Setup
do { world = try setup(from: invocation.config) } catch { finish(.config, error.description) }

let stop = blupow_catch_stop()
guard stop >= 0 else { finish(.software, "Signals cannot be caught (\(-stop)).") }

do {
  var runner = try Runner(
    world, address: bus.address, stop: stop, input: invocation.control ? 0 : nil,
    attSockets: invocation.attSockets)
  if case .unavailable(let sentence) = runner.run() { finish(.unavailable, sentence) }
} catch {
  if case .unavailable(let sentence) = error { finish(.unavailable, sentence) }
}
