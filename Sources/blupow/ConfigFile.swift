import Devices
import Glibc
import Policy
import Publishers
import Readings
import Yams

/// The configuration file and the environment, checked whole and turned into what policy needs.
struct ConfigFile {
  static let standardPath = "/etc/blupow/blupow.yaml"
  static let maxBytes = 1_048_576
  static let maxDevices = 500

  /// The file that was asked for, else `$BLUPOW_CONFIG`, else the standard one.
  static func path(_ asked: String?) -> String {
    asked ?? getenv("BLUPOW_CONFIG").map { String(cString: $0) } ?? standardPath
  }

  /// All that a file says.
  struct Whole: Equatable {
    var gateway: GatewayConfig
    /// `nil`: nothing is published over MQTT.
    var mqtt: MQTTSettings?
    /// `nil`: nothing is served over TCP.
    var http: HTTPSettings?
    /// How long the history is kept.
    var keep = standardKeep
  }

  static func load(_ path: String, environment: [String: String] = processEnvironment) throws(ConfigError) -> Whole {
    try whole(try read(path), file: path, environment: environment)
  }

  /// What polls need of it; files that it names are not opened.
  static func loadGateway(_ path: String) throws(ConfigError) -> GatewayConfig {
    try whole(try read(path), file: path, environment: processEnvironment, opensFiles: false).gateway
  }

  static var processEnvironment: [String: String] {
    var found: [String: String] = [:]
    let names =
      scalars.map(variable) + mqttScalars.map(mqttVariable) + httpScalars.map(httpVariable) + historyScalars.map(historyVariable)
    for name in names + ["BLUPOW_MIN_INTERVAL", credentials, passwordVariable, tokenVariable] {
      if let value = getenv(name) { found[name] = String(cString: value) }
    }
    return found
  }

  static func parse(_ text: String, file: String, environment: [String: String] = [:]) throws(ConfigError) -> GatewayConfig {
    try whole(text, file: file, environment: environment).gateway
  }

  static func whole(
    _ text: String, file: String, environment: [String: String] = [:], opensFiles: Bool = true
  ) throws(ConfigError) -> Whole {
    // Some editors begin a file with it.
    let text = text.unicodeScalars.first == "\u{FEFF}" ? String(text.unicodeScalars.dropFirst()) : text
    if let (oddity, line, column) = YAMLGuard.find(in: text) {
      throw ConfigError(file, line: line, column: column, oddity.advice)
    }
    let root: Node?
    do {
      root = try Yams.compose(yaml: text)
    } catch let error as YamlError {
      throw syntax(error, file)
    } catch {
      throw ConfigError(file, "\(error)")
    }
    guard let root else { throw ConfigError(file, "is empty; `blupow config example` prints one to begin with.") }
    var fields = try YAMLFields(root, file: file, known: scalars + ["devices", "mqtt", "http", "history"])
    let minimum = try environment["BLUPOW_MIN_INTERVAL"].map { text throws(ConfigError) in
      guard let value = Duration(text: text), value > .zero, value <= .seconds(300) else {
        throw ConfigError("BLUPOW_MIN_INTERVAL", "'\(text)' is not a duration from 1ms to 300s.")
      }
      return value
    }
    let intervals = (minimum ?? .seconds(10))...(.seconds(300))
    var config = GatewayConfig(name: hostName, devices: [])
    try apply(&fields, to: &config, intervals)
    for name in scalars {
      guard let value = environment[variable(name)] else { continue }
      let mapping = Node.mapping(.init([(Node(name), Node(value))]))
      var single = try YAMLFields(mapping, file: variable(name), known: scalars)
      try apply(&single, to: &config, intervals)
    }
    guard let devices = try fields.list("devices"), !devices.isEmpty else {
      throw fields.wrong("`devices` is missing: one entry with an address is a whole configuration.")
    }
    guard devices.count <= maxDevices else { throw fields.wrong("\(devices.count) devices; at most \(maxDevices) are allowed.") }
    for (index, node) in devices.enumerated() {
      let device = try device(node, file: file, path: "devices[\(index)]", intervals, config.devices)
      config.devices.append(device)
    }
    try check(config, fields)
    let mqtt = try mqtt(fields.take("mqtt"), file: file, environment: environment, opensFiles: opensFiles)
    let keep = try history(fields.take("history"), file: file, environment: environment)
    let http = try http(fields.take("http"), file: file, environment: environment, opensFiles: opensFiles)
    try fields.finish()
    return Whole(gateway: config, mqtt: mqtt, http: http, keep: keep)
  }

