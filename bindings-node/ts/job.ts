import type { Readable } from 'node:stream'
import { inspect } from 'node:util'
import { unpackOne } from './clone.js'
import { decode, encode } from './codec.js'
import { BursarError, guarded, JobFailed, type JobFailedCode } from './errors.js'
import { type JobEvent, jobEvents, type StateEvent } from './events.js'
import {
  type JobInfo,
  type LogLine,
  type Progress,
  readInfo,
  readLogs,
  readWhy,
  type State,
  type Why,
} from './info.js'
import { InFile, readable, textStream } from './large.js'
import type { EndFacts } from './native.js'
import type { WaitOptions } from './options.js'
import type { Runner } from './runner.js'
import { checkWait, type Wake, waiter, waitUntil } from './wait.js'

/** The code of the error of a job that ended with an outcome; all others are plain failures. */
const CODES: Record<string, JobFailedCode> = {
  timed_out: 'JobTimedOut',
  cancelled: 'JobCancelled',
  crashed: 'JobCrashed',
  lost: 'JobCrashed',
  memory_exceeded: 'MemoryExceeded',
}

type Resolve = (value: unknown) => void

/** What resolves the promise that was made last: one function for all, rather than one for each. */
let resolve: Resolve | undefined
const remember = (onValue: Resolve) => {
  resolve = onValue
}

/** A job that ended without completing, and what it threw where that is at hand. */
interface Failed {
  facts: EndFacts
  cause: unknown
}

/**
 * One submitted call. It knows its end for as long as you hold it, however soon the store forgets.
 * It is not a thenable: await {@link Job.result}.
 */
export class Job<T = unknown> {
  // What follows is for the engine alone. Plain fields, and few: what waits is copied by the collector.
  /** @internal */ readonly _runner: Runner
  /** @internal The number by which the native half knows it, until it has ended. */ _number: number
  /** @internal The state that it ended in. */ _state: State | undefined = undefined
  /** @internal What it returned, or how it failed. */ _value: unknown = undefined
  /** @internal Who waits for its result first. */ _resolve: Resolve | undefined = undefined
  /** @internal Who else waits. */ _wakes: Wake[] | undefined = undefined
  /** @internal The id as four numbers, once it has ended. */ _a = 0
  /** @internal */ _b = 0
  /** @internal */ _c = 0
  /** @internal */ _d = 0

  /** @internal */
  constructor(runner: Runner, number: number) {
    this._runner = runner
    this._number = number
  }

  /** Whether the submit found an unfinished job with the same unique key, and this is that one. */
  get deduplicated(): boolean {
    return false
  }

  /** The id: sortable by submission, and the idempotency key to pass on. */
  get id(): string {
    if (this._state === undefined) return this._runner.native.idOf(this._number)
    return formatId(this._a, this._b, this._c, this._d)
  }

  /** Whether it has ended, well or not. */
  get done(): boolean {
    return this._state !== undefined
  }

  /**
   * What it last said of its progress; `undefined` before it has.
   *
   * @throws BursarError `NotFound` once the store has forgotten it.
   */
  get progress(): Progress | undefined {
    return this.#info().progress ?? undefined
  }

