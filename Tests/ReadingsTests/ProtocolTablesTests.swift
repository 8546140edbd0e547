import Readings
import Testing

/// The tables of `protocol/README.md` and the enums of the schemas are the enums of the code, in their order.
struct ProtocolTablesTests {
  @Test func `the failures table is the enum with its verdicts`() throws {
    let rows = try ProtocolFiles.table(under: "### Failures")
    #expect(
      rows.map { $0.prefix(4).joined(separator: " ") }
        == Failure.allCases.map {
          "\($0.rawValue) \($0.whose.rawValue) \($0.isWorthRetrying ? "yes" : "no") \($0.exitCode.rawValue)"
        })
    #expect(rows.allSatisfy { $0.count == 5 && !$0[4].isEmpty })
  }

  @Test func `the stages table is the enum`() throws {
    let rows = try ProtocolFiles.table(under: "### Stages")
    #expect(rows.map(\.first) == Stage.allCases.map(\.rawValue))
  }

  @Test func `the exit codes table is the enum`() throws {
    let rows = try ProtocolFiles.table(under: "## Exit codes")
    #expect(rows.map { "\($0[0]) \($0[1])" } == ExitCode.allCases.map { "\($0.rawValue) \($0)" })
  }

  @Test func `the exit codes are sysexits' numbers`() {
    #expect(ExitCode.allCases.map(\.rawValue) == [0, 64, 65, 69, 70, 75, 76, 77, 78])
  }

  @Test func `the limits table is the code's limits`() throws {
    let rows = try ProtocolFiles.table(under: "## Framing and limits")
    #expect(
      rows.map { "\($0[0]) \($0[1].prefix { $0 != " " })" }
        == [
          "maxLineBytes \(Wire.maxLineBytes)", "maxOutputBytes \(Wire.maxOutputBytes)", "maxDevices \(Wire.maxDevices)",
          "maxNameBytes \(Wire.maxNameBytes)",
        ])
  }

  @Test func `the version is 1, in the title and in the code`() throws {
    #expect(Wire.version == 1)
    #expect(try ProtocolFiles.text("README.md").hasPrefix("# The worker protocol, version \(Wire.version)\n"))
  }

  @Test func `the schema of events has the code's words`() throws {
    let definitions = try ProtocolFiles.schema("event")["$defs"]
    #expect(definitions["failureClass", "enum"].words == Failure.allCases.map(\.rawValue))
    #expect(definitions["stageWord", "enum"].words == Stage.allCases.map(\.rawValue))
    #expect(
      definitions["failure", "properties", "whose", "enum"].words
        == [Failure.Owner.module, .adapter, .bus, .us].map(\.rawValue))
    #expect(
      definitions["done", "properties", "link", "enum"].words == [Done.Link.none, .closed, .left].map(\.rawValue))
    #expect(definitions["link", "properties", "by", "enum"].words == LinkKind.allCases.map(\.rawValue))
  }

  @Test func `the schema of requests has the code's limits`() throws {
    let schema = try ProtocolFiles.schema("request")
    let deadline = schema["properties", "deadline_s"]
    #expect(deadline["minimum"] == .number(Request.deadlines.lowerBound.seconds))
    #expect(deadline["maximum"] == .number(Request.deadlines.upperBound.seconds))
    let reset = schema["$defs", "reset-adapter", "properties", "deadline_s", "minimum"]
    #expect(reset == .number(Request.shortestReset.seconds))
    #expect(schema["$defs", "poll", "properties", "devices", "maxItems"] == .number(Double(Wire.maxDevices)))
    #expect(schema["$defs", "device", "properties", "name", "maxLength"] == .number(Double(Wire.maxNameBytes)))
  }

  @Test func `every failure has advice that is a sentence`() {
    for failure in Failure.allCases {
      #expect(failure.advice.hasSuffix("."), "\(failure.rawValue)")
      #expect(failure.advice.count < 250, "\(failure.rawValue)")
    }
  }
}
