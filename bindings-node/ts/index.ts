/**
 * Background jobs inside your program, within a budget: wrap a function with {@link task}, submit
 * it, and it runs when its priority comes and the budget can carry it.
 *
 * @packageDocumentation
 */
export type { CommandOptions, CommandOutput } from './command.js'
export { type CurrentJob, currentJob } from './current.js'
export { Engine, type ShutdownOptions } from './engine.js'
export {
  BursarError,
  Cancel,
  type ErrorCode,
  Fail,
  JobFailed,
  type JobFailedCode,
  Retry,
  TimeoutError,
} from './errors.js'
export type { JobEvent, LimitEvent, LogEvent, MissedEvent, ProgressEvent, StateEvent } from './events.js'
export {
  type AttemptInfo,
  type Demand,
  type FailureInfo,
  type JobInfo,
  type Limits,
  type LogLine,
  type Outcome,
  type Progress,
  type Reason,
  type Sandbox,
  type SandboxParts,
  type Share,
  Spilled,
  type State,
  type Stats,
  type Why,
} from './info.js'
export type { Job } from './job.js'
export type {
  CpuAction,
  DeclaredAnywhere,
  DeclaredInModule,
  Duration,
  EngineOptions,
  ExecutorName,
  JobFilter,
  JobQuery,
  LimitOptions,
  Priority,
  SandboxLevel,
  SandboxOptions,
  Size,
  TaskDeclaration,
  TaskOptions,
  WaitOptions,
} from './options.js'
export type { JobPage } from './query.js'
export { type Task, task } from './task.js'
