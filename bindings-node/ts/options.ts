/**
 * A time: seconds as a number, or text with a unit such as `'500ms'`, `'10s'`, `'5m'`, `'2h'` or
 * `'7d'`. More than zero and at most a hundred years.
 */
export type Duration = number | string

/**
 * A size: bytes as a whole number, or text with a unit such as `'64MB'` (64,000,000 bytes) or
 * `'64MiB'` (67,108,864 bytes).
 */
export type Size = number | bigint | string

/** Which jobs go first: strictly between priorities, first-in first-out within one. */
export type Priority = 'critical' | 'high' | 'normal' | 'low'

/**
 * What runs a task: `async`, the main loop; `thread`, a pool of worker threads; `process`, a pool of processes,
 * on Linux only; `command`, a program.
 */
export type ExecutorName = 'async' | 'thread' | 'process' | 'command'

/** What happens to an attempt above its limit of cpu. */
export type CpuAction = 'warn' | 'throttle' | 'stop'

/**
 * What the attempts of a job may use, with everything that they start. 0 is 0; `null` is no limit; what
 * is left out is what is reserved for `memory` and `cpu`, and no limit for the others.
 */
export interface LimitOptions {
  /** Memory of all its processes together. */
  memory?: Size | null
  /** Cores, as the average over five seconds. */
  cpu?: number | string | null
  /** What happens above `cpu`; default `'throttle'`, or `'stop'` where `cpu` is 0. */
  cpuAction?: CpuAction | null
  /** Processor time in all. */
  cpuTime?: Duration | null
  /** Descriptors that are open at once. */
  files?: number | null
  /** Sockets that are open at once. */
  connections?: number | null
}

/** Whether an attempt has a sandbox: none, what this system gives of one, or a whole one or no start. */
export type SandboxLevel = 'off' | 'best_effort' | 'required'

/** What the attempts of a job are kept to, with everything that they start. */
export interface SandboxOptions {
  /** Whether there is one, and what happens where it can't be had. */
  level: SandboxLevel
  /** Files and folders, with all that is in them, that it may write to: whole paths. */
  write?: readonly string[] | null
  /** Whether it may make sockets; default `false`. */
  network?: boolean | null
}

/**
 * What a task may set, and what one submit may change by {@link Task.options}. What is left out or
 * `null` comes from the task, then the engine, then the default.
 */
export interface TaskOptions<Args extends unknown[] = never[]> {
  /** Which jobs go first; default `'normal'`. */
  priority?: Priority | null
  /**
   * Memory that is reserved while it runs; default: the engine's `defaultMemory`. With executor `thread` it is
   * also the limit of the worker's JavaScript heap, of 16 MiB at least; with `process`, of what its process
   * takes on top for it, with all that it starts.
   */
  memory?: Size | null
  /** Cores that are reserved while it runs, such as `0.5` or `'500m'`; default none. */
  cpu?: number | string | null
  /** Named tokens that are reserved while it runs, such as `{ gpu: 1 }`; default none. */
  tokens?: Record<string, number> | null
  /** What an attempt may use, where it has processes of its own; default: what is reserved. */
  limits?: LimitOptions | null
  /**
   * What an attempt is kept to, where it has processes of its own: a level, or one with what it may do
   * besides; default: the engine's `defaultSandbox`.
   */
  sandbox?: SandboxLevel | SandboxOptions | null
  /** The longest that one attempt may run; default: the engine's `defaultTimeout`. */
  timeout?: Duration | null
  /** Attempts after the first, where one fails; default 0. */
  retries?: number | null
  /** The delay before the first retry; default 1 s. */
  retryDelay?: Duration | null
  /** How the delay grows: doubling with jitter up to 10 min, or not at all; default `'exponential'`. */
  backoff?: 'exponential' | 'fixed' | null
  /** What runs it; default `'async'`. */
  executor?: Exclude<ExecutorName, 'command'> | null
  /** How long after its submission it may still start; default for ever. */
  expires?: Duration | null
  /** How long its result is kept; default 1 h in memory, 7 days on disk. */
  resultTtl?: Duration | null
  /** How long after its submission it may start at the earliest; default at once. */
  delay?: Duration | null
  /**
   * A key that only one unfinished job may have: a submit meanwhile gives that job. Text in which
   * `{0}` stands for the first argument, `{1}` for the second; or a function of the arguments.
   */
  unique?: string | ((...args: Args) => string) | null
}

