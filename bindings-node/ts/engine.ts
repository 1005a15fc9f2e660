import { decode } from './codec.js'
import { type CommandOptions, type CommandOutput, programOf } from './command.js'
import { closing, noEngine, opened, parkedInWorker } from './context.js'
import { guarded } from './errors.js'
import { engineEvents, type JobEvent } from './events.js'
import { checkOptions, checkSignal, checkUrl } from './given.js'
import type { Stats } from './info.js'
import { inside } from './inside.js'
import type { Job } from './job.js'
import type { Duration, EngineOptions, JobFilter, JobQuery, WaitOptions } from './options.js'
import { countJobs, type JobPage, listJobs } from './query.js'
import { Runner } from './runner.js'
import { definitionOf, type Task } from './task.js'
import { waitUntil } from './wait.js'

/** How long a shutdown waits, and what hurries it. */
export interface ShutdownOptions {
  /** How long what runs may go on before it is asked to stop; default the engine's `shutdownGrace`. */
  grace?: Duration | null | undefined
  /** Once it is aborted, what runs is asked to stop at once. */
  signal?: AbortSignal | null | undefined
}

/** What a program owns: it accepts jobs, runs them within its budget, and stops. */
export class Engine {
  readonly #runner: Runner
  #shutdown: Promise<void> | undefined

  private constructor(runner: Runner) {
    this.#runner = runner
    opened(runner)
  }

  /**
   * Opens an engine. Tasks that are submitted without one go to the engine that was opened last.
   *
   * @param url Where jobs are kept, `memory:` or a file such as `sqlite:jobs.db`; default the environment's
   * `BURSAR_URL`, else `memory:`.
   * @param options What it shares out and how it runs jobs.
   * In a worker that loads a program for its tasks this never resolves: the program goes no further there.
   *
   * @throws BursarError `Invalid` for a URL of no known kind, an unknown option or a value out of
   * range; `Unavailable` where the system gives no thread; `Conflict` inside a job of a worker.
   */
  static async open(url?: string | null, options: EngineOptions = {}): Promise<Engine> {
    const parked = parkedInWorker()
    if (parked) return parked
    if (inside) throw noEngine()
    checkUrl(url)
    const given = options ?? {}
    checkOptions(given, "{ memory: '512MB' }")
    return new Engine(new Runner(url ?? null, Object.entries(given)))
  }

  /** @internal An engine on a runner of its own. */
  static _on(runner: Runner): Engine {
    return new Engine(runner)
  }

  /** @internal */
  get _runner(): Runner {
    return this.#runner
  }

  /** Whether it has begun to shut down. */
  get closed(): boolean {
    return this.#runner.closing
  }

