/**
 * Helpers for the tests of your own jobs.
 *
 * @packageDocumentation
 */
import { Engine } from './engine.js'
import { guarded } from './errors.js'
import { checkOptions } from './given.js'
import { native } from './native.js'
import type { Duration, EngineOptions } from './options.js'
import { Runner } from './runner.js'

/** Time that stands still until it is moved. */
export interface ManualClock {
  /**
   * Moves the clock: what was to happen by then, delays, retries and timeouts, happens soon after.
   *
   * @throws BursarError `Invalid` for a duration out of range.
   */
  advance(by: Duration): void
}

/** An engine for tests. */
export interface TestEngine extends AsyncDisposable {
  /** The engine. */
  engine: Engine
  /** Its clock. */
  clock: ManualClock
}

/**
 * Opens an engine in memory whose clock stands still, and that encodes arguments and results, so
 * that a test shows what a durable store would refuse.
 *
 * @param options As for {@link Engine.open}; `strict` is `true` unless they say otherwise.
 * @throws BursarError `Invalid` for an unknown option or a value out of range.
 */
export async function openTestEngine(options: EngineOptions = {}): Promise<TestEngine> {
  checkOptions(options, "{ memory: '512MB' }")
  const runner = new Runner('memory:', Object.entries({ strict: true, ...options }), true)
  const engine = Engine._on(runner)
  const advance = (by: Duration) => {
    runner.native.advance(guarded(() => native.duration('delay', by)) ?? 0)
    runner.schedule()
  }
  // Time that stands still would never end a grace: whatever runs is asked to stop at once.
  const close = () => engine.shutdown({ grace: 0 })
  return { engine, clock: { advance }, [Symbol.asyncDispose]: close }
}