/** What {@link task} may be given: the options of its jobs, and where it is declared. */
export type TaskDeclaration<Args extends unknown[] = never[]> = TaskOptions<Args> &
  (DeclaredAnywhere | DeclaredInModule)

/** Where a task is declared that runs on the main loop. */
export interface DeclaredAnywhere {
  /** What runs it. */
  executor?: 'async' | null
  /** The module that declares the task, as {@link DeclaredInModule.module}, for jobs that set another executor. */
  module?: string | URL | null
}

/** Where a task is declared that workers find. */
export interface DeclaredInModule {
  /**
   * The module that declares the task, `import.meta.url` (in CommonJS `__filename`): a `file:` URL or an
   * absolute path. Workers import it to find the function, so executors `thread` and `process` need it.
   */
  module: string | URL
}

/** What an engine may be opened with. */
export interface EngineOptions {
  /** Memory to share out; default 75 % of what this process may use, shared only by tasks that say. */
  memory?: Size | null
  /** Cores to share out; default all of this machine. */
  cpu?: number | string | null
  /** Named tokens to share out, such as `{ gpu: 2 }`; default none. */
  tokens?: Record<string, number> | null
  /** The most jobs at once: one number, or one for each executor; default 100 for `async`; for `thread` `min(32, cores + 4)`, for `process` and `command` the cores. */
  concurrency?: number | Partial<Record<ExecutorName, number>> | null
  /** Memory of a job whose task doesn't say, where `memory` is set; default `'32MB'`. */
  defaultMemory?: Size | null
  /** The timeout of a job whose task doesn't say; default none. */
  defaultTimeout?: Duration | null
  /** The sandbox of a job that doesn't say and has processes of its own; default `'off'`. */
  defaultSandbox?: SandboxLevel | SandboxOptions | null
  /** How long a job that was asked to stop may take before it is given up on; default 5 s. */
  grace?: Duration | null
  /** How long a shutdown waits before it cancels what runs; default 25 s. */
  shutdownGrace?: Duration | null
  /** Whether arguments and results are encoded as JSON in memory too; default `false`. */
  strict?: boolean | null
  /** Whether this engine runs jobs, or only submits them; default `true`. */
  run?: boolean | null
  /** The name of this worker; default the process id. */
  name?: string | null
  /** How many results a `memory:` store keeps; default 10,000. */
  maxResults?: number | null
  /**
   * What an acknowledged change survives in a store on disk: power loss too (`'full'`, the default), or
   * the end of the process only (`'process'`).
   */
  durability?: 'full' | 'process' | null
  /** After how many jobs a process of executor `process` is replaced; default never. */
  maxJobsPerChild?: number | null
  /** How much memory such a process may keep after a job before it is replaced; default any. */
  maxMemoryPerChild?: Size | null
  /** What the engine's random choices start from; default a different one each time. */
  seed?: number | null
}

/** How long to wait, and what stops the waiting. The job itself goes on either way. */
export interface WaitOptions {
  /** The longest to wait; default for ever. */
  timeout?: Duration | null | undefined
  /** Stops the waiting when it is aborted; the wait then rejects with its reason. */
  signal?: AbortSignal | null | undefined
}

/** Which jobs are meant: all that is given must hold. */
export interface JobFilter {
  /** In this state, or in one of these. */
  state?: import('./info.js').State | readonly import('./info.js').State[]
  /** Of the task with this name. */
  task?: string
  /** Of this priority. */
  priority?: Priority
  /** With this unique key. */
  unique?: string
}

/** Which jobs to list, and which page of them. */
export interface JobQuery extends JobFilter {
  /** By submission, the newest or the oldest first; default `'newest'`. */
  order?: 'newest' | 'oldest'
  /** How many at most; default 100. */
  limit?: number
  /** How many to leave out first; default 0. */
  offset?: number
  /** Only those after this one: the `cursor` of the page before. */
  cursor?: string
}
