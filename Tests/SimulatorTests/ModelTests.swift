import FoundationEssentials
import Testing

@testable import Simulator

/// Every model's registers, asked as a reader asks them.
@Suite struct ModelTests {
  /// A row of Tests/Frames/renogy-frames.json.
  private struct Row: Decodable, Sendable {
    let id: String
    let origin: String
    let request_hex: String?
    let response_hex: String?
    let source: Source

    struct Source: Decodable, Sendable { let repo: String }
  }

  private static let rows: [String: Row] = {
    let file = #filePath.split(separator: "/").dropLast(2).joined(separator: "/")
    do {
      let rows = try JSONDecoder().decode([Row].self, from: Data(contentsOf: URL(filePath: "/\(file)/Frames/renogy-frames.json")))
      return Dictionary(uniqueKeysWithValues: rows.map { ($0.id, $0) })
    } catch {
      fatalError("Tests/Frames/renogy-frames.json cannot be read: \(error)")
    }
  }()

  private func model(_ name: String) throws -> Registers { try #require(Registers.models[name]) }

  /// What the model answers to a read, as words in hexadecimal, `nil` for silence; an exception is its code.
  private func ask(_ name: String, _ register: UInt16, _ count: UInt16, at now: Duration? = nil) throws -> String? {
    let body: [UInt8] = [48, 3, UInt8(register >> 8), UInt8(register & 0xff), 0, UInt8(count)]
    let slave = ModbusSlave(unit: 48, registers: try model(name))
    guard case .frame(let frame) = slave.answer(ModbusSlave.sealed(body), speaksAs: 48, varied: now) else { return nil }
    return frame[1] == 3 ? Hex.text(frame[3..<frame.count - 2]) : "exception \(frame[2])"
  }

  @Test func `a model for every family`() {
    #expect(
      Registers.models.keys.sorted() == [
        "RBC30D1S-G6", "RBC50D1S-G1", "RBT100LFP12-BT", "RBT12500LFP-SHBT", "RBT50LFP48S-A", "RBT50LFP48S-B", "RBT50LFP48S-C",
        "RIV1230RCH-SPS", "RIV4835CSH1S", "RNG-CTRL-RVR40", "RNG-CTRL-WND30", "RNGRBP1228",
      ])
  }

