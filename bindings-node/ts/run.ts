import { type Args, argsOf, call } from './call.js'
import { decode, encode } from './codec.js'
import { type Running, scope } from './current.js'
import type { Handler } from './definition.js'
import { BursarError, Cancel, Fail, guarded, Retry } from './errors.js'
import { type NativeEngine, native, type Thrown } from './native.js'
import type { Runner } from './runner.js'

/** How many handlers have not ended, in all engines. */
let busy = 0
let resting = false

function begun(): void {
  busy += 1
}

/** Lets the scope rest once nothing has run for a turn of the loop. */
function ended(): void {
  busy -= 1
  if (busy > 0 || resting) return
  resting = true
  setImmediate(rest)
}

function rest(): void {
  resting = false
  if (busy === 0) scope.rest()
}

/**
 * @internal One place for an attempt to run. Its callbacks are made once and serve one attempt after
 * the other: the place is given to the next when the last has ended.
 */
export class Place {
  readonly #runner: Runner
  #running: Running | undefined
  readonly #returned = (value: unknown) => this.#end(true, value)
  readonly #threw = (error: unknown) => this.#end(false, error)

  constructor(runner: Runner) {
    this.#runner = runner
  }

  /** The attempt that runs here. */
  get running(): Running | undefined {
    return this.#running
  }

  /** Runs a handler with live arguments as part of its job. */
  run(running: Running, handler: Handler, args: Args): void {
    this.#running = running
    begun()
    this.#call(running, handler, args)
  }

  /** Runs a handler as part of its job, with the arguments that the engine has as text. */
  runEncoded(running: Running, handler: Handler): void {
    this.#running = running
    begun()
    try {
      const args = decode(this.#runner.native.attemptArgs(running.number)) as unknown[]
      this.#call(running, handler, argsOf(args))
    } catch (error) {
      this.#threw(error)
    }
  }

  #call(running: Running, handler: Handler, args: Args): void {
    try {
      const returned = scope.enter(running, call, handler, args)
      if (isThenable(returned)) this.#follow(returned)
      else this.#returned(returned)
    } catch (error) {
      this.#threw(error)
    }
  }

  /** A promise of the language ends once, whatever another thenable does. */
  #follow(returned: PromiseLike<unknown>): void {
    const promise = isPlainPromise(returned) ? returned : Promise.resolve(returned)
    promise.then(this.#returned, this.#threw)
  }

  #end(returned: boolean, value: unknown): void {
    const running = this.#running
    if (running === undefined) return
    this.#running = undefined
    running.over = true
    ended()
    if (returned) this.#runner.returned(running, value)
    else this.#runner.threw(running, value)
  }
}

function isPlainPromise(value: PromiseLike<unknown>): boolean {
  return value instanceof Promise && value.then === Promise.prototype.then
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  return typeof (value as { then?: unknown }).then === 'function'
}

/** @internal Reports what a handler returned as JSON text; where that can't be, its job has failed. */
export function returnedEnd(engine: NativeEngine, attempt: number, value: unknown): void {
  try {
    engine.returnedText(attempt, encode(value, 'result'))
  } catch (error) {
    engine.threw(attempt, { how: 'gave_up', ...describe(error) })
  }
}

/** @internal Reports what a handler threw. */
export function thrownEnd(runner: Runner, attempt: number, error: unknown): void {
  const thrown = classify(error)
  if (runner.live) thrown.live = runner.values.put(error)
  runner.native.threw(attempt, thrown)
}

function classify(error: unknown): Thrown {
  if (error instanceof Fail) return { how: 'gave_up', ...describe(error) }
  if (error instanceof Cancel) return { how: 'cancelled', ...describe(error) }
  if (!(error instanceof Retry)) return { how: 'raised', ...describe(error) }
  try {
    const delay = guarded(() => native.duration('delay', error.delay))
    return { how: 'retry', ...describe(error), ...(delay === null ? {} : { delay }) }
  } catch (invalid) {
    return { how: 'gave_up', ...describe(invalid) }
  }
}

type Description = Pick<Thrown, 'kind' | 'message' | 'traceback'>

/** What can be said of anything that was thrown. Looking at it may run code that throws, too. */
function describe(error: unknown): Description {
  try {
    return error instanceof Error ? describeError(error) : { kind: typeof error, message: String(error) }
  } catch {
    return { kind: typeof error, message: 'what was thrown can not be shown' }
  }
}

function describeError(error: Error): Description {
  const { stack } = error
  const kind = error instanceof BursarError ? error.name : className(error)
  const description: Description = { kind, message: String(error.message) }
  if (typeof stack === 'string') description.traceback = stack
  return description
}

/** The name that an error gives itself; that of its class where it gives none of its own. */
function className(error: Error): string {
  const own = String(error.name)
  return own === 'Error' ? error.constructor?.name || own : own
}
