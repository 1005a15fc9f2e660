import { scope } from './current.js'
import { Runner } from './runner.js'

/** The engines that are open, the newest last. */
const open: Runner[] = []

/** The engine of tasks that have no other, once one was needed. */
let fallback: Runner | undefined

/** @internal The engine that a task without one goes to. */
export function currentRunner(): Runner {
  const running = scope.current()
  if (running) return running.runner
  const newest = open[open.length - 1]
  if (newest) return newest
  fallback ??= new Runner(null, [])
  return fallback
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