  // MARK: - Pieces

  /// Settings of one value: each can also be set by `BLUPOW_` and its name in capitals.
  static let scalars = [
    "gateway", "interval", "timeout", "attempts", "retry_delay", "cache_for", "grace", "link", "state_dir", "timeout_base",
    "timeout_step", "timeout_longest", "backoff_after", "backoff_longest", "sessions", "failing_sessions", "yield_after",
    "forget_after", "forget_every", "reset_adapter", "reset_after", "resets_per_hour", "probe_every", "summary_every",
    "diagnostics",
  ]

  static func variable(_ scalar: String) -> String { "BLUPOW_" + scalar.uppercased() }

  private static func apply(
    _ fields: inout YAMLFields, to config: inout GatewayConfig, _ intervals: ClosedRange<Duration>
  ) throws(ConfigError) {
    func duration(_ range: ClosedRange<Duration>) -> (String) -> Duration? {
      { text in Duration(text: text).flatMap { range.contains($0) ? $0 : nil } }
    }
    func words(_ range: ClosedRange<Duration>) -> String {
      "a duration from \(text(range.lowerBound)) to \(text(range.upperBound))"
    }
    if let name = try fields.value("gateway", "a name of 1 to 64 letters, digits, - and _", gatewayName) { config.name = name }
    if let interval = try fields.value("interval", words(intervals), duration(intervals)) { config.interval = interval }
    let timeouts = TimeoutScale.fixedLimits
    if let timeout = try fields.value(
      "timeout", "`auto` or \(words(timeouts))",
      { (text: String) -> TimeoutScale? in
        text == "auto" ? config.growingTimeout : duration(timeouts)(text).map { .fixed($0) }
      })
    {
      config.timeout = timeout
    }
    if let attempts = try fields.value("attempts", "a number from 1 to 5", number(1...5)) { config.attempts = attempts }
    let delays = Duration.zero ... .seconds(30)
    if let delay = try fields.value("retry_delay", words(delays), duration(delays)) { config.retryDelay = delay }
    let ages = Duration.zero ... .seconds(86_400)
    if let cache = try fields.value("cache_for", words(ages), duration(ages)) { config.cacheFor = cache }
    if let grace = try fields.value("grace", words(ages), duration(ages)) { config.grace = grace }
    if let link = try fields.value("link", links, { LinkChoice(rawValue: $0) }) { config.link = link }
    if let path = try fields.value("state_dir", "an absolute path", { $0.hasPrefix("/") ? $0 : nil }) {
      config.stateDirectory = path
    }
    config.diagnostics = try fields.flag("diagnostics") ?? config.diagnostics
    try applyScale(&fields, to: &config)
    try applyPolicy(&fields, to: &config.settings)
  }

  /// What cannot be meant together.
  private static func check(_ config: GatewayConfig, _ fields: YAMLFields) throws(ConfigError) {
    if case .growing(let base, _, let longest) = config.growingTimeout, longest < base {
      throw fields.wrong(
        of: ["timeout_longest", "timeout_base"],
        "timeout_longest (\(text(longest))) is less than timeout_base (\(text(base))); it is what that grows to.")
    }
    let (all, failing) = (config.settings.sessions, config.settings.failingSessions)
    if failing > all {
      throw fields.wrong(
        of: ["failing_sessions", "sessions"],
        "more failing_sessions (\(failing)) than sessions (\(all)); they are some of those.")
    }
  }

  /// The numbers of `timeout: auto`.
  private static func applyScale(_ fields: inout YAMLFields, to config: inout GatewayConfig) throws(ConfigError) {
    var scale = (base: TimeoutScale.base, step: TimeoutScale.step, longest: TimeoutScale.longest)
    if case .growing(let base, let step, let longest) = config.growingTimeout { scale = (base, step, longest) }
    let limits = TimeoutScale.fixedLimits
    scale.base = try fields.duration("timeout_base", limits) ?? scale.base
    scale.step = try fields.duration("timeout_step", .zero ... .seconds(30)) ?? scale.step
    scale.longest = try fields.duration("timeout_longest", limits) ?? scale.longest
    config.growingTimeout = .growing(base: scale.base, step: scale.step, longest: scale.longest)
    if case .growing = config.timeout { config.timeout = config.growingTimeout }
  }

