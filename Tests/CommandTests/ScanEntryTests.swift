import Devices
import Foundation
import Policy
import Readings
import Testing

@testable import blupow

@Suite struct ScanEntryTests {
  private func entry(
    _ name: String?, _ devices: [Found]? = nil, address: String = "D8:B6:73:BF:4F:75", isConfigured: Bool = false
  ) throws -> ScanEntry {
    var entry = ScanEntry(
      SeenDevice(
        address: try #require(Address(address)), name: name, rssi: -58, adapter: "hci0",
        profile: name.flatMap { AdvertisedName($0).profile }, isRenogy: true), isConfigured: isConfigured)
    entry.devices = devices
    return entry
  }

  private func found(_ unit: UInt8, _ profile: String = "inverter", _ confidence: Confidence = .model) -> Found {
    Found(unit: unit, profile: profile, confidence: confidence)
  }

  @Test func `without a question the profile is what the name tells, else it is to be found out`() throws {
    #expect(
      ScanEntry.config(of: [try entry("BTRIC134000035")]) == [
        """
          - name: "BTRIC134000035"
            address: D8:B6:73:BF:4F:75
            profile: inverter
        """
      ])
    #expect(ScanEntry.config(of: [try entry("BT-TH-66F94E1C")])[0].hasSuffix("\n    profile: auto"))
    #expect(ScanEntry.config(of: [try entry(nil)])[0].hasPrefix("  - name: \"D8:B6:73:BF:4F:75\"\n"))
    #expect(ScanEntry.config(of: [try entry("BTRIC1", isConfigured: true)]) == [])
  }

  @Test func `a lone device's unit stands there where it is not the one that all answer`() throws {
    #expect(try !ScanEntry.config(of: [entry("BT-TH-1", [found(255)])])[0].contains("unit"))
    #expect(try ScanEntry.config(of: [entry("BT-TH-1", [found(48)])])[0].hasSuffix("    unit: 48"))
    #expect(try !ScanEntry.config(of: [entry("RTMShunt300X", [found(0)])])[0].contains("unit"))
    #expect(try ScanEntry.config(of: [entry("BT-TH-1", [])])[0].hasSuffix("    profile: auto"))
  }

  @Test func `behind a hub each has an entry with its unit, and a name of its own`() throws {
    let hub = try entry("BT-TH-1", [found(33), found(34)])
    let twin = try entry("BT-TH-1", [found(33)], address: "D8:B6:73:BF:4F:76")
    let text = ScanEntry.config(of: [hub, twin, try entry("BT-TH-1", address: "D8:B6:73:BF:4F:77")], takenNames: ["BT-TH-1"])
    #expect(
      text.map { String($0.prefix { $0 != "\n" }) } == [
        "  - name: \"BT-TH-1 33\"", "  - name: \"BT-TH-1 34\"", "  - name: \"BT-TH-1 4F:76\"", "  - name: \"BT-TH-1 4F:77\"",
      ])
    let config = try ConfigFile.parse("devices:\n" + text.joined(separator: "\n"), file: "c.yaml")
    #expect(config.devices.map(\.unit) == [33, 34, 33, nil])
  }

  @Test func `names from the air are quoted, and short enough with their ends`() throws {
    let long = String(repeating: "n", count: 64)
    let text = ScanEntry.config(of: [
      try entry(long, [found(33), found(34)]), try entry(#"a "b" \ c"#, address: "D8:B6:73:BF:4F:76"),
    ])
    let config = try ConfigFile.parse("devices:\n" + text.joined(separator: "\n"), file: "c.yaml")
    #expect(config.devices.map(\.name) == [String(long.dropLast(3)) + " 33", String(long.dropLast(3)) + " 34", #"a "b" \ c"#])
  }

  @Test func `the advertised name stands there only where it tells how a battery codes its values`() throws {
    // This release may lack the profile.
    let battery = try entry("RNGPRO12")
    let isKnown = Profile.named("battery") != nil
    #expect(ScanEntry.config(of: [battery])[0].contains("    advertised: \"RNGPRO12\"") == isKnown)
    #expect(ScanEntry.config(of: [battery])[0].hasPrefix("  # RNGPRO12 at D8:B6:73:BF:4F:75: its profile battery") == !isKnown)
    #expect(try ScanEntry.config(of: [entry("RNGPRO12", [found(255)])])[0].contains("advertised"))
    #expect(try !ScanEntry.config(of: [entry("BTRIC1")])[0].contains("advertised"))
  }

  @Test func `its JSON has every key`() throws {
    func json(_ entry: ScanEntry) throws -> String { String(decoding: try Wire.line(entry), as: UTF8.self) }
    #expect(
      try json(entry("BTRIC1")) == """
        {"adapter":"hci0","address":"D8:B6:73:BF:4F:75","confidence":"name","configured":false,"devices":null,"name":"BTRIC1",\
        "profile":"inverter","rssi":-58}

        """)
    #expect(
      try json(entry("BT-TH-1", [found(48, "battery", .guess)])) == """
        {"adapter":"hci0","address":"D8:B6:73:BF:4F:75","confidence":null,"configured":false,\
        "devices":[{"confidence":"guess","model":null,"profile":"battery","unit":48}],"name":"BT-TH-1","profile":null,"rssi":-58}

        """)
  }

  @Test func `what answers is a line for a person`() throws {
    #expect(ScanEntry.text(of: found(48, "battery", .guess)) == "unit 48   battery    (a guess: it answers such registers)")
    let named = Found(unit: 255, profile: "inverter", confidence: .name, model: "RIV1230RCH-SPS")
    #expect(ScanEntry.text(of: named) == "unit 255  inverter   RIV1230RCH-SPS (by the module's name)")
    #expect(ScanEntry.text(of: found(0, "shunt300")) == "no unit   shunt300   (by its model)")
  }
}