  /**
   * Submits a call of a task, or of the task with this name. The job is accepted once this resolves.
   *
   * By its name a task can be submitted that only other processes know, in whatever language, where the
   * store is one that they share, such as `sqlite:jobs.db`. The job has the default options and waits for a
   * worker that knows the task: {@link Job.why} says so. Define a task with that name, and the job has the
   * options of that.
   *
   * @throws BursarError `NotFound` in memory, for a name that no task of this process has: no other one can
   * run it. Else as {@link Task.submit}.
   */
  submit<Args extends unknown[], Result, Returned>(
    task: Task<Args, Result, Returned>,
    ...args: Args
  ): Promise<Job<Result>>
  submit<Result = unknown>(name: string, ...args: unknown[]): Promise<Job<Result>>
  submit(task: unknown, ...args: unknown[]): Promise<Job> {
    try {
      return this.#runner.submit(this.#definition(task), args)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Submits many calls of a task, all of them or none, in one round trip to the store.
   *
   * @throws BursarError As {@link Engine.submit}.
   */
  submitMany<Args extends unknown[], Result, Returned>(
    task: Task<Args, Result, Returned>,
    calls: Iterable<Readonly<Args>>,
  ): Promise<Job<Result>[]>
  submitMany<Result = unknown>(name: string, calls: Iterable<readonly unknown[]>): Promise<Job<Result>[]>
  async submitMany(task: unknown, calls: Iterable<readonly unknown[]>): Promise<Job[]> {
    return this.#runner.submitMany(this.#definition(task), calls)
  }

  /**
   * Runs a program as a job: its arguments as they are, never a shell. What it writes is its log, line by
   * line as it comes (levels `stdout` and `stderr`), and its result. It runs in a session of its own;
   * whatever it starts ends with it, and with this process. An exit code other than 0 is a failure:
   * {@link JobFailed} with `exitCode`; a signal one with the code `JobCrashed` and `signal`.
   *
   * @param argv The program, as a path or a name that is looked up in `PATH`, and its arguments.
   * @param options What it is given, and the options of its job, such as `memory` and `timeout`.
   * @throws BursarError `Invalid` for no program, a NUL in an argument, a wrong option; in memory, where
   * it is this process that runs it, also for a program or a folder that isn't there. `BudgetExceeded`
   * where it could never run; `Closed` where the engine is.
   */
  async command(argv: readonly string[], options: CommandOptions = {}): Promise<Job<CommandOutput>> {
    return (await this.#runner.command(...programOf(argv, options))) as Job<CommandOutput>
  }

  /**
   * The job with this id.
   *
   * @throws BursarError `Invalid` for what isn't an id; `NotFound` where there is no such job.
   */
  async job<T = unknown>(id: string): Promise<Job<T>> {
    return (await this.#runner.follow((waiter) => this.#runner.native.find(String(id), waiter))) as Job<T>
  }

  /**
   * A page of snapshots of jobs: those that match, the newest first.
   *
   * @throws BursarError `Invalid` for an unknown option, state, priority or order.
   */
  async jobs(query: JobQuery = {}): Promise<JobPage> {
    return listJobs(this.#runner, query)
  }

  /**
   * How many jobs match.
   *
   * @throws BursarError `Invalid` for an unknown option, state or priority.
   */
  async count(filter: JobFilter = {}): Promise<number> {
    return countJobs(this.#runner, filter)
  }

  /** How many jobs are in each state, and what of the budget is taken. */
  async stats(): Promise<Stats> {
    return decode(await this.#runner.ask((waiter) => this.#runner.native.stats(waiter))) as Stats
  }

  /** Everything that happens to jobs from now on. It doesn't keep the process alive. */
  events(): AsyncIterableIterator<JobEvent> {
    return engineEvents(this.#runner)
  }

  /**
   * Waits until every job that this engine accepted has ended.
   *
   * @throws TimeoutError where that takes longer than `timeout`.
   * @throws BursarError `Invalid` for an unknown option or a timeout out of range.
   */
  async drain(options?: WaitOptions): Promise<void> {
    await this.#runner.stored()
    await this.#until((waiter) => this.#runner.native.drained(waiter), options, 'the work of the engine')
  }

  /**
   * Writes a copy of the store to a new file, in one piece, while everything goes on.
   *
   * @throws BursarError `Invalid` where the store ends with the process; `Conflict` where there is a file
   * already; `Unavailable` where it can't be written.
   */
  async backup(path: string): Promise<void> {
    let waiting = 0
    const begin = (waiter: number) => {
      waiting = waiter
      this.#runner.native.backup(String(path), waiter)
    }
    await this.#until(begin, undefined, 'the backup')
    guarded(() => this.#runner.native.takeFault(waiting))
  }

  /**
   * Shuts down: nothing more starts; what runs has `grace` to end and is then asked to stop; what is
   * left is given back. Resolves when that is done. A second call with a `grace` of 0 cuts the first
   * one's short.
   *
   * @throws BursarError `Invalid` for an unknown option or a grace out of range.
   */
  async shutdown(options: ShutdownOptions = {}): Promise<void> {
    checkOptions(options, "{ grace: '10s' }", ['grace', 'signal'])
    const { grace, signal } = options
    checkSignal(signal)
    const first = this.#shutdown === undefined
    if (!first && grace === undefined && !signal) return this.#shutdown
    const done = this.#until((waiter) => this.#runner.shutdown(grace ?? null, waiter), undefined, '')
    if (first) this.#shutdown = this.#close(done)
    const hurry = () => this.shutdown({ grace: 0 }).catch(() => {})
    if (signal?.aborted) hurry()
    signal?.addEventListener('abort', hurry, { once: true })
    await this.#shutdown
    signal?.removeEventListener('abort', hurry)
  }

  /**
   * What happens at the end of an `await using` block: it waits for its jobs, where they would end
   * with the process, and shuts down.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    const { native, runs, closing } = this.#runner
    if (runs && !closing && !native.durable) await this.drain()
    await this.shutdown()
  }

  async #close(done: Promise<void>): Promise<void> {
    closing(this.#runner)
    await done
    await this.#runner.close()
  }

  #definition(task: unknown) {
    return typeof task === 'string' ? this.#runner.definition(task) : definitionOf(task)
  }

  /** Waits for what the native half makes a waiter ready for. */
  async #until(
    begin: (waiter: number) => void,
    options: WaitOptions | undefined,
    what: string,
  ): Promise<void> {
    const { waiter, ready } = this.#runner.waiters.make()
    try {
      guarded(() => begin(waiter))
      this.#runner.schedule()
      await waitUntil(
        (wake) => {
          ready.then(wake)
          return () => this.#runner.waiters.drop(waiter)
        },
        options,
        () => what,
      )
    } finally {
      this.#runner.waiters.drop(waiter)
    }
  }
}