  private static func applyPolicy(_ fields: inout YAMLFields, to settings: inout PolicySettings) throws(ConfigError) {
    settings.backOff.after = try fields.number("backoff_after", 0...10) ?? settings.backOff.after
    settings.backOff.longest = try fields.duration("backoff_longest", .seconds(1) ... .seconds(3600)) ?? settings.backOff.longest
    settings.sessions = try fields.number("sessions", 1...10) ?? settings.sessions
    settings.failingSessions = try fields.number("failing_sessions", 1...10) ?? settings.failingSessions
    settings.yieldAfter = try fields.number("yield_after", 1...100) ?? settings.yieldAfter
    settings.forgetAfter = try fields.number("forget_after", 1...100) ?? settings.forgetAfter
    settings.forgetEvery = try fields.duration("forget_every", .seconds(60) ... .seconds(86_400)) ?? settings.forgetEvery
    settings.resetsAdapter = try fields.flag("reset_adapter") ?? settings.resetsAdapter
    settings.resetAfter = try fields.duration("reset_after", .seconds(30) ... .seconds(3600)) ?? settings.resetAfter
    settings.resetsPerHour = try fields.number("resets_per_hour", 1...20) ?? settings.resetsPerHour
    settings.probeEvery = try fields.duration("probe_every", .seconds(1) ... .seconds(300)) ?? settings.probeEvery
    settings.summaryEvery = try fields.duration("summary_every", .seconds(60) ... .seconds(86_400)) ?? settings.summaryEvery
  }

  private static let deviceKeys = [
    "name", "address", "profile", "unit", "advertised", "adapter", "link", "interval", "test_mode",
  ]

  /// Every profile, and the word for one that is to be found out.
  static var profiles: [String] { Profile.all.map(\.name) + [DeviceConfig.automatic] }

  /// It is listened to only: nobody is asked for by a unit, and nobody else stands behind its module.
  static let shunt = "shunt300"

  private static let links = "`auto`, `kernel` or `bluez`"

  private static func device(
    _ node: Node, file: String, path: String, _ intervals: ClosedRange<Duration>, _ others: [DeviceConfig]
  ) throws(ConfigError) -> DeviceConfig {
    var fields = try YAMLFields(node, file: file, path: path, known: deviceKeys)
    guard let address = try fields.value("address", "a Bluetooth address like D8:B6:73:BF:4F:75", { Address($0) }) else {
      throw fields.wrong("`address` is missing: the module's Bluetooth address, which `blupow scan` shows.")
    }
    let profiles = Self.profiles
    let profile =
      try fields.value("profile", "one of: \(profiles.joined(separator: ", "))") {
        profiles.contains($0) ? $0 : nil
      } ?? DeviceConfig.automatic
    let name = try fields.value("name", "a name of 1 to \(Wire.maxNameBytes) bytes, without control characters") {
      $0.utf8.count <= Wire.maxNameBytes && $0 == Printable.text($0, maxBytes: Wire.maxNameBytes) && $0.contains { $0 != " " }
        ? $0 : nil
    }
    if profile == shunt, let (_, node) = try fields.text("unit") {
      throw fields.wrong("unit", node, "a \(shunt) is listened to only, and has no unit; leave it out.")
    }
    let unit = try fields.value("unit", "a Modbus unit from 1 to 255", number(1...255)).map { UInt8($0) }
    let advertised = try fields.value("advertised", "an advertised name of 1 to \(Wire.maxNameBytes) bytes") {
      $0.utf8.count <= Wire.maxNameBytes ? $0 : nil
    }
    let adapter = try fields.value("adapter", "an adapter's name like hci0") { adapterName($0) }
    let link = try fields.value("link", links) { LinkChoice(rawValue: $0) }
    let interval = try fields.value(
      "interval", "a duration from \(text(intervals.lowerBound)) to \(text(intervals.upperBound))"
    ) { text in Duration(text: text).flatMap { intervals.contains($0) ? $0 : nil } }
    let testMode = try fields.value("test_mode", "true or false") { ["true": true, "false": false][$0] } ?? false
    let device = DeviceConfig(
      name: name ?? address.text, address: address, profile: profile, unit: unit, advertised: advertised,
      adapter: adapter, link: link, interval: interval, testMode: testMode)
    if others.contains(where: { $0.name == device.name }) {
      throw fields.wrong(
        of: ["name", "address"], "another device is called '\(device.name)' already; give each a name of its own.")
    }
    let neighbours = others.filter { $0.address == address }
    if !neighbours.isEmpty, profile == shunt || neighbours.contains(where: { $0.profile == shunt }) {
      throw fields.wrong(of: ["address"], "another entry has this address; a \(shunt) is alone behind its module.")
    }
    let units = (neighbours.map(\.unit) + [unit]).map { $0 ?? ReadRequest.anyUnit }
    if !neighbours.isEmpty, units.contains(ReadRequest.anyUnit) || Set(units).count < units.count {
      throw fields.wrong(
        of: ["unit", "address"], "another entry has this address; behind a hub every entry names a `unit` of its own, 1 to 254.")
    }
    if neighbours.count >= Wire.maxDevices {
      throw fields.wrong("more than \(Wire.maxDevices) devices share the address \(address).")
    }
    try fields.finish()
    return device
  }

