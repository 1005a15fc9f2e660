import { listOf } from './call.js'
import { unpack, unpackOne } from './clone.js'
import { decode } from './codec.js'
import type { CpuAction, SandboxLevel } from './options.js'
import type { Values } from './values.js'

/**
 * Where a job stands: its time has not come, it waits for other jobs, for its turn or budget, it
 * runs, it waits for its next attempt, and how it ended.
 */
export type State =
  | 'scheduled'
  | 'blocked'
  | 'queued'
  | 'running'
  | 'retrying'
  | 'completed'
  | 'failed'
  | 'cancelled'

/** @internal The states in the order in which the native half numbers them. */
export const STATES: readonly State[] = [
  'scheduled',
  'blocked',
  'queued',
  'running',
  'retrying',
  'completed',
  'failed',
  'cancelled',
]

/** What an attempt ended with. */
export type Outcome =
  | 'completed'
  | 'failed'
  | 'timed_out'
  | 'crashed'
  | 'memory_exceeded'
  | 'lost'
  | 'cancelled'
  | 'released'
  | 'snoozed'

/** What a job needs while it runs. */
export interface Demand {
  /** Bytes. */
  memory: number
  /** Thousandths of a core. */
  cpu: number
  /** Named tokens. */
  tokens: Record<string, number>
}

/** What an attempt may use, where it runs in processes of its own. `null` is no limit. */
export interface Limits {
  /** Bytes. */
  memory: number | null
  /** Thousandths of a core. */
  cpu: number | null
  /** What happens above `cpu`. */
  cpuAction: CpuAction
  /** Seconds of processor time in all. */
  cpuTime: number | null
  /** Open descriptors. */
  files: number | null
  /** Open sockets. */
  connections: number | null
}

/** What an attempt is kept to, where it runs in processes of its own. */
export interface Sandbox {
  /** Whether there is one, and what happens where it can't be had. */
  level: SandboxLevel
  /** What it may write to, besides the folder of its command and a temporary one of its own. */
  write: string[]
  /** Whether it may make sockets. */
  network: boolean
}

/** What of a sandbox an attempt had. */
export interface SandboxParts {
  /** No rights of a superuser, and no program that gives any. */
  noNewPrivs: boolean
  /** The version of Landlock that kept it to its files; `null`: it could write wherever its user may. */
  landlock: number | null
  /** None of the system calls that no job needs, and no sockets. */
  seccomp: boolean
}

/** How far a job says it has come. */
export interface Progress {
  /** From 0 to 100. */
  percent: number
  /** What it is doing. */
  message: string | null
}

/** What went wrong. */
export interface FailureInfo {
  /** The type of what was thrown, such as `TypeError`. */
  type: string
  /** Its message. */
  message: string
  /** Its stack. */
  traceback: string | null
  /** What its process ended with, where it ran in one of its own that returned a code. */
  exitCode: number | null
  /** The signal that ended its process, such as `SIGSEGV`, where one did. */
  signal: string | null
}

/** One line that a job logged. */
export interface LogLine {
  /** When. */
  at: Date
  /** The attempt that logged it. */
  attempt: number
  /** Such as `info`. */
  level: string
  /** The text. */
  message: string
}

/** One attempt of a job. */
export interface AttemptInfo {
  /** From 1. */
  number: number
  /** The worker that ran it. */
  worker: string
  /** When it was started. */
  started: Date
  /** When it ended, where it has. */
  finished: Date | null
  /** What it ended with, where it has. */
  outcome: Outcome | null
  /** What went wrong, where something did. */
  error: FailureInfo | null
  /** The most memory it was seen to use, in bytes, where it is isolated. */
  peakMemory: number | null
  /** The processor time it used, in seconds, where it is isolated. */
  cpuTime: number | null
  /** How its limits were enforced, once it has ended, where it is isolated. */
  isolation: 'cgroup' | 'job_object' | 'rlimit' | 'sampling' | null
  /** What of its sandbox it had, once it has ended, where it was to have one. */
  sandbox: SandboxParts | null
}

/** A result over 10 MB: it is in a file, and read by `job.result()` or `job.openResult()`. */
export class Spilled {
  /** Bytes of JSON text. */
  readonly size: number
  /** Their checksum, as 64 hexadecimal digits. */
  readonly sha256: string
  /** How the text begins: its first 1,024 bytes. */
  readonly preview: string

  /** @internal */
  constructor({ size, sha256, preview }: Spilled) {
    this.size = size
    this.sha256 = sha256
    this.preview = preview
  }
}

