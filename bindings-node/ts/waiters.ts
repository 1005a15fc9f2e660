import { translate } from './errors.js'
import { hold, release } from './hold.js'

/** @internal A waiter that there never is. */
export const NOBODY = 0

/** @internal Whoever waits for the native half of one engine, by number. */
export class Waiters {
  readonly #schedule: () => void
  readonly #wakes = new Map<number, () => void>()
  #last = NOBODY
  #over = false

  /** `schedule` has the engine look soon at what the native half has. */
  constructor(schedule: () => void) {
    this.#schedule = schedule
  }

  /** Makes a waiter: `ready` is resolved when the native half says its number; at once where it never will. */
  make(): { waiter: number; ready: Promise<void> } {
    this.#last = (this.#last % (2 ** 31 - 1)) + 1
    const waiter = this.#last
    if (this.#over) return { waiter, ready: Promise.resolve() }
    const ready = new Promise<void>((resolve) => this.#wakes.set(waiter, resolve))
    return { waiter, ready }
  }

  /** Forgets a waiter. */
  drop(waiter: number): void {
    this.#wakes.delete(waiter)
  }

  /** The moment of a waiter has come. */
  wake(waiter: number): void {
    const wake = this.#wakes.get(waiter)
    this.#wakes.delete(waiter)
    wake?.()
  }

  /** Nobody is made ready any more: whoever comes later must not wait either. */
  wakeAll(): void {
    this.#over = true
    for (const wake of this.#wakes.values()) wake()
    this.#wakes.clear()
  }

  /**
   * What `begin` gives, where it knows it at once; else what `take` gives once the waiter is ready: the loop
   * goes on, and the process stays, until then.
   */
  async later<Value>(
    begin: (waiter: number) => (() => Value) | undefined,
    take: (waiter: number) => Value,
  ): Promise<Value> {
    const { waiter, ready } = this.make()
    hold()
    try {
      const known = begin(waiter)
      if (known) return known()
      this.#schedule()
      await ready
      return take(waiter)
    } catch (error) {
      throw translate(error)
    } finally {
      this.drop(waiter)
      release()
    }
  }
}
