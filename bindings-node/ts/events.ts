import { decode } from './codec.js'
import { dated, type LogLine, type Progress, type State } from './info.js'
import type { Runner } from './runner.js'
import { NOBODY } from './waiters.js'

interface Happened {
  /** When. */
  at: Date
  /** The id of the job that it happened to. */
  job: string
  /** The name of its task. */
  task: string
}

/** A job is in this state now. */
export interface StateEvent extends Happened {
  type: 'state'
  state: State
}

/** A job said how far it has come. */
export interface ProgressEvent extends Happened, Progress {
  type: 'progress'
}

/** A job logged a line. */
export interface LogEvent extends Happened, LogLine {
  type: 'log'
}

/** An attempt nears a limit, or is above it. */
export interface LimitEvent extends Happened {
  type: 'limit'
  /** Of what. */
  resource: 'memory' | 'cpu' | 'cpuTime' | 'files' | 'connections'
  /** What it uses: bytes, thousandths of a core, microseconds, or how many. */
  used: number
  /** What it may use, in the same unit. */
  limit: number
  /** It has reached 90 % of it; is above it and goes on; or is above it and is slowed down. */
  kind: 'near' | 'over' | 'slowed'
}

/** The listener was too slow and missed this many events. */
export interface MissedEvent extends Happened {
  type: 'missed'
  missed: number
}

/** Something that happened to a job. */
export type JobEvent = StateEvent | ProgressEvent | LogEvent | LimitEvent | MissedEvent

/** Closes listeners that were dropped without being closed. */
const forgotten = new FinalizationRegistry<() => void>((close) => close())

/** @internal A listener to one job or to all, from when it was made. */
export class Listener {
  readonly #runner: Runner
  readonly #number: number
  readonly #close: () => void

  constructor(runner: Runner, id: string | null) {
    this.#runner = runner
    const { native } = runner
    const number = native.listen(id)
    this.#number = number
    this.#close = () => native.unlisten(number)
    forgotten.register(this, this.#close, this)
  }

  /** The next event; `undefined` once the engine is closed. */
  async next(): Promise<JobEvent | undefined> {
    while (true) {
      const { waiter, ready } = this.#runner.waiters.make()
      const text = this.#runner.native.nextEvent(this.#number, waiter)
      if (text !== null) {
        this.#runner.waiters.drop(waiter)
        return dated(decode(text) as Record<string, unknown>, ['at']) as unknown as JobEvent
      }
      if (this.#runner.closed) return undefined
      await ready
    }
  }

  /** Forgets the events that are there already. */
  clear(): void {
    while (this.#runner.native.nextEvent(this.#number, NOBODY) !== null);
  }

  /** Stops listening. */
  close(): void {
    forgotten.unregister(this)
    this.#close()
  }
}

/** @internal Everything that happens on an engine from now on. */
export function engineEvents(runner: Runner): AsyncIterableIterator<JobEvent> {
  return iterate(new Listener(runner, null))
}

async function* iterate(listener: Listener): AsyncIterableIterator<JobEvent> {
  try {
    for (let event = await listener.next(); event; event = await listener.next()) yield event
  } finally {
    listener.close()
  }
}

/** @internal What happens to one job: its state first, until it has ended, none twice. */
export function jobEvents(
  runner: Runner,
  id: string,
  now: () => StateEvent,
): AsyncIterableIterator<JobEvent> {
  // Listening begins before the state is read, so that nothing falls between the two.
  const listener = new Listener(runner, id)
  return follow(listener, firstState(listener, now), now)
}

/** The state of now, with no event before it left in the listener. */
function firstState(listener: Listener, now: () => StateEvent): StateEvent {
  let first = now()
  while (true) {
    listener.clear()
    const again = now()
    if (again.state === first.state) return again
    first = again
  }
}

const TERMINAL: ReadonlySet<State> = new Set<State>(['completed', 'failed', 'cancelled'])

async function* follow(
  listener: Listener,
  first: StateEvent,
  now: () => StateEvent,
): AsyncIterableIterator<JobEvent> {
  try {
    yield first
    let { state } = first
    while (!TERMINAL.has(state)) {
      const event = await listener.next()
      if (event === undefined) return
      if (event.type !== 'state') yield event
      const seen = event.type === 'missed' ? now() : event
      if (seen.type === 'state' && seen.state !== state) {
        state = seen.state
        yield seen
      }
    }
  } finally {
    listener.close()
  }
}
