import Foundation
import Glibc
import Policy
import Readings
import Rig
import Testing

@testable import Publishers

@Suite struct StatusClientTests {
  /// A listener that answers each connection with the same bytes, and keeps it open or closes it.
  private final class Stranger: Sendable {
    let place: SocketPath
    private let answering: Task<Void, Never>

    init(_ answer: String, keepsOpen: Bool = false) throws {
      let place = try SocketPath(directory: Served.makeDirectory())
      self.place = place
      let listener = socket(
        AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue), 0)
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: place.description.utf8) }
      let size = socklen_t(MemoryLayout<sockaddr_un>.size)
      let bound = withUnsafePointer(to: &name) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, size) }
      }
      guard bound == 0, listen(listener, 8) == 0 else { throw Conversation.Trouble(description: "no listener") }
      answering = Task {
        while !Task.isCancelled {
          let made = accept(listener, nil, nil)
          guard made >= 0 else {
            try? await Task.sleep(for: .milliseconds(2))
            continue
          }
          // All of the question is read first: a close with something unread would look like an abort.
          var question = ""
          while !question.contains("\r\n\r\n"), !Task.isCancelled {
            var chunk = [UInt8](repeating: 0, count: 4096)
            let count = recv(made, &chunk, chunk.count, Int32(MSG_DONTWAIT))
            if count == 0 { break }
            if count > 0 {
              question += String(decoding: chunk[..<count], as: UTF8.self)
            } else {
              try? await Task.sleep(for: .milliseconds(2))
            }
          }
          let bytes = Array(answer.utf8)
          _ = send(made, bytes, bytes.count, Int32(MSG_NOSIGNAL))
          if !keepsOpen { close(made) }
        }
        close(listener)
      }
    }

    func leave() async {
      answering.cancel()
      await answering.value
      Served.remove(place.directory)
    }
  }

  private func trouble(_ client: StatusClient, within limit: Duration = .seconds(5)) async -> ServiceTrouble? {
    do throws(ServiceTrouble) {
      _ = try await client.status(within: limit)
      return nil
    } catch {
      return error
    }
  }

  @Test(.timeLimit(.minutes(5))) func `without a service it says where it looked`() async throws {
    let place = try SocketPath(directory: Served.makeDirectory())
    defer { Served.remove(place.directory) }
    let trouble = await trouble(StatusClient([place]))
    #expect(trouble == .notRunning([place.description]))
    #expect(
      trouble?.description
        == "No blupow service is running: nobody listens at \(place). `systemctl start blupow` or `blupow run` starts it.")
    #expect(trouble?.exitCode == .unavailable)
  }

  @Test(.timeLimit(.minutes(5))) func `the first place where a service listens is asked; a dead socket is none`() async throws {
    let dead = try SocketPath(directory: Served.makeDirectory())
    defer { Served.remove(dead.directory) }
    try SocketClaimTests.leaveSocket(dead.description)
    let served = try await Served(try Sample.fleet())
    #expect(try await StatusClient([dead, served.place]).status().gateway == "cabin")
    try await served.leave()
  }

  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      ("HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n{\"gateway\":1}", "is not understood"),
      ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "It may be of another release than this command (0.1.0): restart it."),
      ("SSH-2.0-OpenSSH_9.2\r\n", "is not understood"),
      ("HTTP/1.1 403 Forbidden\r\nContent-Length: 17\r\n\r\n{\"error\":\"Never\"}", "The blupow service refused: Never"),
      (
        "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n{}", "The blupow service answered 404: (no reason was given)"
      ),
      ("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", "is not understood"),
      ("", "ended the connection without an answer"),
    ])
  func `an answer that is none is a sentence`(answer: String, sentence: String) async throws {
    let stranger = try Stranger(answer)
    let trouble = try #require(await trouble(StatusClient([stranger.place])))
    #expect(trouble.description.contains(sentence), "\(trouble)")
    await stranger.leave()
  }

  @Test(.timeLimit(.minutes(5)), arguments: ["1e30", "-5"]) func `a number that cannot be is named`(number: String) async throws {
    let line = String(decoding: try Wire.line(try Sample.fleet()), as: UTF8.self)
    let text = line.replacing("\"uptime_s\":0", with: "\"uptime_s\":\(number)")
    let stranger = try Stranger("HTTP/1.1 200 OK\r\nContent-Length: \(text.utf8.count)\r\n\r\n\(text)")
    let trouble = try #require(await trouble(StatusClient([stranger.place])))
    #expect(trouble.description.contains("is not understood: uptime_s: "), "\(trouble)")
    #expect(trouble.exitCode == .protocolError)
    await stranger.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `one that does not answer is waited for so long and no longer`() async throws {
    let stranger = try Stranger("HTTP/1.1 200 OK\r\n", keepsOpen: true)
    let start = ContinuousClock.now
    let trouble = await trouble(StatusClient([stranger.place]), within: .milliseconds(500))
    #expect(trouble == .silent(stranger.place.description, after: .milliseconds(500)))
    #expect(trouble?.description.contains("did not answer within 0.5 s") == true)
    #expect(start.duration(to: .now) < .seconds(5))
    await stranger.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `an answer without end is not read to its end`() async throws {
    let stranger = try Stranger("HTTP/1.1 200 OK\r\nContent-Length: 9000000\r\n\r\n" + String(repeating: " ", count: 100))
    let trouble = try #require(await trouble(StatusClient([stranger.place])))
    #expect(trouble.description.contains("is longer than 8388608 bytes"), "\(trouble)")
    await stranger.leave()
  }

  @Test(.timeLimit(.minutes(5))) func `who no longer wants to know need not wait`() async throws {
    let stranger = try Stranger("", keepsOpen: true)
    let client = StatusClient([stranger.place])
    let start = ContinuousClock.now
    let asking = Task { try? await client.poll(devices: ["Inverter"]) }
    try await Task.sleep(for: .milliseconds(100))
    asking.cancel()
    #expect(await asking.value == nil)
    #expect(start.duration(to: .now) < .seconds(5))
    await stranger.leave()
  }
}
