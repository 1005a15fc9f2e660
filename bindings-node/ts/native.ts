import { createRequire } from 'node:module'

/** @internal Options as pairs of a name and a value. */
export type Pairs = [string, unknown][]

/** @internal The native half of one engine; src/ says what each call does. */
export interface NativeEngine {
  readonly live: boolean
  readonly durable: boolean
  readonly runs: boolean
  register(name: string, options: Pairs, handler: number): number
  plan(name: string, options: Pairs): number
  checkPlan(plan: number): void
  forgetPlan(plan: number): void
  submit(plan: number, job: number, args: number, text: string | null, unique: string | null): boolean
  submitMany(
    plan: number,
    jobs: number[],
    args: number[],
    texts: string[] | null,
    uniques: string[] | null,
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
  delete(id: string, waiter: number): string | null
  why(id: string, waiter: number): string | null
  stats(waiter: number): string | null
  takeAnswer(waiter: number): string
  attemptFacts(attempt: number): AttemptFacts
  attemptArgs(attempt: number): string
  stopFacts(attempt: number): { kind: 'cancelled' | 'timed_out' | 'shutdown' | 'lost'; reason: string } | null
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
  kind?: string
  message?: string
  traceback?: string
  live?: number
}

/** @internal What a running attempt is. */
export interface AttemptFacts {
  id: string
  task: string
  number: number
  memory: number
  deadline?: number
}

/** @internal What a handler threw. */
export interface Thrown {
  how: 'raised' | 'gave_up' | 'retry' | 'cancelled'
  kind: string
  message: string
  traceback?: string
  live?: number
  delay?: number
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
  exchange(engine: number, numbers: Int32Array, count: number): number
  flush(engine: number, inbox: Int32Array, count: number): void
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