  @Test(
    arguments: [
      ("RIV4835CSH1S", ["f048", "f051"]), ("RIV1230RCH-SPS", []), ("RNG-CTRL-RVR40", ["f056", "f057", "f075"]),
      ("RNG-CTRL-WND30", []),
      ("RBC50D1S-G1", ["f064", "f065", "f066", "f067", "f069"]), ("RBC30D1S-G6", []),
      ("RBT50LFP48S-A", ["f001", "f002", "f005"]),
      ("RBT50LFP48S-B", ["f003", "f004", "f008"]), ("RBT50LFP48S-C", []), ("RBT100LFP12-BT", ["f031", "f033"]),
      ("RNGRBP1228", ["f039", "f041"]), ("RBT12500LFP-SHBT", ["f045", "f047"]),
    ] as [(String, [String])])
  func `a captured block comes back to the byte, whatever varies around it`(name: String, frames: [String]) throws {
    var seen: [String] = []
    for block in try model(name).blocks {
      guard case .capture(let id, let source) = block.origin else { continue }
      seen.append(id)
      let row = try #require(Self.rows[id])
      #expect(row.origin == "capture")
      #expect(row.source.repo == source)
      let request = Hex.bytes(row.request_hex ?? "") ?? []
      #expect(
        request.count == 8 && UInt16(request[2]) << 8 | UInt16(request[3]) == block.first && Int(request[5]) == block.words.count)
      let slave = ModbusSlave(unit: request[0], registers: try model(name))
      for now in [nil, Duration.seconds(30), .seconds(1000)] {
        #expect(slave.answer(request, speaksAs: request[0], varied: now) == .frame(Hex.bytes(row.response_hex ?? "") ?? []))
      }
    }
    #expect(seen.sorted() == frames)
  }

  private static let battery: [(UInt16, UInt16)] = [
    (5042, 6), (5042, 7), (5000, 34), (5000, 17), (5017, 17), (5100, 8), (5104, 28), (5048, 5), (5122, 8), (5223, 1),
  ]
  private static let inverter: [(UInt16, UInt16)] = [
    (4000, 10), (4109, 1), (4112, 9), (4311, 8), (4319, 8), (4327, 7), (4398, 4), (4405, 1), (4408, 6), (4414, 2), (4422, 1),
    (4424, 1), (4430, 1), (4452, 1), (4456, 1), (4543, 4), (4550, 4), (4554, 4), (4558, 2), (4564, 2),
  ]
  private static let charger: [(UInt16, UInt16)] = [
    (12, 8), (20, 4), (24, 2), (24, 3), (26, 1), (256, 30), (256, 32), (256, 34), (0xe002, 2), (0xe003, 18), (0xe004, 1),
  ]

  @Test func `what readers ask of a family is answered by each of its models`() throws {
    for (models, reads) in [
      (Registers.inverters, Self.inverter), (Registers.controllers, Self.charger + [(10, 2), (256, 35), (0xe01d, 1)]),
      (Registers.dcdcs, Self.charger + [(0xe001, 1), (0xe02e, 2)]), (Registers.batteries, Self.battery),
    ] {
      for model in models {
        for (register, count) in reads {
          #expect(try ask(model.model, register, count)?.count == Int(count) * 4, "\(model.model) \(register)/\(count)")
        }
      }
    }
  }

  @Test(
    arguments: [
      ("RIV4835CSH1S", 12, 8), ("RIV4835CSH1S", 5122, 8), ("RBT50LFP48S-A", 12, 8), ("RNG-CTRL-RVR40", 5122, 8),
      ("RNGRBP1228", 0, 1), ("RNG-CTRL-RVR40", 256, 36), ("RBT50LFP48S-B", 4000, 10),
    ] as [(String, UInt16, UInt16)])
  func `another family's registers are exception 2`(name: String, register: UInt16, count: UInt16) throws {
    #expect(try ask(name, register, count) == "exception 2")
  }

  @Test func `two captures of the same registers, of different moments, each come back whole`() throws {
    let states = try ask("RBT100LFP12-BT", 5104, 28)
    #expect(states?.hasPrefix("0000000000060000") == true)
    #expect(try ask("RBT100LFP12-BT", 5100, 8) == String(repeating: "0000", count: 8))
  }

  @Test func `a day is ten words of its own register`() throws {
    #expect(try ask("RNG-CTRL-RVR40", 0xf000, 10) == "007f009300ca000000190000" + "00090000007d0000")
    #expect(try ask("RNG-CTRL-RVR40", 0xf001, 10) == "007e0092013e0000002c0000" + "000d000000b20000")
    #expect(try ask("RNG-CTRL-RVR40", 0xf006, 10)?.count == 40)
    #expect(try ask("RNG-CTRL-RVR40", 0xf007, 10) == "exception 2")
    #expect(try ask("RNG-CTRL-RVR40", 0xf000, 11) == "exception 2")
  }

  @Test func `a -G6 ends at 0x121, and is silent where others are asked for their charging mode`() throws {
    #expect(try ask("RBC30D1S-G6", 256, 34)?.hasSuffix("00080000") == true)
    #expect(try ask("RBC30D1S-G6", 256, 35) == "exception 2")
    #expect(try ask("RBC30D1S-G6", 289, 1) == "0000")
    #expect(try ask("RBC30D1S-G6", 290, 1) == "exception 2")
    #expect(try ask("RBC30D1S-G6", 288, 7) == nil)
    #expect(try ask("RBC30D1S-G6", 288, 1) == nil)
    #expect(try ask("RBC50D1S-G1", 288, 7) == "0002000000000000000a00030000")
  }

  @Test func `batteries count their current differently`() throws {
    #expect(try ask("RNGRBP1228", 5042, 1) == "007b")  // 12.3 A
    #expect(try ask("RBT50LFP48S-C", 5042, 2) == "feba01f8")  // -3.26 A, 50.4 V
    #expect(try ask("RIV1230RCH-SPS", 4328, 1) == "0007")  // charging
    #expect(try ask("RIV4835CSH1S", 4328, 1) == "fe11")  // charging, too
  }

  @Test(arguments: [
    "RIV4835CSH1S", "RIV1230RCH-SPS", "RNG-CTRL-WND30", "RBC50D1S-G1", "RBC30D1S-G6", "RBT50LFP48S-C", "RNGRBP1228",
  ])
  func `in a demo some of its table registers live`(name: String) throws {
    let registers = try model(name)
    for block in registers.blocks where !block.moving.isEmpty {
      #expect(block.origin == .table)
      for address in block.moving {
        #expect(block.words.indices.contains(Int(address) - Int(block.first)), "\(address)")
        let seen = stride(from: 0, to: 600, by: 10).map { registers.read(address, count: 1, varied: .seconds($0)) }
        #expect(Set(seen).count > 3)
      }
    }
    #expect(registers.blocks.contains { !$0.moving.isEmpty })
  }
}
