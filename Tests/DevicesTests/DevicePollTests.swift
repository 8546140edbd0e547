import Devices
import Readings
import Testing

/// A module that answers from registers, with the faults that it is given; time passes only in what it says.
final class ScriptedModule: Link {
  var unit: UInt8 = 32
  /// Whether it answers unit 255 too, with its own id.
  var answersAny = true
  var registers: [UInt16: UInt16] = [:]
  /// By request number, from 1: what comes back instead of the good reply.
  var instead: [Int: [[UInt8]]] = [:]
  var requests: [[UInt8]] = []
  /// The link is gone from that request on.
  var breaksAt: Int?
  private var chunks: [[UInt8]] = []

  init() {
    for (start, words) in [
      (4000, [1135, 1700, 1131, 30, 6001, 512, 551, 0, 0, 6001]), (4327, [80, 7, 617, 105, 650, 1, 10]),
      (4408, [2, 20, 22, 0, 369, 0]), (4109, [32]),
      (4311, [0x5249, 0x5631, 0x3233, 0x3052, 0x4348, 0x2D53, 0x5053, 0]),
    ] as [(UInt16, [UInt16])] {
      for (offset, word) in words.enumerated() { registers[start + UInt16(offset)] = word }
    }
  }

  func remove(_ register: UInt16) { registers[register] = nil }

  func send(_ frame: [UInt8]) throws {
    requests.append(frame)
    if requests.count == breaksAt { throw FailureReport(.linkLost, at: .read, "The link broke.") }
    chunks += instead[requests.count] ?? reply(to: frame)
  }

  func receive(until deadline: ContinuousClock.Instant) -> [UInt8]? { chunks.isEmpty ? nil : chunks.removeFirst() }

  func reply(to frame: [UInt8]) -> [[UInt8]] {
    guard frame[0] == unit || (frame[0] == 255 && answersAny) else { return [] }
    let start = UInt16(frame[2]) << 8 | UInt16(frame[3])
    let words = (0..<UInt16(frame[5])).map { registers[start + $0] }
    guard !words.contains(nil) else { return [Self.seal([unit, 0x83, 2])] }
    let data = words.compactMap(\.self).flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
    let whole = Self.seal([unit, 3, UInt8(data.count)] + data)
    return stride(from: 0, to: whole.count, by: 20).map { Array(whole[$0..<min($0 + 20, whole.count)]) }
  }

  static func seal(_ body: [UInt8]) -> [UInt8] {
    let crc = CRC16.modbus(body)
    return body + [UInt8(crc & 0xFF), UInt8(crc >> 8)]
  }

  /// The registers that were asked for, in order.
  var asked: [UInt16] { requests.map { UInt16($0[2]) << 8 | UInt16($0[3]) } }
}

@Suite struct DevicePollTests {
  let module = ScriptedModule()

  /// What this module lacks, and is known to.
  static let lacking = ["4398/4", "4405/1", "4543/4", "4554/4", "4112/9", "4319/8"]

  func poll(
    _ request: DeviceRequest = DeviceRequest(name: "Inverter", profile: "inverter", skip: DevicePollTests.lacking)
  ) throws -> DevicePoll<ScriptedModule>.Outcome {
    try DevicePoll(request, profile: .inverter, link: module, deadline: .now + .seconds(60)).run()
  }

  @Test func `a healthy inverter gives the 22 readings, its faults and its own unit`() throws {
    let readings = try poll().result.get()
    #expect(readings.readings.count == 23)
    #expect(readings.unit == 32)
    #expect(readings.model == "RIV1230RCH-SPS")
    #expect(readings.readings["input_voltage"] == Reading(.number(113.5), unit: "V"))
    #expect(readings.rawSign == [])
    #expect(module.asked == [4000, 4327, 4311, 4408, 4109])
  }

  @Test(arguments: [(4408, "4408/6", 18), (4311, "4311/8", 22), (4109, "4109/1", 22)] as [(UInt16, String, Int)])
  func `an optional block that the model lacks is noted and aborts nothing`(register: UInt16, block: String, count: Int) throws {
    module.remove(register)
    let outcome = try poll()
    #expect(outcome.notes == BlockNotes(unsupported: [block]))
    #expect(try outcome.result.get().readings.count == count)
  }

  @Test(arguments: [4000, 4327] as [UInt16]) func `a required block that the device refuses fails it by name`(register: UInt16)
    throws
  {
    module.remove(register)
    #expect(failure(try poll())?.failure == .modbusException)
  }

  @Test func `an optional block that stays silent ends the asking, and the readings stand`() throws {
    module.instead[3] = []
    let outcome = try poll()
    #expect(outcome.notes == BlockNotes(silent: ["4311/8"]))
    #expect(try outcome.result.get().readings.count == 15)
    #expect(module.asked == [4000, 4327, 4311])
  }

  @Test func `a value whose sign is the model's to say is left out until the model was asked for`() throws {
    module.instead[3] = []
    let readings = try poll().result.get()
    #expect(readings.readings["charging_current"] == nil && readings.rawSign == [])
    #expect(readings.readings["charging_power"] != nil)
  }

