import { Running, scope } from './current.js'
import type { Handler } from './definition.js'
import { Cancel } from './errors.js'
import type { Assigned, Line } from './line.js'
import { loadHandler } from './loader.js'
import type { Thrown } from './native.js'
import { classify, gaveUp, Place } from './run.js'

/** So many jobs in a row, or milliseconds, before the loop's timers and sockets get their turn. */
const TURNS = 64
const LONGEST_TURN = 5

/** The one attempt that runs here. */
const HERE = 0

/**
 * @internal What runs jobs outside of the engine's own thread: one at a time, each with the function that its
 * module declares.
 */
export class Child {
  readonly #line: Line
  readonly #place: Place
  readonly #handlers: (Handler | undefined)[] = []
  /** The job, while the module of its task is being loaded. */
  #loading: Running | undefined
  #turning = false

  constructor(line: Line) {
    this.#line = line
    this.#place = new Place(this)
  }

  get native(): Line {
    return this.#line
  }

  /** There may be a job, or the job may be asked to stop. */
  wake(): void {
    if (this.#running === undefined) this.#turn()
    else this.#stop(this.#running)
  }

  /** Something breaks this child, an error perhaps: where an earlier job left that behind, it is said. */
  breaks(thrown?: Thrown): void {
    const broken = scope.current()
    if (broken !== undefined && broken !== this.#running) this.#line.acquit()
    else if (thrown && this.#running) this.#line.blame(thrown)
  }

  /** The job has ended. */
  returned(_: Running, value: unknown): void {
    try {
      this.#line.returned(value)
    } catch (error) {
      this.#line.threw(gaveUp(error), error)
    }
    this.#turn()
  }

  /** The job has ended. */
  threw(_: Running, error: unknown): void {
    this.#line.threw(classify(error), error)
    this.#turn()
  }

  get #running(): Running | undefined {
    return this.#place.running ?? this.#loading
  }

  #stop(running: Running): void {
    const facts = this.#line.stopFacts()
    if (facts) running.stop(facts.kind, facts.reason)
  }

  /** Runs jobs until there is none, or one that takes its time. */
  #turn(): void {
    if (this.#turning || this.#running) return
    this.#turning = true
    const until = performance.now() + LONGEST_TURN
    try {
      for (let turn = 0; turn < TURNS && performance.now() < until; turn += 1) {
        if (!this.#next()) return
      }
    } finally {
      this.#turning = false
    }
    setImmediate(() => this.#turn())
  }

  /** Takes a job and begins it; whether it is over already. */
  #next(): boolean {
    const job = this.#line.next()
    if (job === undefined) return false
    const running = new Running(this, HERE)
    const handler = this.#handlers[job.handler]
    if (handler) this.#place.runLater(running, handler, () => job.args())
    else this.#first(running, job)
    return this.#running === undefined
  }

  /** Runs the first job with a function that isn't loaded yet. The module that has it is no part of the job. */
  async #first(running: Running, job: Assigned): Promise<void> {
    this.#loading = running
    this.#line.loads()
    let work: Handler
    try {
      const { name, module } = this.#line.task(job.handler)
      work = await loadHandler(name, module)
      this.#handlers[job.handler] = work
    } catch (error) {
      work = () => {
        throw error
      }
    }
    this.#loading = undefined
    this.#line.loaded()
    this.#place.runLater(running, running.cancelled ? stoppedEarly : work, () => job.args())
  }
}

function stoppedEarly(): never {
  throw new Cancel('it was stopped before it began')
}
