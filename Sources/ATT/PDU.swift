/// One packet of the Attribute Protocol (Bluetooth Core Specification, volume 3, part F): one PDU a packet, little-endian.
///
/// Only what a client of one serial line meets has a case of its own. A value of this type that came from `init(_:)` had the length
/// that its opcode asks for, and lists in it have whole items, at least one; that handles make sense is the client's to check.
package enum PDU: Equatable, Sendable {
  /// `request`: the opcode that is refused.
  case error(request: UInt8, handle: UInt16, code: ErrorCode)
  case mtuRequest(UInt16)
  case mtuResponse(UInt16)
  case findInformation(ClosedRange<UInt16>)
  case information([Information])
  case readByType(ClosedRange<UInt16>, AttributeType)
  case byType([Attribute])
  case readByGroupType(ClosedRange<UInt16>, AttributeType)
  case byGroupType([Group])
  case writeRequest(handle: UInt16, value: [UInt8])
  case writeResponse
  case writeCommand(handle: UInt16, value: [UInt8])
  case notification(handle: UInt16, value: [UInt8])
  case indication(handle: UInt16, value: [UInt8])
  case confirmation
  case unknown(opcode: UInt8, parameters: [UInt8])

  /// An attribute and what it is.
  package struct Information: Equatable, Sendable {
    package var handle: UInt16
    package var type: AttributeType

    package init(handle: UInt16, type: AttributeType) {
      self.handle = handle
      self.type = type
    }
  }

  /// An attribute and its value.
  package struct Attribute: Equatable, Sendable {
    package var handle: UInt16
    package var value: [UInt8]

    package init(handle: UInt16, value: [UInt8]) {
      self.handle = handle
      self.value = value
    }
  }

  /// A run of attributes from its declaration to its last handle, and the declaration's value.
  package struct Group: Equatable, Sendable {
    package var handle: UInt16
    package var end: UInt16
    package var value: [UInt8]

    package init(handle: UInt16, end: UInt16, value: [UInt8]) {
      self.handle = handle
      self.end = end
      self.value = value
    }
  }

  /// What is wrong with a packet.
  package enum Malformed: Error, Equatable, Sendable {
    case empty
    /// Bytes in all that do not fit the opcode.
    case length(opcode: UInt8, bytes: Int)
    /// Find Information's format is 1 (16-bit types) or 2 (128-bit types).
    case format(UInt8)
    /// An item's own length is too short for what every item has, or the items do not fill the packet.
    case items(opcode: UInt8, each: Int, bytes: Int)
    /// A range from 0, or that ends before it begins.
    case range(opcode: UInt8)
  }

  package var opcode: UInt8 {
    switch self {
    case .error: 0x01
    case .mtuRequest: 0x02
    case .mtuResponse: 0x03
    case .findInformation: 0x04
    case .information: 0x05
    case .readByType: 0x08
    case .byType: 0x09
    case .readByGroupType: 0x10
    case .byGroupType: 0x11
    case .writeRequest: 0x12
    case .writeResponse: 0x13
    case .notification: 0x1b
    case .indication: 0x1d
    case .confirmation: 0x1e
    case .writeCommand: 0x52
    case .unknown(let opcode, _): opcode
    }
  }
}

/// Why a request was refused: one byte on the wire. The names are for sentences only.
package struct ErrorCode: Hashable, Sendable, CustomStringConvertible {
  package let byte: UInt8

  package init(_ byte: UInt8) { self.byte = byte }

  package static let invalidHandle = ErrorCode(0x01)
  package static let writeNotPermitted = ErrorCode(0x03)
  package static let invalidPDU = ErrorCode(0x04)
  package static let requestNotSupported = ErrorCode(0x06)
  /// Nothing of that kind in the range: how a listing ends.
  package static let attributeNotFound = ErrorCode(0x0a)
  package static let unlikely = ErrorCode(0x0e)
  package static let unsupportedGroupType = ErrorCode(0x10)

  /// Insufficient authentication, authorization, encryption key size, or encryption: all say that the peer wants pairing first.
  package var wantsPairing: Bool { [0x05, 0x08, 0x0c, 0x0f].contains(byte) }

  package var description: String {
    "ATT error 0x" + String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
  }
}
