import Devices
import Readings

/// The worker by hand: flags instead of a request line.
enum Arguments {
  case request(Request)
  /// `--help` or `--version`.
  case print(String)

  static let version = "blupow-worker \(Wire.release) (protocol \(Wire.version))"

  static let help = """
    usage: blupow-worker poll --address A --profile P [--unit N] [--adapter hci0] [--deadline 25s]
                              [--attempts 2] [--retry-delay 2s] [--model M] [--name N] [--days N] [--link auto] [--forget] [--yield]
                              [--transcript F]
           blupow-worker identify --address A [--adapter hci0] [--deadline 45s] [--attempts 2] [--retry-delay 2s] [--link auto]
           blupow-worker scan [--for 10s] [--adapter hci0] [--deadline T]
           blupow-worker release --address A [--adapter hci0] [--deadline 8s]
           blupow-worker probe [--deadline 8s]
           blupow-worker reset-adapter [--adapter hci0] [--deadline 15s]

    One job on the radio, then it ends: event lines (JSON) on standard output, a log on standard error.
    Without arguments it reads one request line from standard input, as its supervisor sends it.

      --address A      the module's Bluetooth address, D8:B6:73:BF:4F:75
      --profile P      what answers there: \(Profile.all.map(\.name).joined(separator: ", ")), or auto: by its name, else by
                       what it answers
      --name N         as the module advertises itself, where known: how a battery's current is coded depends on it (default: asked)
      --days N         days of the device's own record, today's included, where it keeps one (a controller)
      --unit N         its Modbus unit, 1 to 255 (default: the profile's)
      --adapter NAME   the Bluetooth adapter (default: any that is on; to reset: the only one)
      --deadline T     launch to exit, \(Int(Request.deadlines.lowerBound.seconds))s to \(Int(Request.deadlines.upperBound.seconds))s
      --attempts N     connection tries, 1 to 5
      --retry-delay T  pause before the second try; it doubles
      --model M        the model, where known: some signs depend on it
      --link WHICH     auto, kernel or bluez: the kernel's own link dies with this process, bluetoothd's does not
      --forget         bluetoothd drops what it remembers of the module first, and looks for it anew (RemoveDevice)
      --yield          a link of another program's on this host is left alone: the poll fails as busy
      --transcript F   write each frame to this new file as it goes by: `blupow decode` reads it, and it can be shared as it is
      --for T          how long to scan

    exit: 0 ok, 64 usage, 69 bus, bluetoothd or adapter missing or off, 70 a bug, 75 try again, 76 broken protocol, 77 refused
    The bus is the one that DBUS_SYSTEM_BUS_ADDRESS names, else the system bus.
    """

  static func parse(_ arguments: [String]) throws(FailureReport) -> Arguments {
    if arguments.contains("--help") || arguments.contains("-h") { return .print(help) }
    if arguments.contains("--version") { return .print(version) }
    guard let job = arguments.first else { throw usage("No job was given.") }
    var flags: [String: String] = [:]
    var rest = arguments.dropFirst()
    while let flag = rest.popFirst() {
      guard let allowed = Self.flags[job] else { throw FailureReport(.jobUnknown, at: .start, "There is no job '\(job)'.") }
      let parts = flag.split(separator: "=", maxSplits: 1).map(String.init)
      guard let name = parts.first, allowed.contains(name) else { throw usage("\(job) has no argument '\(flag)'.") }
      if switches.contains(name) {
        guard parts.count == 1 else { throw usage("\(name) takes no value.") }
        flags[name] = ""
        continue
      }
      guard let value = parts.count == 2 ? parts[1] : rest.popFirst() else { throw usage("\(name) needs a value.") }
      flags[name] = value
    }
    var request = try request(job, flags)
    request.transcript = flags["--transcript"]
    return .request(request)
  }

