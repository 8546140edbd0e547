import Foundation
import Testing

@testable import Simulator

/// What stands for a real device is a real one's words, where that is said; and what it answers is what that family does.
@Suite struct RegistersTests {
  private struct Row: Decodable {
    var id: String
    var response_hex: String?
    var register: Int?
  }

  private static let rows: [Row] = {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../Frames/renogy-frames.json")
    return (try? JSONDecoder().decode([Row].self, from: Data(contentsOf: file))) ?? []
  }()

  @Test(arguments: Registers.models.keys.sorted()) func `what is said to be captured is`(model: String) throws {
    let registers = try #require(Registers.models[model])
    for block in registers.blocks {
      switch block.origin {
      case .table: break
      case .captureInPart(let id, _):
        let row = try #require(Self.rows.first { $0.id == id })
        #expect(registers.frame?.starts(with: Hex.bytes(row.response_hex ?? "") ?? [0]) == true)
      case .capture(let id, _):
        let row = try #require(Self.rows.first { $0.id == id })
        #expect(row.register == Int(block.first))
        let words = block.words.map { Hex.four($0) }.joined()
        #expect(row.response_hex?.dropFirst(6).dropLast(4) == words[...])
      }
    }
  }

  private func answer(_ model: String, _ request: [UInt8]) throws -> String? {
    let slave = ModbusSlave(unit: 1, registers: try #require(Registers.models[model]))
    guard case .frame(let frame) = slave.answer(ModbusSlave.sealed(request), speaksAs: 1, varied: nil) else { return nil }
    return Hex.text(Array(frame.dropLast(2)))
  }

  @Test func `a -G6 charger ends at 0x0121, and says nothing at all to 0x0120`() throws {
    #expect(try answer("RBC30D1S-G6", [1, 3, 1, 0, 0, 34])?.hasPrefix("010344") == true)
    #expect(try answer("RBC30D1S-G6", [1, 3, 1, 0, 0, 35]) == "018302")
    #expect(try answer("RBC30D1S-G6", [1, 3, 1, 0x20, 0, 7]) == nil)
    #expect(try answer("RBC50D1S-G1", [1, 3, 1, 0x20, 0, 7])?.hasPrefix("01030e0002") == true)
  }

  @Test func `a controller keeps days, one to a register`() throws {
    #expect(try answer("RNG-CTRL-RVR40", [1, 3, 0xf0, 0, 0, 10]) == "010314007f009300ca0000001900000009" + "0000007d0000")
    #expect(try answer("RNG-CTRL-RVR40", [1, 3, 0xf0, 1, 0, 10])?.hasPrefix("010314007e0092") == true)
    #expect(try answer("RNG-CTRL-RVR40", [1, 3, 0xf0, 3, 0, 10]) == "018302")
  }

  @Test func `a battery has none of a controller's registers`() throws {
    #expect(try answer("RBT50LFP48S-A", [1, 3, 0, 12, 0, 8]) == "018302")
  }

  // MARK: - A hub

  private static let hub = #"""
    {"modules":[{"address":"D8:B6:73:BF:4F:75","known":true,"mtu":247,"devices":[{"unit":48,"registers":"RBT50LFP48S-A"},
      {"unit":49,"registers":"RBT50LFP48S-B"},{"unit":50,"registers":"RBT50LFP48S-C"}],"faults":[{"fault":"silent","unit":49}]}]}
    """#

  @Test func `behind a hub each answers its own unit, one may be unplugged, and 255 is nobody`() throws {
    var stage = Stage(try Setup(JSON(parsing: Array(Self.hub.utf8))))
    stage.subscribe()
    for unit in ["30", "31", "32", "ff"] {
      _ = stage.request(RequestTests.sealed("\(unit)0313b20006"))
      stage.pass(.seconds(1))
    }
    #expect(stage.notifications.map { $0.prefix(2) } == ["30", "32"])
    #expect(stage.noted("silence").count == 2)
  }

  // MARK: - A shunt

  private static let shunt = #"""
    {"modules":[{"address":"D8:B6:73:BF:4F:75","name":"RTMShunt300A","known":true,"delays":{"push_ms":500},
      "devices":[{"unit":1,"registers":"RTMShunt300"}]}]}
    """#

  @Test func `a shunt pushes its frame to whoever listens, in pieces, and history now and then`() throws {
    var stage = Stage(try Setup(JSON(parsing: Array(Self.shunt.utf8))))
    stage.handle(.attached(1, address: Stage.inverter))
    stage.pass(.seconds(1))
    #expect(stage.packets[1] == [[0]])
    stage.handle(.packet(1, [0x12, 0x13, 0, 1, 0]))
    stage.pass(.milliseconds(2100))
    let pieces = (stage.packets[1] ?? []).dropFirst(2)
    let stream: [UInt8] = pieces.flatMap { Array($0.dropFirst(3)) }
    #expect(pieces.allSatisfy { $0.count <= 23 && $0.starts(with: [0x1b, 0x12, 0]) })
    try #require(stream.count == 5 * 110)
    let kinds = (0..<5).map { stream[$0 * 110 + 3] }
    #expect(kinds == [0x19, 0x19, 0x19, 0x19, 0x0b])
    stage.handle(.packet(1, [0x12, 0x13, 0, 0, 0]))
    let before = stage.packets[1]?.count
    stage.pass(.seconds(3))
    #expect(stage.packets[1]?.count == before)
  }
}
