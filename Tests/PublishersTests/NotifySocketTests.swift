import Glibc
import Rig
import Testing

@testable import Publishers

@Suite struct NotifySocketTests {
  @Test func `a path and an abstract name are both reached`() async throws {
    let directory = try Served.makeDirectory()
    for name in ["\(directory)/notify", NotifyListener.freeName] {
      let listener = try NotifyListener(name)
      let socket = try #require(try NotifySocket.named(by: ["NOTIFY_SOCKET": name]))
      #expect(await socket.say(["READY=1", "STATUS=up"]) == nil)
      #expect(try await listener.next() == ["READY=1", "STATUS=up"])
    }
    Served.remove(directory)
  }

  @Test func `without the variable nobody wants to know`() throws {
    #expect(try NotifySocket.named(by: [:]) == nil)
    #expect(try NotifySocket.named(by: ["NOTIFY_SOCKET": ""]) == nil)
  }

  @Test(arguments: ["vsock:2:1234", "run/notify", "@", "/" + String(repeating: "x", count: 107)])
  func `what is no socket's name is refused with a sentence`(name: String) throws {
    let trouble = #expect(throws: SocketTrouble.self) { try NotifySocket.named(by: ["NOTIFY_SOCKET": name]) }
    #expect(trouble?.description.contains("NOTIFY_SOCKET='\(name)'") == true)
  }

  @Test func `a manager that is gone is a reason, and nobody waits for it`() async throws {
    let socket = try NotifySocket(NotifyListener.freeName)
    let start = ContinuousClock.now
    #expect(await socket.say(["WATCHDOG=1"]) == "Connection refused")
    #expect(start.duration(to: .now) < .seconds(1))
  }

  @Test(.timeLimit(.minutes(5))) func `one that has no room is waited for until it reads`() async throws {
    let listener = try NotifyListener(NotifyListener.freeName)
    let socket = try NotifySocket(listener.name)
    // Until its queue is full.
    var filled = 0
    while await socket.say(["WATCHDOG=\(filled)"]) == nil { filled += 1 }
    try #require(filled > 0)
    async let heard = socket.say(["READY=1"])
    // Time for one who does not wait to give up.
    try await Task.sleep(for: .milliseconds(200))
    #expect(try await listener.next(where: { $0 == ["READY=1"] }) != nil)
    #expect(await heard == nil)
  }
}
