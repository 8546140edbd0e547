import Devices

/// A commented configuration: every key, with its default.
enum ConfigExample {
  static let text = """
    # BluPow. One device with an address is a whole configuration; everything else has a default.
    # Each setting of one value can also come from the environment: BLUPOW_INTERVAL=60s.

    # gateway: cabin              # this service's name (default: the host's)
    interval: 30s                 # how often each module is polled, 10s to 300s
    timeout: auto                 # auto: 25s, growing to 45s with failures in a row; or 10s to 60s
    attempts: 2                   # connection tries within one poll, 1 to 5
    retry_delay: 2s               # pause before the second try; it doubles
    cache_for: 5m                 # how long the last readings still stand for a device that does not answer
    grace: 10m                    # after that it is unavailable, and shows nothing
    link: auto                    # kernel: a link that dies with its worker; bluez: bluetoothd's; auto: kernel where it can be had
    # state_dir: /var/lib/blupow  # last readings and counters (default: systemd's StateDirectory, else this for root, else ~/.local/state/blupow)

    diagnostics: false            # true: log every poll and what the workers say, and keep what went by in the last 20 polls of each module (state_dir/transcripts)

    # What follows seldom needs another value.
    timeout_base: 25s             # of `timeout: auto`; the kernel itself waits 20 s for a connection, and must not be cut off in that
    timeout_step: 5s              # from the third failure in a row so much for each: a module at the edge of its range needs longer
    timeout_longest: 45s          # the kernel gives a connection up after 40 s: more cannot help
    backoff_after: 2              # failures in a row that slow nothing: radio has bad moments; from then on the interval doubles
    backoff_longest: 5m           # a module that comes back is read this soon, however long it was away
    sessions: 3                   # at once on one adapter: controllers have 5 to 7 connections, and others want some
    failing_sessions: 1           # of those for modules that failed last: each holds its session to the deadline
    yield_after: 3                # polls in a row that found another program's link, before it is left alone: two that kick both get nothing
    forget_after: 3               # polls in a row that failed alike by bluetoothd's link, before it has to forget the module and look anew
    forget_every: 10m             # not oftener: the scan that it takes is in the way of every other module
    reset_adapter: false          # true: an adapter on which nothing works at all is switched off and on; other programs lose their links
    reset_after: 90s              # after so long without a success: an adapter that hears nothing for 90 s is deaf
    resets_per_hour: 3            # at most: one that did not help three times will not help
    probe_every: 5s               # while bluetoothd or the adapter are away: a look costs some milliseconds
    summary_every: 10m            # one line in the log for all polls of that time

    devices:
      - name: Inverter
        address: D8:B6:73:BF:4F:75   # `blupow scan` shows it
        profile: auto             # what it is: \(Profile.all.map(\.name).joined(separator: ", ")); auto: found out when it is polled
        # unit: 32                # Modbus unit (default: the profile's); behind a hub every entry names its own
        # advertised: RNGPRO...   # as the module advertises itself, which tells how a battery codes its values (default: found out)
        # adapter: hci0           # default: any that is on
        # link: bluez             # default: the one above
        # interval: 60s           # default: the one above
        # test_mode: true         # say wherever it is shown that this device is simulated

    history:                      # every poll and reading, in state_dir/history.sqlite: `blupow history` shows it
      keep: 90d                   # 1d to 3650d; at 512 MiB the oldest goes sooner, which five devices at 30s reach after some years

    # mqtt:                       # publish everything, for Home Assistant and others; without this section nothing is
    #   host: 127.0.0.1           # the broker
    #   port: 1883                # default: 1883, with TLS 8883
    #   username: blupow
    #   password_file: /etc/blupow/mqtt.password   # its first line (default: the systemd credential mqtt.password)
    #   tls: false                # true: encrypted, the broker's certificate and name are checked; there is no way round
    #   ca_file: /etc/blupow/ca.pem                # who signs the broker's certificate (default: the system's authorities)
    #   certificate_file: /etc/blupow/client.pem   # this client's, where the broker wants one
    #   key_file: /etc/blupow/client.key
    #   client_id: blupow-cabin   # default: blupow- and the gateway's name
    #   protocol: 5               # or 3.1.1
    #   base_topic: blupow        # topics are BASE/GATEWAY/DEVICE/...
    #   discovery: component      # how Home Assistant is told: component (all versions), device (2024.11 and later), both, off
    #   discovery_prefix: homeassistant

    # http:                       # the API and metrics over TCP, for reading; without `listen` nothing is served
    #   listen: 127.0.0.1:8420    # an address and a port; one that other hosts reach ([::]:8420, 0.0.0.0:8420) takes a token
    #   token_file: /etc/blupow/http.token         # its first line, 16 bytes or more, which every request then needs (default: the systemd credential http.token)

    """
}
