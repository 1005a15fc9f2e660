import { Worker } from 'node:worker_threads'
import { postData } from './inside.js'
import type { NativeEngine, Thrown } from './native.js'
import { crashed } from './run.js'

/** How long after it was told to the pool looks again whether jobs still wait, in milliseconds. */
const LATER = 10

/** How often the pool looks for workers that have had nothing to do for long, in milliseconds. */
const THIN = 5_000

/** The share of a heap that is for what was made just now; V8 counts it apart. */
const YOUNG = { least: 2, most: 16, share: 8 }

/** How V8 says that the heap of a worker has reached its limit. */
const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY'

/**
 * @internal The worker threads of one engine. When there is to be one, and when one is to end, the native
 * half decides; what they do is between them and it.
 */
export class Pool {
  readonly #native: () => NativeEngine
  readonly #schedule: () => void
  readonly #workers = new Map<number, Worker>()
  #ends: Promise<unknown>[] = []
  #thinning = false
  #closed = false

  /** `schedule` has the engine look soon at what the native half has. */
  constructor(native: () => NativeEngine, schedule: () => void) {
    this.#native = native
    this.#schedule = schedule
  }

  /** Starts a worker whose heap may grow to so many MiB; 0 for no limit. */
  hire(number: number, limit: number): void {
    const key = this.#native().announceWorker(number)
    try {
      const worker = start(number, key, limit)
      this.#workers.set(number, worker)
      this.#attend(worker, { number, key, limit })
    } catch (error) {
      this.#native().workerEnded(number, key, crashed(error))
      this.#schedule()
    }
    this.#thinLater()
  }

  /** Ends a worker, whatever it does. */
  dismiss(number: number): void {
    const worker = this.#workers.get(number)
    if (worker) this.#ends.push(worker.terminate())
  }

  /** Has the native half look a little later whether jobs still wait. */
  look(): void {
    const look = () => {
      if (this.#closed) return
      this.#native().staff()
      this.#schedule()
    }
    setTimeout(look, LATER).unref()
  }

  /** Ends all workers. */
  async close(): Promise<void> {
    this.#closed = true
    for (const number of this.#workers.keys()) this.dismiss(number)
    await Promise.all(this.#ends)
  }

  #attend(worker: Worker, hired: Hired): void {
    let thrown: { error: unknown } | undefined
    worker.unref()
    worker.on('error', (error) => {
      thrown = { error }
    })
    worker.on('exit', (code) => {
      this.#workers.delete(hired.number)
      this.#ended(hired, thrown, code)
    })
  }

  #ended({ number, key, limit }: Hired, thrown: { error: unknown } | undefined, code: number): void {
    const native = this.#native()
    const dismissed = this.#closed || native.isDismissed(number)
    const how = dismissed ? DISMISSED : howItEnded(thrown, code, limit)
    const told = native.workerEnded(number, key, how)
    if (!told && !dismissed) warn(how)
    this.#schedule()
  }

  #thinLater(): void {
    if (this.#thinning) return
    this.#thinning = true
    const thin = () => {
      this.#thinning = false
      this.#ends = []
      if (this.#closed) return
      if (this.#native().thin()) this.#thinLater()
      this.#schedule()
    }
    setTimeout(thin, THIN).unref()
  }
}

/** A worker that was started. */
interface Hired {
  number: number
  /** The key of its post. */
  key: number
  /** The MiB of its heap; 0 for no limit. */
  limit: number
}

const DISMISSED: Thrown = { how: 'cancelled', kind: 'Cancelled', message: 'its worker was ended' }

function start(number: number, key: number, limit: number): Worker {
  const young = Math.min(Math.max(Math.floor(limit / YOUNG.share), YOUNG.least), YOUNG.most)
  const resourceLimits = { maxOldGenerationSizeMb: limit - young, maxYoungGenerationSizeMb: young }
  return new Worker(new URL('./worker.js', import.meta.url), {
    name: `bursar-${number}`,
    workerData: postData(key),
    argv: process.argv.slice(2),
    ...notInherited(),
    ...(limit === 0 ? {} : { resourceLimits }),
  })
}

/** What of the options of this process is not for workers: they have a file of their own. */
function notInherited(): { execArgv?: string[] } {
  const typed = process.execArgv.some((option) => option.startsWith('--input-type'))
  return typed ? { execArgv: [] } : {}
}

/** How a worker ended that wasn't told to. */
function howItEnded(thrown: { error: unknown } | undefined, code: number, limit: number): Thrown {
  if (thrown === undefined) return exited(code)
  const { error } = thrown
  if ((error as { code?: unknown } | null)?.code !== OUT_OF_MEMORY) return crashed(error)
  return { how: 'memory_exceeded', kind: 'MemoryExceeded', message: outOfMemory(limit) }
}

/** No job is told of it: what was left in the worker by one that is over has ended it. */
function warn({ kind, message, traceback }: Thrown): void {
  const warning = `a worker thread was ended by what a job that is over had left there: ${kind}: ${message}`
  process.emitWarning(warning, { type: 'BursarWarning', detail: traceback ?? '' })
}

function exited(code: number): Thrown {
  const message = `its worker ended with exit code ${code} before the job did: something there called process.exit()`
  return { how: 'crashed', kind: 'WorkerExit', message, exitCode: code }
}

function outOfMemory(limit: number): string {
  return limit === 0
    ? "its heap reached V8's own limit; the job asked for no memory, so it had no limit of its own"
    : `its heap reached the limit of ${limit} MiB, which is the memory that the job has reserved: ask for more`
}
