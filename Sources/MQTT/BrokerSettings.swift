/// How a broker is reached.
package struct BrokerSettings: Equatable, Sendable {
  package enum Version: String, Sendable, CaseIterable {
    case five = "5"
    case three = "3.1.1"
  }

  /// Encrypted, and the broker's certificate and name checked; there is no way to go on without.
  package struct TLS: Equatable, Sendable {
    /// PEM; `nil`: the system's authorities.
    package var authorities: String?
    /// PEM, of this client, with its key.
    package var certificate: String?
    package var key: String?

    package init(authorities: String? = nil, certificate: String? = nil, key: String? = nil) {
      self.authorities = authorities
      self.certificate = certificate
      self.key = key
    }
  }

  package var host: String
  package var port: Int
  package var clientID: String
  package var username: String?
  package var password: Secret?
  package var tls: TLS?
  package var version: Version
  /// Published by the broker where this client is gone without a word.
  package var will: Message?
  /// A broker that says nothing for one and a half times this long is gone.
  package var keepAlive: Duration

  package init(
    host: String, port: Int, clientID: String, username: String? = nil, password: Secret? = nil, tls: TLS? = nil,
    version: Version = .five, will: Message? = nil, keepAlive: Duration = .seconds(30)
  ) {
    self.host = host
    self.port = port
    self.clientID = clientID
    self.username = username
    self.password = password
    self.tls = tls
    self.version = version
    self.will = will
    self.keepAlive = keepAlive
  }

  /// For people. A login that somebody wrote before the host, as in a URL, is left out.
  package var place: String {
    let host = host[(host.lastIndex(of: "@").map(host.index(after:)) ?? host.startIndex)...]
    return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}
