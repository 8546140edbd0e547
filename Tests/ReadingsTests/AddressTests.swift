import Readings
import Testing

struct AddressTests {
  @Test func `an address is six hexadecimal pairs, kept in upper case`() throws {
    #expect(try #require(Address("d8:b6:73:bf:4f:75")).text == "D8:B6:73:BF:4F:75")
    #expect(Address("d8:B6:73:bf:4F:75") == Address("D8:B6:73:BF:4F:75"))
    #expect(Address("00:00:00:00:00:00")?.description == "00:00:00:00:00:00")
  }

  @Test(arguments: [
    "", ":", ":::::", "D8:B6:73:BF:4F", "D8:B6:73:BF:4F:75:", ":D8:B6:73:BF:4F:75", "D8:B6:73:BF:4F:75:00",
    "D8:B6:73:BF:4F:7", "D8:B6:73:BF:4F:755", "D8:B6:73:BF:4F:7G", "D8-B6-73-BF-4F-75", "D8B673BF4F75",
    " D8:B6:73:BF:4F:75", "D8:B6:73:BF:4F:75\n", "D8:B6:73:BF:4F:７５", "D8:B6:73:BF:4F:é", "D8:B6:73:BF:4F:+5",
  ])
  func `anything else is none`(text: String) {
    #expect(Address(text) == nil)
  }
}
