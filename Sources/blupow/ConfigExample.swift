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

    devices:
      - name: Inverter
        address: D8:B6:73:BF:4F:75   # `blupow scan` shows it
        profile: inverter
        # unit: 32                # Modbus unit (default: the profile's); behind a hub every entry names its own
        # adapter: hci0           # default: any that is on
        # link: bluez             # default: the one above
        # interval: 60s           # default: the one above
        # test_mode: true         # say wherever it is shown that this device is simulated

    """
}
