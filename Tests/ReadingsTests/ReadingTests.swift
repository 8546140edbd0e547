import Readings
import Testing

struct ReadingTests {
  private func json(_ reading: Reading) throws -> String {
    String(decoding: try Wire.line(reading).dropLast(), as: UTF8.self)
  }

  @Test func `a number prints with its register's digits`() throws {
    #expect(try json(Reading(.number(524 / 10), unit: "V")) == #"{"unit":"V","value":52.4}"#)
    #expect(try json(Reading(.number(6002 / 100), unit: "Hz")) == #"{"unit":"Hz","value":60.02}"#)
    #expect(try json(Reading(.number(-45 / 10), unit: "°C")) == #"{"unit":"°C","value":-4.5}"#)
    #expect(try json(Reading(.number(2535), unit: "W")) == #"{"unit":"W","value":2535}"#)
    #expect(try json(Reading(.number(0), unit: "A")) == #"{"unit":"A","value":0}"#)
    #expect(try json(Reading(.number(4_294_967_295), unit: "Wh")) == #"{"unit":"Wh","value":4294967295}"#)
  }

  @Test func `every 16-bit register prints with one, two and three digits after the point as people write it`() throws {
    for (power, digits) in [(10, 1), (100, 2), (1000, 3)] {
      let raws = Array(stride(from: 0, through: 65_535, by: 13))
      let line = try Wire.line(raws.map { Double($0) / Double(power) })
      let expected = raws.map { raw -> String in
        var fraction = String(String(power + raw % power).dropFirst())
        #expect(fraction.count == digits)
        while fraction.last == "0" { fraction.removeLast() }
        return fraction.isEmpty ? "\(raw / power)" : "\(raw / power).\(fraction)"
      }
      #expect(String(decoding: line, as: UTF8.self) == "[\(expected.joined(separator: ","))]\n")
    }
  }

  @Test func `a word has no unit, and says so`() throws {
    #expect(try json(Reading(.text("float"))) == #"{"unit":null,"value":"float"}"#)
  }

  @Test func `a text of digits stays a text`() throws {
    let reading = Reading(.text("52.4"), unit: nil)
    #expect(try Wire.decode(Reading.self, from: Wire.line(reading)) == reading)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func `what is not a number is not written`(value: Double) {
    #expect(throws: EncodingError.self) { try Wire.line(Reading(.number(value), unit: "V")) }
  }
}
