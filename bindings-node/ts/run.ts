import { type Args, argsOf, call } from './call.js'
import { type Running, scope } from './current.js'
import type { Handler } from './definition.js'
import { BursarError, Cancel, Fail, guarded, Retry } from './errors.js'
import { LoadError } from './loader.js'
import { native, type Thrown } from './native.js'

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

/** @internal Who is told how attempts end. */
export interface Keeper {
  /** A handler returned. */
  returned(running: Running, value: unknown): void
  /** A handler threw. */
  threw(running: Running, error: unknown): void
}

/**
 * @internal One place for an attempt to run. Its callbacks are made once and serve one attempt after
 * the other: the place is given to the next when the last has ended.
 */
export class Place {
  readonly #keeper: Keeper
  #running: Running | undefined
  readonly #returned = (value: unknown) => this.#end(true, value)
  readonly #threw = (error: unknown) => this.#end(false, error)

  constructor(keeper: Keeper) {
    this.#keeper = keeper
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

  /** Runs a handler as part of its job, with the arguments that `read` gives. */
  runLater(running: Running, handler: Handler, read: () => unknown[]): void {
    this.#running = running
    begun()
    try {
      this.#call(running, handler, argsOf(read()))
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
    if (returned) this.#keeper.returned(running, value)
    else this.#keeper.threw(running, value)
  }
}

function isPlainPromise(value: PromiseLike<unknown>): boolean {
  return value instanceof Promise && value.then === Promise.prototype.then
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  if (value === null || (typeof value !== 'object' && typeof value !== 'function')) return false
  return typeof (value as { then?: unknown }).then === 'function'
}

/** @internal Its job has failed, and no retry will help. */
export function gaveUp(error: unknown): Thrown {
  return { how: 'gave_up', ...describe(error) }
}

/** @internal What broke the thread or process of a job. */
export function crashed(error: unknown): Thrown {
  return { how: 'crashed', ...describe(error) }
}

/** @internal What it means for its job that a handler threw this. */
export function classify(error: unknown): Thrown {
  if (error instanceof Fail || error instanceof LoadError) return gaveUp(error)
  if (error instanceof Cancel) return { how: 'cancelled', ...describe(error) }
  if (!(error instanceof Retry)) return { how: 'raised', ...describe(error) }
  try {
    const delay = guarded(() => native.duration('delay', error.delay))
    return { how: 'retry', ...describe(error), ...(delay === null ? {} : { delay }) }
  } catch (invalid) {
    return gaveUp(invalid)
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
