import { scope } from './current.js'
import { BursarError } from './errors.js'
import { inside, park } from './inside.js'
import { Runner } from './runner.js'

/** The engines that are open, the newest last. */
const open: Runner[] = []

/** The engine of tasks that have no other, once one was needed. */
let fallback: Runner | undefined

/** @internal The engine that a task without one goes to. */
export function currentRunner(): Runner {
  const running = scope.current()
  if (running?.home instanceof Runner) return running.home
  if (inside) throw noEngine()
  const newest = open[open.length - 1]
  if (newest) return newest
  fallback ??= new Runner(null, [])
  return fallback
}

/** @internal What is said to a job in a worker that asks for an engine. */
export function noEngine(): BursarError {
  const message =
    'there is no engine in a worker: a job there can compute and report, but not ' +
    'submit; return what is to be submitted, or submit it from a job with executor async'
  return new BursarError('Conflict', message)
}

/** @internal What a program waits for that asks for an engine while a worker loads it. */
export function parkedInWorker(): Promise<never> | undefined {
  return inside && scope.current() === undefined ? park() : undefined
}

/** @internal This engine is open now. */
export function opened(runner: Runner): void {
  open.push(runner)
}

/** @internal This engine isn't open any more. */
export function closing(runner: Runner): void {
  const index = open.indexOf(runner)
  if (index >= 0) open.splice(index, 1)
}
