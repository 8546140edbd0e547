import Foundation
import Testing

@testable import Simulator

/// The module in the virtual machine (Tests/RealBlueZ) has the simulator's words: the contract expects the same of both.
@Suite struct PeripheralRegistersTests {
  private static let blocks: [(model: String, blocks: [(register: UInt16, words: Int)])] = [
    (
      "RIV4835CSH1S",
      [(4000, 10), (4109, 1), (4112, 9), (4311, 8), (4319, 8), (4327, 7), (4398, 4), (4405, 1), (4408, 6), (4543, 4), (4554, 4)]
    ),
    ("RBT50LFP48S-A", battery), ("RBT50LFP48S-B", battery), ("RBT50LFP48S-C", battery),
  ]
  private static let battery: [(register: UInt16, words: Int)] = [
    (5000, 34), (5042, 6), (5048, 5), (5100, 4), (5104, 28), (5223, 1),
  ]

  private static func text() throws -> String {
    let models = try blocks.map { model, blocks in
      let registers = try #require(Registers.models[model])
      let lines = try blocks.map { register, count in
        let words = try #require(registers.read(register, count: count, varied: nil), "\(model) \(register)")
        return "      \"\(register)\": \"\(words.map { Hex.four($0) }.joined(separator: " "))\""
      }
      return "    \"\(model)\": {\n\(lines.joined(separator: ",\n"))\n    }"
    }
    return """
      {
        "source": "as the simulator has them (Sources/Simulator): a test writes this file",
        "models": {
      \(models.joined(separator: ",\n"))
        }
      }

      """
  }

  /// BLUPOW_TEST_WRITE=1 writes it anew.
  @Test func `its register file is what the simulator answers`() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../RealBlueZ/registers.json")
    let text = try Self.text()
    if ProcessInfo.processInfo.environment["BLUPOW_TEST_WRITE"] != nil { try Data(text.utf8).write(to: file) }
    #expect(
      try String(contentsOf: file, encoding: .utf8) == text,
      "write it anew: BLUPOW_TEST_WRITE=1 swift test --filter PeripheralRegistersTests")
  }
}