  static func number(_ range: ClosedRange<Int>) -> (String) -> Int? {
    { text in Int(text).flatMap { range.contains($0) ? $0 : nil } }
  }

  private static func adapterName(_ text: String) -> String? {
    text.hasPrefix("hci") && UInt8(text.dropFirst(3)).map { "hci\($0)" == text && $0 < 100 } == true ? text : nil
  }

  private static func gatewayName(_ text: String) -> String? {
    let isAllowed = text.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
    }
    return (1...64).contains(text.utf8.count) && isAllowed ? text : nil
  }

  static func text(_ duration: Duration) -> String {
    duration.milliseconds % 1000 == 0 ? "\(duration.milliseconds / 1000)s" : "\(duration.milliseconds)ms"
  }

  /// The host's own name, as far as it is fit to be one.
  private static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, 255) == 0 else { return "blupow" }
    let bytes = buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
    let first = String(decoding: bytes, as: UTF8.self).split(separator: ".").first.map(String.init) ?? ""
    return gatewayName(first) ?? "blupow"
  }

  static let hint = "`blupow config example` prints one to begin with; --config or BLUPOW_CONFIG names another."

  /// - Parameter hint: what to do where it cannot be opened.
  static func read(_ path: String, hint: String = Self.hint) throws(ConfigError) -> String {
    // Non-blocking: a FIFO that stands there must not hold us.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else {
      let reason = String(cString: strerror(errno))
      throw ConfigError(path, "cannot be read: \(reason). \(hint)")
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw ConfigError(path, "is not a file.")
    }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = Glibc.read(descriptor, &chunk, chunk.count)
      if count < 0 { throw ConfigError(path, "cannot be read: \(String(cString: strerror(errno))).") }
      if count == 0 { break }
      bytes += chunk[..<count]
      if bytes.count > maxBytes { throw ConfigError(path, "is longer than \(maxBytes) bytes.") }
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw ConfigError(path, "is not UTF-8 text.") }
    return text
  }

  /// libyaml's words, where they do not say what to do.
  private static func explain(_ problem: String) -> String {
    if problem.contains("cannot start any token") {
      return
        "is not YAML: a character that cannot stand here; indent with spaces, never with tabs, and quote a text that begins with it."
    }
    if problem.contains("another document") { return "a second document begins (`---`); one file is one configuration." }
    return "is not YAML: \(problem)."
  }

  /// What libyaml does not read at all.
  private static func control(in text: String, _ file: String) -> ConfigError {
    var (line, column) = (1, 1)
    for scalar in text.unicodeScalars {
      if scalar == "\n" { (line, column) = (line + 1, 0) }
      if scalar.value < 0x20 && !"\t\n\r".unicodeScalars.contains(scalar)
        || (0x7F...0x9F).contains(scalar.value) && scalar != "\u{85}"
      {
        break
      }
      column += 1
    }
    return ConfigError(file, line: line, column: column, "a control character stands here; the file is no text.")
  }

  private static func syntax(_ error: YamlError, _ file: String) -> ConfigError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
      ConfigError(file, line: mark.line, column: mark.column, explain(problem))
    case .duplicatedKeysInMapping(let duplicates, let context):
      ConfigError(
        file, line: context.mark.line, column: context.mark.column,
        "the same key stands twice: \(duplicates.sorted().joined(separator: ", ")).")
    case .reader(_, _, _, let yaml):
      control(in: yaml, file)
    default: ConfigError(file, "is not YAML: \(error)")
    }
  }
}
