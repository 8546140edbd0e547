import Glibc
import Readings

/// What the animals share: reading the request, and answering it.
extension Animal {
  static func readRequest() -> Request? {
    var line: [UInt8] = []
    var byte: UInt8 = 0
    while read(0, &byte, 1) == 1, byte != UInt8(ascii: "\n") { line.append(byte) }
    return try? Request.parse(line)
  }

  static func device(of request: Request?) -> DeviceRequest? {
    guard case .poll(let poll) = request?.job else { return nil }
    return poll.devices.first
  }

  static func readings(of request: Request?) -> DeviceReadings {
    readings(of: device(of: request) ?? DeviceRequest(name: "Inverter", profile: "inverter"))
  }

  static func readings(of device: DeviceRequest) -> DeviceReadings {
    DeviceReadings(
      device: device.name, profile: device.profile, unit: device.unit ?? 32, model: "RIV1230RCH-SPS",
      readings: ["battery_voltage": Reading(.number(52.4), unit: "V")])
  }

  static func found(_ unit: UInt8, model: String? = nil) -> Found {
    Found(unit: unit, profile: "inverter", confidence: model == nil ? .guess : .model, model: model)
  }

  /// A correct answer for every device of the request.
  static func answer(_ request: Request?) {
    guard let request, case .poll(let poll) = request.job else { exit(64) }
    for stage in [Stage.lock, .bus, .connect, .services, .subscribe, .read] { say(request.poll, .stage(stage, attempt: 1)) }
    for device in poll.devices { say(request.poll, .readings(readings(of: device))) }
    say(
      request.poll, .stage(.disconnect, attempt: 1),
      .done(Done(link: .closed, stages: [.connect: 1200, .read: 800], connectMs: 1240, attempts: 1)))
  }

  static func release(_ request: Request, well: Bool) -> Never {
    guard well else {
      say(request.poll, .failed(device: nil, FailureReport(.daemonSilent, at: .release, "Disconnect was not answered.")))
      exit(75)
    }
    say(request.poll, .stage(.release, attempt: 1), .done(Done(link: .closed, foundStanding: true)))
    exit(0)
  }

  static func say(_ poll: String, _ events: Event...) {
    for event in events { write(line(poll, event)) }
  }

  static func line(_ poll: String, _ event: Event) -> [UInt8] {
    guard let line = try? Wire.line(EventLine(poll: poll, time: .milliseconds(1), event: event)) else { abort() }
    return line
  }

  static func write(_ text: some StringProtocol, to descriptor: Int32 = 1) { write(Array(text.utf8), to: descriptor) }

  static func write(_ bytes: [UInt8], to descriptor: Int32 = 1) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }

  /// The lines of a file that are wanted.
  static func copy(_ path: String, where isWanted: (Substring) -> Bool) {
    guard let file = fopen(path, "r") else { return }
    var buffer = [UInt8](repeating: 0, count: 8192)
    let count = fread(&buffer, 1, buffer.count, file)
    for line in String(decoding: buffer[..<count], as: UTF8.self).split(separator: "\n") where isWanted(line) {
      write(line + "\n")
    }
  }

  static func sleepForEver() -> Never {
    while true { pause() }
  }

}
