import { createRequire } from 'node:module'

/** @internal Options as pairs of a name and a value. */
export type Pairs = [string, unknown][]

/** @internal The native half of one engine; src/ says what each call does. */
export interface NativeEngine {
  readonly live: boolean
  readonly durable: boolean
  readonly runs: boolean
  register(name: string, options: Pairs, handler: number, module: string | null): number
  plan(name: string, options: Pairs): number
  checkPlan(plan: number): void
  forgetPlan(plan: number): void
  submitCloned(plan: number, job: number, args: Uint8Array): void
  submitMany(
    plan: number,
    jobs: number[],
    args: number[],
    texts: string[] | null,
    uniques: string[] | null,
    cloned: Uint8Array[] | null,
  ): number[]
  command(program: NativeProgram, options: Pairs, waiter: number): void
  submitStored(plan: number, texts: string[], uniques: string[] | null, waiter: number): void
  takeStored(waiter: number, jobs: number[]): number[]
  readonly number: number
  idOf(job: number): string
  takeEnd(job: number): EndFacts
  info(id: string, logs: boolean): string
  find(id: string, waiter: number): boolean
  retry(id: string, waiter: number): boolean
  askInfo(id: string, logs: boolean, waiter: number): string | null
  list(filter: NativeFilter, page: NativePage, waiter: number): string | null
  count(filter: NativeFilter, waiter: number): string | null
  cancel(id: string, reason: string, waiter: number): string | null
  kill(id: string, reason: string, waiter: number): string | null
  freeze(id: string, waiter: number): string | null
  thaw(id: string, waiter: number): string | null
  delete(id: string, waiter: number): string | null
  why(id: string, waiter: number): string | null
  stats(waiter: number): string | null
  openOutput(id: string, name: string): Promise<Opened>
  takeAnswer(waiter: number): string
  attemptFacts(attempt: number): AttemptFacts
  attemptArgs(attempt: number): string
  stopFacts(attempt: number): StopFacts | null
  progress(attempt: number, percent: number, message: string | null): void
  log(attempt: number, level: string, message: string): void
  checkpoint(attempt: number): string | null
  saveCheckpoint(attempt: number, text: string): void
  pause(attempt: number, job: number): void
  resume(attempt: number): void
  returnedText(attempt: number, text: string): void
  threw(attempt: number, thrown: Thrown): void
  listen(id: string | null): number
  nextEvent(listener: number, waiter: number): string | null
  unlisten(listener: number): void
  drained(waiter: number): void
  backup(path: string, waiter: number): void
  takeFault(waiter: number): void
  shutdown(grace: unknown, waiter: number): void
  advance(seconds: number): void
  release(): void
  prepareProcesses(args: string[], env: [string, string][]): void
  announceWorker(worker: number): number
  workerEnded(worker: number, key: number, how: Thrown): boolean
  isDismissed(worker: number): boolean
  staff(): void
  thin(): boolean
}

/** @internal What asks and says for a job that runs elsewhere; src/worker.rs says what each call does. */
export interface NativeDesk {
  module(handler: number): string | null
  args(): Uint8Array
  argsText(): string
  returned(bytes: Uint8Array): void
  returnedText(text: string): void
  threw(thrown: Thrown, bytes: Uint8Array | null): void
  replace(): void
  attemptFacts(): AttemptFacts
  stopFacts(): StopFacts | null
  progress(percent: number, message: string | null): void
  log(level: string, message: string): void
  checkpoint(): string | null
  saveCheckpoint(text: string): void
}

/** @internal The native half of one worker thread. */
export interface NativeWorker extends NativeDesk {
  readonly live: boolean
  acquit(): void
}

/** @internal The native half of one process that runs jobs; src/child.rs says what each call does. */
export interface NativeChild extends NativeDesk {
  breaks(thrown: Thrown | null): void
  loads(): void
  loaded(): void
}

/** @internal A program with its arguments and what it is given. */
export interface NativeProgram {
  argv: string[]
  cwd: string | undefined
  env: [string, string | undefined][]
  stdin: Uint8Array | undefined
}

/** @internal An end that is more than a number. */
export interface EndFacts {
  exitCode?: number
  signal?: string
  outcome: string
  result?: string
  cloned?: Uint8Array
  file?: NativeSpilled
  kind?: string
  message?: string
  traceback?: string
  live?: number
}

/** @internal A result that is in a file. */
export interface NativeSpilled {
  open(): Promise<Opened>
}

/** @internal Why something wasn't done. */
export interface Refusal {
  code?: string
  message?: string
}

/** @internal What was opened, or why it wasn't. */
export interface Opened extends Refusal {
  reader?: NativeReader
}

/** @internal A result that is read a piece at a time. */
export interface NativeReader {
  read(size: number): Promise<Piece>
  readWhole(): Promise<Piece>
  close(): void
}

/** @internal What was read, or why it wasn't. */
export interface Piece extends Refusal {
  bytes?: Buffer
}

/** @internal What a running attempt is. */
export interface AttemptFacts {
  id: string
  task: string
  number: number
  memory: number
  deadline?: number
}

/** @internal Why an attempt is asked to stop. */
export interface StopFacts {
  kind: 'cancelled' | 'timed_out' | 'over_limit' | 'shutdown' | 'lost'
  reason: string
}

/** @internal What a handler threw, or how the worker that ran it ended. */
export interface Thrown {
  how: 'raised' | 'gave_up' | 'retry' | 'cancelled' | 'crashed' | 'memory_exceeded'
  kind: string
  message: string
  traceback?: string
  live?: number
  delay?: number
  exitCode?: number
}

/** @internal Which jobs are meant. */
export interface NativeFilter {
  states: string[]
  task?: string
  priority?: string
  unique?: string
}

/** @internal Which page of them. */
export interface NativePage {
  order?: string
  limit: number
  offset: number
  cursor?: string
}

interface Binding {
  NativeEngine: new (url: string | null, options: Pairs, wake: () => void, manual: boolean) => NativeEngine
  NativeWorker: new (key: number, wake: () => void) => NativeWorker
  NativeChild: new (wake: () => void) => NativeChild
  childExchange(numbers: Int32Array, bytes: Uint8Array): void
  workerExchange(numbers: Int32Array, bytes: Uint8Array): void
  exchange(engine: number, numbers: Int32Array, count: number, bytes: Uint8Array): number
  flush(engine: number, inbox: Int32Array, count: number, bytes: Uint8Array): void
  checkTask(name: string, options: Pairs): void
  checkOptions(options: Pairs): void
  duration(name: string, value: unknown): number | null
}

/** The names of this platform, as napi-rs uses them: on Linux either C library may be the one. */
function platforms(): string[] {
  const { platform, arch } = process
  if (platform === 'linux') return [`linux-${arch}-gnu`, `linux-${arch}-musl`]
  return platform === 'win32' ? [`win32-${arch}-msvc`] : [`${platform}-${arch}`]
}

/** Loads the module built in this folder, or that of the package for this platform. */
function load(): Binding {
  const require = createRequire(import.meta.url)
  const failures: Error[] = []
  for (const name of platforms().flatMap((name) => [`../bursar.${name}.node`, `bursar-${name}`])) {
    try {
      return require(name) as Binding
    } catch (error) {
      failures.push(error as Error)
    }
  }
  const message =
    `bursar has no native module for ${process.platform} ${process.arch}: ` +
    'install it without --omit=optional, or build it with "npm run build" in bindings-node'
  throw new AggregateError(failures, message)
}

/** @internal The native module. */
export const native: Binding = load()