/** One snapshot of a job. */
export interface JobInfo {
  /** The id: also the idempotency key to pass on. */
  id: string
  /** The name of the task. */
  task: string
  /** Where it stands. */
  state: State
  /** Its priority. */
  priority: 'critical' | 'high' | 'normal' | 'low'
  /** What it needs while it runs. */
  demand: Demand
  /** What an attempt may use, where it runs in processes of its own. */
  limits: Limits
  /** What it is to be kept to; `null` where neither its submit nor its task said. */
  sandbox: Sandbox | null
  /** Its arguments; live ones are let go when it completes, and then this is `undefined`. */
  args: unknown[] | undefined
  /** The number of the newest attempt; 0 before the first. */
  attempt: number
  /** Attempts after the first, where one fails. */
  retries: number
  /** When it was submitted. */
  created: Date
  /** When it may run, where it is delayed or waits for its next attempt. */
  scheduled: Date | null
  /** When its newest attempt started. */
  started: Date | null
  /** When it ended for good. */
  finished: Date | null
  /** What it last said of its progress. */
  progress: Progress | null
  /** What it returned, once completed; a {@link Spilled} where that is over 10 MB of JSON. */
  result: unknown
  /** What went wrong last. */
  error: FailureInfo | null
  /** What it ended with. */
  outcome: Outcome | null
  /** The worker of its newest attempt. */
  worker: string | null
  /** The ids of jobs that it waits for. */
  waitingOn: string[]
  /** Its unique key. */
  unique: string | null
  /** Whether it is a daemon. */
  daemon: boolean
  /** The id of the dead letter that it is a retry of. */
  retryOf: string | null
  /** Its attempts, oldest first. */
  attempts: AttemptInfo[]
}

/** What there is of something, and what is taken. */
export interface Share {
  /** In all. */
  total: number
  /** What running jobs have reserved. */
  reserved: number
  /** What is really used, where that is measured; else what is reserved. */
  used: number
}

/** An engine at one moment. */
export interface Stats {
  /** How many jobs are in each state. */
  jobs: Record<State, number>
  /** Memory in bytes, cpu in thousandths of a core, and each token. */
  budget: { memory: Share; cpu: Share; tokens: Record<string, Share> }
  /** Jobs at once, of each executor. */
  concurrency: Record<string, Share>
  /** Why nothing is started for now, if so. */
  paused: string | null
}

/** One thing that a job waits for; `text` says it in words. */
export type Reason = { text: string } & (
  | { kind: 'running' }
  | { kind: 'frozen' }
  | { kind: 'ended'; state: State }
  | { kind: 'time'; until: Date; left: number; retry: boolean }
  | { kind: 'paused'; why: string }
  | { kind: 'notHere'; why: string }
  | {
      kind: 'budget'
      dimension: string
      needs: number
      free: number
      total: number
      heldBy: { job: string; task: string; amount: number }[]
    }
  | { kind: 'behind'; jobs: number; escrow: boolean }
)

/** Why a job isn't running; as text, such as in a template, it is {@link Why.text}. */
export interface Why {
  /** Its state. */
  state: State
  /** All of it in words. */
  text: string
  /** What it waits for. */
  reasons: Reason[]
}

type Held = { json: unknown } | { live: number } | { cloned: string } | { spilled: Spilled } | null
type Raw = Record<string, unknown> & { attempts: Record<string, unknown>[]; logs: Record<string, unknown>[] }

/** @internal The snapshot in this JSON text. */
export function readInfo(text: string, values: Values): JobInfo {
  return reviveInfo(decode(text) as Raw, values)
}

/** @internal The log lines in the JSON text of a snapshot. */
export function readLogs(text: string): LogLine[] {
  return (decode(text) as Raw).logs.map((line) => dated(line, ['at']) as unknown as LogLine)
}

/** @internal A snapshot with its dates and live values. */
export function reviveInfo(raw: Raw, values: Values): JobInfo {
  const { logs: _, ...rest } = dated(raw, ['created', 'scheduled', 'started', 'finished'])
  return {
    ...rest,
    args: argsOf(raw.args as Held, values),
    result: value(raw.result as Held, values),
    attempts: raw.attempts.map((attempt) => dated(attempt, ['started', 'finished'])),
  } as unknown as JobInfo
}

/** @internal Why, with its dates. */
export function readWhy(text: string): Why {
  const why = decode(text) as { text: string; reasons: Record<string, unknown>[] }
  const read = { ...why, reasons: why.reasons.map((reason) => dated(reason, ['until'])) }
  // Beside its properties, so that neither a comparison nor a copy of them finds a function.
  return Object.defineProperty(read, 'toString', { value: () => why.text }) as unknown as Why
}

/** @internal The same object with the named times, in milliseconds, as dates. */
export function dated<T extends Record<string, unknown>>(raw: T, names: readonly string[]): T {
  const copy: Record<string, unknown> = { ...raw }
  for (const name of names) {
    const time = raw[name]
    if (typeof time === 'number') copy[name] = new Date(time)
  }
  return copy as T
}

/** Arguments are a list; where they were let go there is nothing. */
function argsOf(held: Held, values: Values): unknown[] | undefined {
  if (held === null) return undefined
  if ('cloned' in held) return unpack(Buffer.from(held.cloned, 'latin1'))
  return 'live' in held ? listOf(values.get(held.live)) : ((held as { json: unknown }).json as unknown[])
}

function value(held: Held, values: Values): unknown {
  if (held === null) return undefined
  if ('cloned' in held) return unpackOne(Buffer.from(held.cloned, 'latin1'))
  if ('spilled' in held) return new Spilled(held.spilled)
  return 'live' in held ? values.get(held.live) : held.json
}
