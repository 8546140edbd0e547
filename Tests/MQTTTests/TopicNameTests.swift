import MQTT
import Testing

@Suite struct TopicNameTests {
  @Test(arguments: ["a", "blupow/cabin/inverter/state", "/", "a//b", "Küche/😀", String(repeating: "x", count: 1024)])
  func `what a broker takes is a topic`(text: String) {
    #expect(TopicName(text)?.description == text)
  }

  @Test(arguments: ["", "a/+/b", "#", "a#", "$SYS/x", "a\u{0}b", "a\nb", "\u{7F}", String(repeating: "x", count: 1025)])
  func `what a broker would refuse, or take for a filter, is none`(text: String) {
    #expect(TopicName(text) == nil)
  }

  @Test(
    arguments: [
      ("Inverter", "inverter"), ("Battery 1", "battery_1"), ("  a -- B  ", "a_b"), ("Küche", "k_che"),
      ("\"x\"/y#+z", "x_y_z"), ("RNG-CTRL", "rng_ctrl"), ("😀1", "1"),
    ])
  func `a name's words are a level of a topic`(name: String, level: String) {
    #expect(TopicLevel(wordsOf: name)?.description == level)
  }

  @Test(arguments: ["", "😀", "/", "###", "ÄÖÜ", String(repeating: "x", count: 129)])
  func `where no word is left there is no level`(name: String) {
    #expect(TopicLevel(wordsOf: name) == nil)
  }

  @Test func `a level has no separator, and nothing that has a meaning`() {
    #expect(TopicLevel("a/b") == nil && TopicLevel("a b") == nil && TopicLevel("") == nil && TopicLevel("+") == nil)
    #expect(TopicLevel("A-b_9")?.description == "A-b_9")
  }
}
