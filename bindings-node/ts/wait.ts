import { scope } from './current.js'
import { guarded, TimeoutError } from './errors.js'
import { checkOptions, checkSignal } from './given.js'
import { hold, release } from './hold.js'
import { native } from './native.js'
import type { WaitOptions } from './options.js'

/** The longest delay that a timer takes, in milliseconds. */
const LONGEST = 2 ** 31 - 1

/** @internal What a wait calls when it is done. */
export type Wake = () => void

/** The timeout of a wait, in seconds, once its options are known to be right: a mistake would wait for ever. */
function secondsOf(options: WaitOptions | undefined): number | null {
  if (options == null) return null
  checkOptions(options, "{ timeout: '10s' }", ['timeout', 'signal'])
  checkSignal(options.signal)
  return guarded(() => native.duration('timeout', options.timeout ?? null))
}

/** @internal Refuses the options of a wait that is over at once, as if it wasn't. */
export async function checkWait(options: WaitOptions | undefined): Promise<void> {
  secondsOf(options)
  options?.signal?.throwIfAborted()
}

/**
 * @internal Waits until `subscribe` calls back, at most for the timeout, and not after an abort.
 * `subscribe` gives what ends the subscription. The process stays alive meanwhile.
 */
export function waitUntil(
  subscribe: (wake: Wake) => Wake,
  options: WaitOptions | undefined,
  what: () => string,
): Promise<void> {
  const seconds = secondsOf(options)
  const signal = options?.signal ?? undefined
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason)
    hold()
    const stops: Wake[] = []
    const settle = (finish: Wake) => {
      for (const stop of stops.splice(0)) stop()
      release()
      finish()
    }
    stops.push(subscribe(() => settle(resolve)))
    if (seconds !== null) {
      const late = () => settle(() => reject(new TimeoutError(`${what()} did not end within ${seconds} s`)))
      stops.push(after(seconds * 1_000, late))
    }
    if (signal) {
      const abort = () => settle(() => reject(signal.reason))
      signal.addEventListener('abort', abort, { once: true })
      stops.push(() => signal.removeEventListener('abort', abort))
    }
  })
}

/** Calls `late` after so many milliseconds; gives what prevents that. */
function after(delay: number, late: Wake): Wake {
  let timer: NodeJS.Timeout
  let left = delay
  const next = () => {
    const step = Math.min(left, LONGEST)
    left -= step
    timer = setTimeout(left > 0 ? next : late, step)
  }
  next()
  return () => clearTimeout(timer)
}

/**
 * @internal The attempt that the calling code runs in, if it is one of this kind of runner and not
 * over: it gives its slot back while it waits.
 */
export function waiter(runner: unknown) {
  const running = scope.current()
  return running && !running.over && running.home === runner ? running : undefined
}