  private static let flags: [String: Set<String>] = [
    "poll": [
      "--address", "--profile", "--unit", "--adapter", "--deadline", "--attempts", "--retry-delay", "--model",
      "--name", "--days", "--link", "--forget", "--yield", "--transcript",
    ],
    "identify": [
      "--address", "--adapter", "--deadline", "--attempts", "--retry-delay", "--link", "--forget", "--yield",
    ],
    "scan": ["--for", "--adapter", "--deadline"],
    "release": ["--address", "--adapter", "--deadline"],
    "probe": ["--deadline"],
    "reset-adapter": ["--adapter", "--deadline"],
  ]

  /// Flags that are either there or not.
  private static let switches: Set<String> = ["--forget", "--yield"]

  private static func request(_ job: String, _ flags: [String: String]) throws(FailureReport) -> Request {
    func duration(_ flag: String, _ standard: Duration) throws(FailureReport) -> Duration {
      guard let text = flags[flag] else { return standard }
      guard let value = Duration(text: text) else { throw usage("\(flag) '\(text)' is not a duration like 25s.") }
      return value
    }
    func number(_ flag: String, in range: ClosedRange<Int>) throws(FailureReport) -> Int? {
      guard let text = flags[flag] else { return nil }
      guard let value = Int(text), range.contains(value) else {
        throw usage("\(flag) '\(text)' is not a number from \(range.lowerBound) to \(range.upperBound).")
      }
      return value
    }
    func module() throws(FailureReport) -> Module {
      guard let text = flags["--address"] else { throw usage("\(job) needs --address.") }
      guard let address = Address(text) else { throw usage("--address '\(text)' is not like D8:B6:73:BF:4F:75.") }
      return Module(address: address, adapter: flags["--adapter"], name: flags["--name"])
    }

    func session(_ devices: [DeviceRequest]) throws(FailureReport) -> PollJob {
      let link = flags["--link"] ?? LinkChoice.auto.rawValue
      guard let link = LinkChoice(rawValue: link) else { throw usage("--link '\(link)' is not auto, kernel or bluez.") }
      return PollJob(
        module: try module(), devices: devices, attempts: try number("--attempts", in: 1...5) ?? 2,
        retryDelay: try duration("--retry-delay", .seconds(2)), link: link, forgets: flags["--forget"] != nil,
        yields: flags["--yield"] != nil)
    }

    let parsed: Request.Job
    let deadlines: [String: Duration] = ["poll": .seconds(25), "identify": .seconds(45), "reset-adapter": .seconds(15)]
    var deadline = try duration("--deadline", deadlines[job] ?? .seconds(8))
    switch job {
    case "poll":
      guard let profile = flags["--profile"] else { throw usage("poll needs --profile.") }
      let device = DeviceRequest(
        name: profile, profile: profile, unit: try number("--unit", in: 1...255).map(UInt8.init), model: flags["--model"],
        days: try number("--days", in: 0...Wire.maxDays) ?? 0)
      parsed = .poll(try session([device]))
    case "identify": parsed = .identify(try session([]))
    case "scan":
      let time = try duration("--for", .seconds(10))
      if flags["--deadline"] == nil { deadline = time + .seconds(5) }
      guard time >= .seconds(1), time < deadline else { throw usage("--for must be 1s or more and less than the deadline.") }
      parsed = .scan(duration: time, adapter: flags["--adapter"])
    case "release": parsed = .release(try module())
    case "probe": parsed = .probe
    case "reset-adapter": parsed = .resetAdapter(adapter: flags["--adapter"])
    default: throw FailureReport(.jobUnknown, at: .start, "There is no job '\(job)'.")
    }
    guard Request.deadlines.contains(deadline) else {
      let range = Request.deadlines
      throw usage(
        "The deadline \(deadline.shortSeconds) is not within \(range.lowerBound.shortSeconds) to \(range.upperBound.shortSeconds)."
      )
    }
    let request = Request(poll: "hand", deadline: deadline, job: parsed)
    // The flags are the request's fields: what its line would be refused for, they are.
    guard let line = try? Wire.line(request).dropLast() else { throw usage("The arguments make no request.") }
    return try Request.parse(Array(line))
  }

  private static func usage(_ text: String) -> FailureReport { FailureReport(.badRequest, at: .start, text) }
}
