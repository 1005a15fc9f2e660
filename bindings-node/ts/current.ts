import { decode, encode } from './codec.js'
import { BursarError, guarded } from './errors.js'
import { inside } from './inside.js'
import type { Desk } from './line.js'
import type { AttemptFacts, StopFacts } from './native.js'
import { newScope, storageScope } from './scope.js'

/** The running job, as its own code sees it: see {@link currentJob}. */
export interface CurrentJob {
  /** The id of the job: also the idempotency key to pass on to services that it calls. */
  readonly id: string
  /** The number of the attempt, from 1. */
  readonly attempt: number
  /** The name of the task. */
  readonly task: string
  /** The bytes of memory that are reserved for it. */
  readonly memory: number
  /** When its timeout is over; `undefined` where it has none. */
  readonly deadline: Date | undefined
  /** Whether it is asked to stop. */
  readonly cancelled: boolean
  /**
   * Aborted when the job is asked to stop. Its reason is a `DOMException`: `AbortError` for a cancel
   * or a shutdown, `TimeoutError` for its timeout.
   */
  readonly signal: AbortSignal
  /** Whether it is a daemon. */
  readonly daemon: boolean
  /**
   * Says how far it has come, from 0 to 100.
   *
   * @throws BursarError `Invalid` outside of that; `Conflict` once this attempt is over.
   */
  progress(percent: number, message?: string): void
  /**
   * Logs a line. A job keeps its last 1,000.
   *
   * @throws BursarError `Conflict` once this attempt is over.
   */
  log(message: string, level?: string): void
  /** The last saved state, by this attempt or an earlier one; `undefined` where there is none. */
  checkpoint<T = unknown>(): T | undefined
  /**
   * Saves a state, as JSON, that a later attempt can go on from.
   *
   * @throws BursarError `Invalid` where it is larger than 1 MiB or JSON can't carry it; `Conflict`
   * once this attempt is over.
   */
  checkpoint(state: unknown): void
  /** Throws the reason of {@link CurrentJob.signal} if the job is asked to stop. */
  raiseIfCancelled(): void
}

/** @internal What runs attempts, and whom they ask and tell. */
export interface Home {
  readonly native: Desk
}

/** What few jobs ask for. */
interface Rare {
  facts?: AttemptFacts
  controller?: AbortController
  stopped?: DOMException
  awaited?: Set<number>
}

/** @internal An attempt that runs here. */
export class Running implements CurrentJob {
  readonly home: Home
  readonly number: number
  /** Whether its end was reported: its number may be another's by then. */
  over = false
  /** What few jobs ask for. */
  #rare: Rare | undefined

  constructor(home: Home, number: number) {
    this.home = home
    this.number = number
  }

  /** The numbers of the jobs that it waits for. */
  get awaited(): Set<number> {
    const rare = this.#rarely()
    rare.awaited ??= new Set()
    return rare.awaited
  }

  get id(): string {
    return this.#facts().id
  }

  get attempt(): number {
    return this.#facts().number
  }

  get task(): string {
    return this.#facts().task
  }

  get memory(): number {
    return this.#facts().memory
  }

  get deadline(): Date | undefined {
    const { deadline } = this.#facts()
    return deadline === undefined ? undefined : new Date(deadline)
  }

  get cancelled(): boolean {
    return this.#rare?.stopped !== undefined
  }

  get signal(): AbortSignal {
    const rare = this.#rarely()
    if (!rare.controller) {
      rare.controller = new AbortController()
      if (rare.stopped) rare.controller.abort(rare.stopped)
    }
    return rare.controller.signal
  }

  get daemon(): boolean {
    return false
  }

  progress(percent: number, message?: string): void {
    this.#check()
    guarded(() => this.home.native.progress(this.number, Number(percent), message ?? null))
  }

  log(message: string, level = 'info'): void {
    this.#check()
    guarded(() => this.home.native.log(this.number, String(level), String(message)))
  }

  checkpoint<T>(...state: [] | [unknown]): T | undefined {
    this.#check()
    if (state.length === 0) {
      const text = guarded(() => this.home.native.checkpoint(this.number))
      return text === null ? undefined : (decode(text) as T)
    }
    const text = encode(state[0], 'checkpoint')
    guarded(() => this.home.native.saveCheckpoint(this.number, text))
    return undefined
  }

  raiseIfCancelled(): void {
    if (this.#rare?.stopped) throw this.#rare.stopped
  }

  /** Asks it to stop. */
  stop(kind: StopFacts['kind'], reason: string): void {
    const rare = this.#rarely()
    rare.stopped ??= new DOMException(reason, kind === 'timed_out' ? 'TimeoutError' : 'AbortError')
    rare.controller?.abort(rare.stopped)
  }

  #facts(): AttemptFacts {
    const rare = this.#rarely()
    if (!rare.facts) {
      this.#check()
      rare.facts = guarded(() => this.home.native.attemptFacts(this.number))
    }
    return rare.facts
  }

  #rarely(): Rare {
    this.#rare ??= {}
    return this.#rare
  }

  #check(): void {
    if (this.over) throw new BursarError('Conflict', 'this attempt is over: nothing more can be said of it')
  }
}

/**
 * @internal Which attempt the running code belongs to. In a worker timers count too: what breaks it must be
 * told from what runs beside it.
 */
export const scope = inside ? storageScope<Running>() : newScope<Running>()

/**
 * The job that this code runs in.
 *
 * @throws BursarError `Conflict` outside of a job.
 */
export function currentJob(): CurrentJob {
  const running = scope.current()
  if (!running) {
    throw new BursarError('Conflict', 'there is no current job: this code does not run inside one')
  }
  return running
}
