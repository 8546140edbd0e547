import FoundationEssentials
import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
package import Policy
import Readings

/// Asks a running service on this host, by its socket (`protocol/http.md`).
package struct StatusClient: Sendable {
  static let maxAnswerBytes = 8_388_608

  /// Where it may listen; the first that does is asked.
  private let paths: [String]

  package init(_ places: [SocketPath]) { paths = places.map(\.description) }

  package func status(within limit: Duration = .seconds(2)) async throws(ServiceTrouble) -> FleetStatus {
    try await ask(.GET, "/status", body: [], within: limit)
  }

  /// The last events, in the order in which they were last seen.
  package func events(within limit: Duration = .seconds(2)) async throws(ServiceTrouble) -> [FleetEvent] {
    let document: EventDocument = try await ask(.GET, "/events", body: [], within: limit)
    return document.events
  }

  /// Polls those devices now; the whole fleet's status when their polls have ended.
  package func poll(devices: [String], within limit: Duration = .seconds(120)) async throws(ServiceTrouble) -> FleetStatus {
    let body = (try? Wire.line(["devices": devices])) ?? []
    return try await ask(.POST, "/poll", body: body, within: limit)
  }

  private func ask<Document: Decodable>(
    _ method: HTTPMethod, _ uri: String, body: [UInt8], within limit: Duration
  ) async throws(ServiceTrouble) -> Document {
    for path in paths {
      do throws(ServiceTrouble) {
        return try await ask(method, uri, body: body, at: path, within: limit)
      } catch .notRunning {
        continue
      }
    }
    throw .notRunning(paths)
  }

  private func ask<Document: Decodable>(
    _ method: HTTPMethod, _ uri: String, body: [UInt8], at path: String, within limit: Duration
  ) async throws(ServiceTrouble) -> Document {
    // The usual case of a command by hand, for which no thread needs to start.
    guard access(path, F_OK) == 0 || errno != ENOENT else { throw .notRunning([path]) }
    let (status, answer) = try await exchange(method, uri, body: body, at: path, within: limit)
    guard status == 200 else {
      let error = try? Wire.decode([String: String].self, from: answer)["error"]
      let sentence = Printable.text(error ?? "(no reason was given)", maxBytes: 1000)
      throw status == 403 ? .refused(sentence) : .declined(status, sentence)
    }
    do {
      return try Wire.decode(Document.self, from: answer)
    } catch {
      throw .notUnderstood(path, reason: Printable.text(Wire.explain(error), maxBytes: 300))
    }
  }

  // MARK: One exchange

  private func exchange(
    _ method: HTTPMethod, _ uri: String, body: [UInt8], at path: String, within limit: Duration
  ) async throws(ServiceTrouble) -> (status: Int, body: [UInt8]) {
    do {
      let answer = try await withThrowingTaskGroup(of: (status: Int, body: [UInt8])?.self) { group in
        group.addTask { try await talk(method, uri, body: body, at: path) }
        group.addTask {
          try await Task.sleep(for: limit)
          return nil
        }
        defer { group.cancelAll() }
        return try await group.next() ?? nil
      }
      guard let answer else { throw ServiceTrouble.silent(path, after: limit) }
      return answer
    } catch let trouble as ServiceTrouble {
      throw trouble
    } catch let error as IOError where [ENOENT, ECONNREFUSED].contains(error.errnoCode) {
      throw .notRunning([path])
    } catch let error as IOError where error.errnoCode == EAGAIN {
      // So many wait to be let in that there is no room for one more.
      throw .silent(path, after: .zero)
    } catch let error as IOError where [ECONNRESET, EPIPE].contains(error.errnoCode) {
      throw .endedEarly(path)
    } catch let error as IOError {
      throw .unreachable(path, reason: String(cString: strerror(error.errnoCode)))
    } catch let error as HTTPParserError {
      throw .notUnderstood(path, reason: "\(error)")
    } catch {
      throw .endedEarly(path)
    }
  }

  private func talk(_ method: HTTPMethod, _ uri: String, body: [UInt8], at path: String) async throws -> (
    status: Int, body: [UInt8]
  ) {
    let channel = try await ClientBootstrap(group: Loops.one).connect(unixDomainSocketPath: path) { channel in
      channel.eventLoop.makeCompletedFuture {
        try channel.pipeline.syncOperations.addHTTPClientHandlers()
        return try NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>(wrappingChannelSynchronously: channel)
      }
    }
    return try await channel.executeThenClose { inbound, outbound in
      let headers: HTTPHeaders = ["host": "blupow", "connection": "close", "content-length": "\(body.count)"]
      var question: [HTTPClientRequestPart] = [
        .head(HTTPRequestHead(version: .http1_1, method: method, uri: uri, headers: headers))
      ]
      if !body.isEmpty { question.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
      // One that has its answer before it has the whole question, and closes, has answered all the same.
      try? await outbound.write(contentsOf: question + [.end(nil)])
      var status = 0
      var answer: [UInt8] = []
      for try await part in inbound {
        switch part {
        case .head(let head):
          status = Int(head.status.code)
          try Self.check(head.headers.first(name: "content-length").flatMap { Int($0) } ?? 0, path)
        case .body(let piece):
          try Self.check(answer.count + piece.readableBytes, path)
          answer += piece.readableBytesView
        case .end: return (status, answer)
        }
      }
      throw ServiceTrouble.endedEarly(path)
    }
  }

  private static func check(_ length: Int, _ path: String) throws(ServiceTrouble) {
    guard length <= maxAnswerBytes else {
      throw .notUnderstood(path, reason: "it is longer than \(maxAnswerBytes) bytes")
    }
  }
}
