import type { JobInfo } from './info.js'

/** What kind of trouble a {@link BursarError} reports, and so what its caller can do. */
export type ErrorCode =
  | 'Invalid'
  | 'NotFound'
  | 'Conflict'
  | 'BudgetExceeded'
  | 'Unavailable'
  | 'Closed'
  | 'Internal'
  | 'Timeout'
  | JobFailedCode

/** How a job failed. */
export type JobFailedCode = 'JobFailed' | 'JobTimedOut' | 'JobCancelled' | 'JobCrashed' | 'MemoryExceeded'

/** An error of Bursar's own. `code` says what to do about it, `message` what and where. */
export class BursarError extends Error {
  override name = 'BursarError'
  /**
   * `Invalid`: change the request. `NotFound`: what it names doesn't exist. `Conflict`: it doesn't fit
   * the present state. `BudgetExceeded`: it could never fit. `Unavailable`: try again later.
   * `Closed`: the engine is closed. `Internal`: a fault of ours.
   */
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** A wait took longer than its timeout. The job goes on. */
export class TimeoutError extends BursarError {
  override name = 'TimeoutError'

  constructor(message: string) {
    super('Timeout', message)
  }
}

/** @internal What is known of a failure. */
export interface FailureFacts {
  code: JobFailedCode
  type: string
  message: string
  traceback: string | undefined
  exitCode: number | undefined
  signal: string | undefined
  info: JobInfo | undefined
  cause: unknown
}

/** A job did not complete. `cause` is what it threw, where that is at hand. */
export class JobFailed extends BursarError {
  override name = 'JobFailed'
  declare readonly code: JobFailedCode
  /** The type of what it threw, such as `TypeError`. */
  readonly type: string
  /** The stack of what it threw, as text. */
  readonly traceback: string | undefined
  /** What its process ended with, where it ran in one of its own that returned a code. */
  readonly exitCode: number | undefined
  /** The signal that ended its process, such as `SIGSEGV`, where one did. */
  readonly signal: string | undefined
  /** The job at the time of this error, unless it was forgotten by then. */
  readonly info: JobInfo | undefined

  /** @internal */
  constructor(facts: FailureFacts) {
    super(facts.code, facts.message, facts.cause === undefined ? undefined : { cause: facts.cause })
    this.type = facts.type
    this.traceback = facts.traceback
    this.exitCode = facts.exitCode
    this.signal = facts.signal
    this.info = facts.info
    // Where we noticed is of no interest; where the job failed is.
    this.stack = `${this.name}: ${this.message}\n  in the job: ${facts.traceback ?? 'no stack'}`
  }
}

/** Thrown by a task: run it again, without spending a retry. */
export class Retry extends Error {
  override name = 'Retry'
  /** How long to wait first: seconds, or text with a unit; default the task's `retryDelay`. */
  readonly delay: number | string | undefined

  constructor(options: { delay?: number | string; reason?: string } = {}) {
    super(options.reason ?? 'the task asked to be run again')
    this.delay = options.delay
  }
}

/** Thrown by a task: it failed, and no retry will help. */
export class Fail extends Error {
  override name = 'Fail'
}

/** Thrown by a task: it ends as cancelled. */
export class Cancel extends Error {
  override name = 'Cancel'
}

const CODES = new Set([
  'Invalid',
  'NotFound',
  'Conflict',
  'BudgetExceeded',
  'Unavailable',
  'Closed',
  'Internal',
])

/** @internal An error of the native half as users see it. */
export function translate(error: unknown): unknown {
  if (error instanceof BursarError || !(error instanceof Error)) return error
  const code = (error as { code?: unknown }).code
  if (typeof code !== 'string' || !CODES.has(code)) return error
  return new BursarError(code as ErrorCode, error.message)
}

/** @internal Runs native code, and shows its errors as users see them. */
export function guarded<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw translate(error)
  }
}
