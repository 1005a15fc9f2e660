import { AsyncLocalStorage } from 'node:async_hooks'
import { promiseHooks } from 'node:v8'

/** @internal Knows which job the running code belongs to. */
export interface Scope<T> {
  /** The job that the calling code belongs to. */
  current(): T | undefined
  /** Calls `work` as part of `job`, and what it awaits too. */
  enter<A, B, R>(job: T, work: (a: A, b: B) => R, a: A, b: B): R
  /** No job runs: what the scope costs the rest of the program can stop until the next one. */
  rest(): void
}

/** The first release of Node whose AsyncLocalStorage costs next to nothing. */
const CHEAP_STORAGE = 24

/** Where a promise keeps the job that made it. */
const JOB = Symbol('bursar.job')

/**
 * @internal The scope that Node keeps itself: across awaits, timers and whatever else is asynchronous.
 */
export function storageScope<T>(): Scope<T> {
  const storage = new AsyncLocalStorage<T>()
  return {
    current: () => storage.getStore(),
    enter: (job, work, a, b) => storage.run(job, work, a, b),
    rest: () => {},
  }
}

/**
 * @internal A scope across awaits only. Before Node 24, an AsyncLocalStorage that is used once makes
 * every promise of the program several times as expensive, and a job is made of little else; hooks
 * that mark the promises made inside of jobs, and only those, leave the others alone.
 */
export function promiseScope<T>(): Scope<T> {
  type Marked = Promise<unknown> & { [JOB]?: T }
  let now: T | undefined
  const hooks = {
    init(promise: Promise<unknown>) {
      if (now !== undefined) (promise as Marked)[JOB] = now
    },
    before(promise: Promise<unknown>) {
      now = (promise as Marked)[JOB]
    },
    after() {
      now = undefined
    },
  }
  let unhook: (() => void) | undefined
  return {
    current: () => now,
    enter: (job, work, a, b) => {
      unhook ??= promiseHooks.createHook(hooks) as () => void
      const outer = now
      now = job
      try {
        return work(a, b)
      } finally {
        now = outer
      }
    },
    rest: () => {
      unhook?.()
      unhook = undefined
      now = undefined
    },
  }
}

/** @internal The scope that suits this release of Node. */
export function newScope<T>(): Scope<T> {
  const [major] = process.versions.node.split('.')
  return Number(major) >= CHEAP_STORAGE ? storageScope() : promiseScope()
}
