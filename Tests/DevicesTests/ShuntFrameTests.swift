import Devices
import Readings
import Testing

@Suite struct ShuntFrameTests {
  /// f112, which was cut in its source, with an element of ours for the temperature and zeros to its length.
  static func frame(temperature: UInt16 = 0x8000) -> [UInt8] {
    var frame = bytes(CapturedFrame["f112"].responseHex ?? "")
    frame += [UInt8](repeating: 0, count: ShuntFrame.length - frame.count)
    (frame[66], frame[67]) = (UInt8(temperature >> 8), UInt8(temperature & 0xFF))
    return frame
  }

  @Test func `a captured frame's values, and no temperature without a probe`() throws {
    let decoding = try ShuntFrame(Self.frame()).decode(.shunt300)
    #expect(decoding.readings["battery_current"] == Reading(.number(-8.719), unit: "A"))
    #expect(decoding.readings["battery_voltage"] == Reading(.number(13.285), unit: "V"))
    #expect(decoding.readings["battery_soc"] == Reading(.number(96.5), unit: "%"))
    #expect(decoding.readings["starter_voltage"] == Reading(.number(0), unit: "V"))
    #expect(decoding.readings["battery_power"] == Reading(.number(-115.832), unit: "W") && decoding.derived == ["battery_power"])
    #expect(decoding.readings["battery_temperature"] == nil && decoding.implausible == [])
    let cold = try ShuntFrame(Self.frame(temperature: UInt16(bitPattern: -105))).decode(.shunt300)
    #expect(cold.readings["battery_temperature"] == Reading(.number(-10.5), unit: "°C"))
  }

  @Test func `a value that cannot be is missing and counted`() throws {
    var frame = Self.frame()
    (frame[34], frame[35]) = (0x04, 0x00)  // 102.4 %
    let decoding = try ShuntFrame(frame).decode(.shunt300)
    #expect(decoding.readings["battery_soc"] == nil && decoding.implausible == ["battery_soc"])
  }

  @Test(arguments: [20, 24, 28, 32]) func `a frame of another layout is none`(byte: Int) {
    var frame = Self.frame()
    frame[byte] ^= 1
    #expect(throws: ShuntFrame.Fault.layout(byte: byte, got: frame[byte])) { try ShuntFrame(frame) }
  }

  @Test func `a part of one is none, but where a record was cut`() throws {
    let part = Self.frame().prefix(56)
    #expect(throws: ShuntFrame.Fault.truncated(got: 56)) { try ShuntFrame(part) }
    #expect(try ShuntFrame(part, isCut: true).decode(.shunt300).readings["battery_soc"] == Reading(.number(96.5), unit: "%"))
    #expect(throws: ShuntFrame.Fault.truncated(got: 35)) { try ShuntFrame(part.prefix(35), isCut: true) }
  }

  @Test(arguments: [1, 7, 20, 110, 244]) func `however it is cut, and behind whatever, a frame is found`(size: Int) throws {
    let history = [0x42, 0x57, 0x01, 0x0B] + [UInt8](repeating: 0x42, count: 106)
    let stream = [0x61, 0xD2, 0, 0] + history + Self.frame() + Self.frame(temperature: 215)
    var found: [ShuntFrame] = []
    var frames = ShuntStream()
    for start in stride(from: 0, to: stream.count, by: size) {
      if case .success(let frame) = frames.append(Array(stream[start..<min(start + size, stream.count)])) { found.append(frame) }
    }
    #expect(try found.first == ShuntFrame(Self.frame()))
  }

  @Test func `a frame that another one begins in was cut short, and the two make none`() throws {
    var frames = ShuntStream()
    #expect(frames.append(Array(Self.frame().prefix(55))) == nil)
    #expect(frames.append(Array(Self.frame().prefix(55))) == .failure(.truncated(got: 55)))
    guard case .success(let frame) = frames.append(Array(Self.frame().suffix(55))) else {
      Issue.record("the whole one was not found")
      return
    }
    #expect(try frame == ShuntFrame(Self.frame()))
  }

  @Test func `pieces that were not neighbours make no frame, and nothing grows`() throws {
    var frames = ShuntStream()
    #expect(frames.append(Array(Self.frame().prefix(60))) == nil)
    // More than is kept, with the end of a frame behind it.
    #expect(frames.append([UInt8](repeating: 0, count: 1000) + Self.frame().suffix(50)) == nil)
    for _ in 0..<100 {
      _ = frames.append(Self.frame() + Self.frame())
      #expect(frames.rest.count <= ShuntStream.limit)
    }
  }

  /// A link that has these chunks, and then nothing.
  final class Pushing: Link {
    var chunks: [[UInt8]]
    init(_ chunks: [[UInt8]]) { self.chunks = chunks }
    func send(_ frame: [UInt8]) { Issue.record("a shunt is listened to") }
    func receive(until deadline: ContinuousClock.Instant) -> [UInt8]? { chunks.isEmpty ? nil : chunks.removeFirst() }
  }

  func poll(_ chunks: [[UInt8]]) throws -> Result<DeviceReadings, FailureReport> {
    try PushedPoll(
      DeviceRequest(name: "Shunt", profile: "shunt300"), profile: .shunt300, link: Pushing(chunks), deadline: .now + .seconds(60)
    ).run()
  }

  @Test func `the first whole frame is the poll`() throws {
    let frame = Self.frame()
    let readings = try poll([Array(frame[60...]), Array(frame[..<60]), Array(frame[60...])]).get()
    #expect(readings.profile == "shunt300" && readings.readings["battery_soc"] == Reading(.number(96.5), unit: "%"))
  }

  @Test func `silence, damage and another device are failures of their own`() throws {
    func failure(_ chunks: [[UInt8]]) throws -> Failure? {
      if case .failure(let report) = try poll(chunks) { report.failure } else { nil }
    }
    var damaged = Self.frame()
    damaged[20] = 0
    #expect(try failure([]) == .silent)
    #expect(try failure([Array(Self.frame().prefix(100))]) == .silent)
    #expect(try failure([[UInt8]](repeating: damaged, count: 3)) == .badFrames)
    var empty = Self.frame()
    for byte in [21, 22, 23, 25, 26, 27, 34, 35] { empty[byte] = 0x7F }
    #expect(try failure([empty]) == .wrongProfile)
  }
}
