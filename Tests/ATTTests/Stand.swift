import CLinux
import Foundation
import Glibc
import Readings
import Synchronization

@testable import ATT

/// A module on a unix socket, served by a thread of its own until the value goes: one connection after another.
final class Stand: Sendable {
  static let address = Address("D8:B6:73:BF:4F:75")

  /// What is heard before anything else.
  enum Greeting: Sendable { case byte(UInt8), bytes([UInt8]), none, hangUp }

  let directory: String
  private let listener: Int32
  private let stop: Int32
  private let peripheral: Mutex<Peripheral>
  private let ended = Mutex(0)
  private let greeting: Greeting
  /// Packets instead of the peripheral's answer to one.
  private let instead: @Sendable (PDU) -> [[UInt8]]?

  init(
    _ peripheral: Peripheral = .renogy(), greeting: Greeting = .byte(0),
    instead: @escaping @Sendable (PDU) -> [[UInt8]]? = { _ in nil }
  ) throws {
    self.peripheral = Mutex(peripheral)
    self.greeting = greeting
    self.instead = instead
    var template = Array("/tmp/blupow-att-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    listener = blupow_att_listen("\(directory)/D8B673BF4F75")
    stop = blupow_eventfd()
    guard listener >= 0, stop >= 0 else { throw POSIXError(.EIO) }
    let thread = Thread { [weak self, listener, stop] in
      while Self.ready(listener, stop) {
        let descriptor = blupow_att_accept(listener)
        guard descriptor >= 0 else { continue }
        self?.serve(descriptor)
        close(descriptor)
        self?.ended.withLock { $0 += 1 }
      }
      close(listener)
      close(stop)
    }
    thread.start()
  }

  deinit {
    var one: UInt64 = 1
    write(stop, &one, 8)
    unlink("\(directory)/D8B673BF4F75")
    rmdir(directory)
  }

  var writes: [UInt16] { peripheral.withLock { $0.writes.map(\.handle) } }
  var frames: [[UInt8]] { peripheral.withLock { $0.writes.map(\.value) } }

  /// Waits until that many connections have ended.
  func untilEnded(_ count: Int) async throws {
    while ended.withLock({ $0 }) < count { try await Task.sleep(for: .milliseconds(2)) }
  }

  private static func ready(_ descriptor: Int32, _ stop: Int32) -> Bool {
    var polled = [
      pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0), pollfd(fd: stop, events: Int16(POLLIN), revents: 0),
    ]
    while poll(&polled, 2, -1) < 0 {}
    return polled[1].revents == 0
  }

  private func serve(_ descriptor: Int32) {
    switch greeting {
    case .byte(let byte): _ = Glibc.send(descriptor, [byte], 1, 0)
    case .bytes(let bytes): _ = Glibc.send(descriptor, bytes, bytes.count, 0)
    case .none: break
    case .hangUp: return
    }
    var buffer = [UInt8](repeating: 0, count: 1024)
    while Self.ready(descriptor, stop) {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      guard count > 0, let pdu = try? PDU(Array(buffer[..<count])) else { return }
      let answers = instead(pdu) ?? peripheral.withLock { $0.answer(pdu.packet) }
      for answer in answers {
        // An empty packet stands for the end of the link.
        if answer.isEmpty { return }
        _ = Glibc.send(descriptor, answer, answer.count, 0)
      }
    }
  }
}