  /**
   * Its state.
   *
   * @throws BursarError `NotFound` where it was deleted before it ended here.
   */
  async state(): Promise<State> {
    return this._state ?? (await this.#ask()).state
  }

  /**
   * A snapshot of everything that is known of it.
   *
   * @throws BursarError `NotFound` once the store has forgotten it; `Closed` once the engine is.
   */
  async info(): Promise<JobInfo> {
    return this.#ask()
  }

  /**
   * What it returned, once it has completed. Inside a job, the job's slot is given back meanwhile.
   *
   * @throws JobFailed where it did not complete.
   * @throws TimeoutError where it did not end within `timeout`: it goes on.
   * @throws BursarError `Invalid` for an unknown option or a timeout out of range, as every wait;
   * `Conflict` inside a job where waiting could never end; `NotFound` where it is over 10 MB and its file
   * is gone, `Unavailable` where that is damaged.
   */
  result(options?: WaitOptions): Promise<T> {
    if (options === undefined && this._runner.runs && waiter(this._runner) === undefined) {
      if (this._state !== undefined) return this.#outcome()
      if (this._resolve === undefined) return this.#firstResult()
    }
    return this.#until(options).then(() => this.#outcome())
  }

  /**
   * What it returned as JSON text, once it has completed, read a piece at a time: it needs no more memory
   * however large the result is. What is over 10 MB is in a file that is there as long as the job; its
   * checksum is looked at with the last byte, and the stream fails with `Unavailable` where it is damaged.
   *
   * @throws JobFailed where it did not complete.
   * @throws TimeoutError where it did not end within `timeout`: it goes on.
   * @throws BursarError `NotFound` where the file is gone.
   */
  async openResult(options?: WaitOptions): Promise<Readable> {
    await this.#until(options)
    const error = await this.#failure()
    if (error !== undefined) throw error
    if (this._value instanceof InFile) return this._value.open()
    return textStream(this._value === undefined ? 'null' : encode(this._value, 'the result'))
  }

  /**
   * What its command has written as `stdout` or `stderr`, as bytes, read a piece at a time: it needs no more
   * memory however much that is. Of several attempts, it is that of the newest one which wrote something.
   *
   * @throws BursarError `NotFound` where the job is no command or has not ended, for another name, or where the
   * file is gone; the stream fails with `Unavailable` where that is damaged.
   */
  async openOutput(name: 'stdout' | 'stderr'): Promise<Readable> {
    const opening = guarded(() => this._runner.native.openOutput(this.id, name))
    return readable(await opening)
  }

  /**
   * Waits until it has ended, well or not, and gives the state that it ended in.
   *
   * @throws TimeoutError where it did not end within `timeout`: it goes on.
   */
  async wait(options?: WaitOptions): Promise<State> {
    await this.#until(options)
    return this._state as State
  }

  /**
   * Waits until it has ended, and gives its error; `undefined` where it completed.
   *
   * @throws TimeoutError where it did not end within `timeout`: it goes on.
   */
  async exception(options?: WaitOptions): Promise<JobFailed | undefined> {
    await this.#until(options)
    const error = await this.#failure()
    if (error === undefined || error instanceof JobFailed) return error
    throw error
  }

  /**
   * Cancels it: at once where it waits; where it runs, its `signal` is aborted. `false` if it had
   * ended.
   *
   * @throws BursarError `NotFound` once the store has forgotten it; `Closed` once the engine is.
   */
  async cancel(reason = ''): Promise<boolean> {
    return this.#tell((waiter) => this._runner.native.cancel(this.id, reason, waiter))
  }

  /**
   * Cancels it, and ends its process at once, without `grace`, where it has one here. `false` if it had
   * ended.
   *
   * @throws BursarError As {@link Job.cancel}.
   */
  async kill(reason = ''): Promise<boolean> {
    return this.#tell((waiter) => this._runner.native.kill(this.id, reason, waiter))
  }

  /**
   * Freezes it, where it runs here in a process of its own; `false` where it was paused already. It keeps
   * what it reserved, and the time until {@link Job.resume} doesn't count to its timeout.
   *
   * @throws BursarError `Conflict` where it doesn't run in this process's engine; `Invalid` where it runs
   * on the loop.
   */
  async pause(): Promise<boolean> {
    return this.#tell((waiter) => this._runner.native.freeze(this.id, waiter))
  }

  /**
   * Lets it go on; `false` where it wasn't paused.
   *
   * @throws BursarError `Conflict` where it doesn't run in this process's engine.
   */
  async resume(): Promise<boolean> {
    return this.#tell((waiter) => this._runner.native.thaw(this.id, waiter))
  }

  /**
   * Submits a failed job again, as a new job linked to this one.
   *
   * @throws BursarError `Conflict` where it has not failed; `NotFound` once it is forgotten.
   */
  async retry(): Promise<Job<T>> {
    const { id, _runner: runner } = this
    return (await runner.follow((waiter) => runner.native.retry(id, waiter))) as Job<T>
  }

  /**
   * Deletes it, once it has ended.
   *
   * @throws BursarError `Conflict` while it has not; `NotFound` where it is forgotten already.
   */
  async delete(): Promise<void> {
    const { id, _runner: runner } = this
    const deleted = runner.ask((waiter) => runner.native.delete(id, waiter))
    runner.schedule()
    await deleted
  }

  /**
   * The last lines that it logged, oldest first, at most 1,000.
   *
   * @throws BursarError `NotFound` once the store has forgotten it.
   */
  async logs(): Promise<LogLine[]> {
    const { id, _runner: runner } = this
    return readLogs(await runner.ask((waiter) => runner.native.askInfo(id, true, waiter)))
  }

  /**
   * Why it isn't running, in words and as data.
   *
   * @throws BursarError `NotFound` once the store has forgotten it.
   */
  async why(): Promise<Why> {
    const { id, _runner: runner } = this
    return readWhy(await runner.ask((waiter) => runner.native.why(id, waiter)))
  }

  /**
   * What happens to it: first the state that it is in, then each change, progress and log line,
   * until it has ended.
   */
  events(): AsyncIterableIterator<JobEvent> {
    return jobEvents(this._runner, this.id, () => this.#stateNow())
  }

  /** Shows what matters. */
  [inspect.custom](): string {
    return `Job { id: '${this.id}', ${this._state ? `state: '${this._state}'` : 'unfinished'} }`
  }

  /** @internal It has ended: with what it returned, or with how it failed. */
  _end(state: State, value: unknown): void {
    this._state = state
    this._value = value
    if (this._resolve !== undefined) this.#settle()
    const wakes = this._wakes
    if (wakes === undefined) return
    this._wakes = undefined
    for (const wake of wakes) wake()
  }

  /** @internal Calls `wake` once it has ended; gives what prevents that. */
  _subscribe(wake: Wake): Wake {
    const wakes = this._wakes
    if (wakes === undefined) this._wakes = [wake]
    else wakes.push(wake)
    return () => {
      const index = this._wakes?.indexOf(wake) ?? -1
      if (index >= 0) this._wakes?.splice(index, 1)
    }
  }

  #firstResult(): Promise<T> {
    const promise = new Promise(remember) as Promise<T>
    this._resolve = resolve as Resolve
    resolve = undefined
    return promise
  }

  #settle(): void {
    const settle = this._resolve
    this._resolve = undefined
    const atHand = this._state === 'completed' && !(this._value instanceof InFile)
    settle?.(atHand ? this._value : this.#outcome())
  }

  /** Waits for its end. */
  async #until(options: WaitOptions | undefined): Promise<void> {
    if (this._state !== undefined) return checkWait(options)
    const waiting = waiter(this._runner)
    const resume = waiting ? this._runner.pause(waiting, this._number) : undefined
    try {
      await waitUntil(
        (wake) => this._subscribe(wake),
        options,
        () => `job ${this.id}`,
      )
    } finally {
      resume?.()
    }
  }

