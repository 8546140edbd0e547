import Testing

@testable import Publishers

@Suite struct WebQueryTests {
  @Test(
    arguments: [
      ("", [:]), ("a=1", ["a": "1"]), ("a=1&b=2", ["a": "1", "b": "2"]), ("a", ["a": ""]), ("a=", ["a": ""]),
      ("&a=1&", ["a": "1"]),
      ("a=b=c", ["a": "b=c"]), ("a+b=c%20d", ["a b": "c d"]), ("a=%2B%26%3D", ["a": "+&="]), ("a=%C3%A9", ["a": "é"]),
    ] as [(String, [String: String])])
  func `what a URL or a form says`(text: String, said: [String: String]) {
    #expect(WebQuery.parse(text) == said)
  }

  @Test(arguments: ["a=1&a=2", "a=%", "a=%zz", "a=%ff", "%zz=1", "a&a"]) func `what cannot be read says nothing`(text: String) {
    #expect(WebQuery.parse(text) == nil)
  }
}