  @Test func `of a model that is known from before, the sign is known without asking`() throws {
    module.instead[3] = []
    let readings = try poll(DeviceRequest(name: "Inverter", profile: "inverter", model: "RIV1230RCH-SPS")).result.get()
    #expect(readings.readings.count == 16)
    #expect(readings.readings["charging_current"] != nil && readings.rawSign == [])
  }

  @Test func `a required block that stays silent fails the device, and nothing more is asked`() throws {
    module.instead[2] = []
    let outcome = try poll()
    #expect(failure(outcome)?.failure == .silent)
    #expect(module.asked == [4000, 4327])
  }

  @Test func `silent at 255 with no unit configured: one try at the family's other unit`() throws {
    module.answersAny = false
    let outcome = try poll()
    #expect(try outcome.result.get().unit == 32)
    #expect(module.requests.prefix(3).map { $0[0] } == [255, 32, 32])
    #expect(module.asked.prefix(3) == [4000, 4000, 4327])
  }

  @Test func `a configured unit is the only one asked`() throws {
    module.answersAny = false
    #expect(failure(try poll(DeviceRequest(name: "Inverter", profile: "inverter", unit: 33)))?.failure == .silent)
    #expect(module.requests.map { $0[0] } == [33])
  }

  @Test func `a damaged reply is asked for again, twice at most`() throws {
    var damaged = bytes("200314046f06a4046b001e177102000227000000001771352f")
    damaged[5] ^= 1
    module.instead[1] = [damaged]
    module.instead[2] = [damaged]
    #expect(try poll().result.get().readings.count == 23)
    #expect(module.asked.prefix(4) == [4000, 4000, 4000, 4327])
  }

  @Test func `three damaged replies fail the device by name`() throws {
    var damaged = bytes("200314046f06a4046b001e177102000227000000001771352f")
    damaged[5] ^= 1
    for request in 1...3 { module.instead[request] = [damaged] }
    let report = failure(try poll())
    #expect(report?.failure == .badFrames)
    #expect(report?.message.contains("the checksum (CRC) is wrong") == true)
    #expect(module.requests.count == 3)
  }

  @Test func `a reply of another unit is refused by name`() throws {
    let other = ScriptedModule.seal([33] + bytes("0314046f06a4046b001e17710200022700000000 1771".filter { $0 != " " }))
    for request in 1...3 { module.instead[request] = [other] }
    let report = failure(try poll(DeviceRequest(name: "Inverter", profile: "inverter", unit: 32)))
    #expect(report?.failure == .badFrames)
    #expect(report?.message.contains("unit 33 answered instead of 32") == true)
  }

  @Test func `a block that is known to be unsupported is not asked for; a required one always is`() throws {
    _ = try poll(DeviceRequest(name: "Inverter", profile: "inverter", skip: Self.lacking + ["4311/8", "4408/6", "4000/10"]))
    #expect(module.asked == [4000, 4327, 4109])
  }

  @Test func `a late answer that waits in the link is not taken for the next one`() throws {
    // The whole good reply of the first block once more, between the first and the second answer.
    let first = module.reply(to: ReadRequest(unit: 32, register: 4000, words: 10).frame)
    module.instead[1] = first + first
    #expect(try poll().result.get().readings["battery_percentage"] == Reading(.number(80), unit: "%"))
  }

  @Test func `what a module says unasked between two requests is thrown away`() throws {
    let first = module.reply(to: ReadRequest(unit: 32, register: 4000, words: 10).frame)
    module.instead[1] = first + [[UInt8]](repeating: [UInt8](repeating: 0x55, count: 20), count: 30)
    #expect(try poll().result.get().readings.count == 23)
    #expect(module.asked == [4000, 4327, 4311, 4408, 4109], "nothing had to be asked twice")
  }

  @Test func `a poll whose time is over says nothing about an optional block`() throws {
    module.instead[3] = []
    let outcome = try DevicePoll(
      DeviceRequest(name: "Inverter", profile: "inverter"), profile: .inverter, link: module, deadline: .now + .seconds(3)
    ).run()
    #expect(outcome.notes == BlockNotes())
    #expect(try outcome.result.get().readings.count == 15)
  }

  @Test func `a link that breaks after the required blocks takes nothing from what was read`() throws {
    module.breaksAt = 4
    let outcome = try poll()
    #expect(try outcome.result.get().readings.count == 17)
    #expect(outcome.broken?.failure == .linkLost)
  }

  @Test(arguments: [1, 2]) func `a link that breaks before them ends the session`(request: Int) throws {
    module.breaksAt = request
    #expect(throws: FailureReport.self) { try poll() }
  }

  @Test func `required registers that all say "not supported" are no readings`() throws {
    for register in 4327..<4334 { module.registers[UInt16(register)] = 0xFFFF }
    #expect(failure(try poll())?.failure == .wrongProfile)
  }

  @Test func `nobody answers as unit 0`() throws {
    module.unit = 0
    #expect(failure(try poll())?.failure == .badFrames)
  }

  private func failure(_ outcome: DevicePoll<ScriptedModule>.Outcome) -> FailureReport? {
    if case .failure(let report) = outcome.result { report } else { nil }
  }
}