  async #outcome(): Promise<T> {
    const error = await this.#failure()
    if (error !== undefined) throw error
    const value = this._value
    return (value instanceof InFile ? await value.read() : value) as T
  }

  async #failure(): Promise<BursarError | undefined> {
    if (this._state === 'completed' || this._state === undefined) return undefined
    if (this._value instanceof BursarError) return this._value
    const info = await this.#ask().catch(() => undefined)
    // Who asked at the same time may have been quicker: there is one error for all.
    if (!(this._value instanceof BursarError)) this._value = jobFailed(this._value as Failed, info)
    return this._value as BursarError
  }

  #ask(): Promise<JobInfo> {
    const { id, _runner: runner } = this
    const asked = runner.ask((waiter) => runner.native.askInfo(id, false, waiter))
    return asked.then((text) => readInfo(text, runner.values))
  }

  #info(): JobInfo {
    return readInfo(
      guarded(() => this._runner.native.info(this.id, false)),
      this._runner.values,
    )
  }

  #infoIfKnown(): JobInfo | undefined {
    try {
      return this.#info()
    } catch {
      return undefined
    }
  }

  /** Tells the engine something that it says yes or no to. */
  async #tell(order: (waiter: number) => string | null): Promise<boolean> {
    const told = this._runner.ask(order)
    this._runner.schedule()
    return (await told) === 'true'
  }

  #stateNow(): StateEvent {
    const info = this._state ? this.#infoIfKnown() : this.#info()
    return {
      type: 'state',
      job: this.id,
      task: info?.task ?? '',
      at: info?.finished ?? info?.started ?? info?.created ?? new Date(),
      state: this._state ?? info?.state ?? 'queued',
    }
  }
}

function jobFailed({ facts, cause }: Failed, info: JobInfo | undefined): JobFailed {
  return new JobFailed({
    code: CODES[facts.outcome] ?? 'JobFailed',
    type: facts.kind ?? '',
    message: facts.message ?? `the job ended as ${facts.outcome}`,
    traceback: facts.traceback,
    exitCode: facts.exitCode,
    signal: facts.signal,
    info,
    cause,
  })
}

/** @internal The value of a completed job that came as text. */
export function decodeResult(facts: EndFacts): unknown {
  if (facts.cloned !== undefined) return unpackOne(facts.cloned)
  if (facts.file) return new InFile(facts.file)
  return facts.result === undefined ? null : decode(facts.result)
}

/** @internal The submit found an earlier job, and this is that one. */
export function markDeduplicated(job: Job | undefined): void {
  if (job) Object.defineProperty(job, 'deduplicated', { value: true, enumerable: true })
}

/** @internal Its id, or nothing where that can't be told any more. */
export function safeId(job: Job): string {
  try {
    return job.id
  } catch {
    return ''
  }
}

function formatId(a: number, b: number, c: number, d: number): string {
  const hex = [a, b, c, d].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
}
