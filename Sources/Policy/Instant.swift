/// Policy's time: monotonic, and it counts suspend (CLOCK_BOOTTIME). Always an argument; nothing here looks at a clock.
package typealias Instant = ContinuousClock.Instant
