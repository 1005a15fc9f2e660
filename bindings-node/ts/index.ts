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
export type { JobEvent, LogEvent, MissedEvent, ProgressEvent, StateEvent } from './events.js'
export type {
  AttemptInfo,
  Demand,
  FailureInfo,
  JobInfo,
  LogLine,
  Outcome,
  Progress,
  Reason,
  Share,
  State,
  Stats,
  Why,
} from './info.js'
export type { Job } from './job.js'
export type {
  Duration,
  EngineOptions,
  ExecutorName,
  JobFilter,
  JobQuery,
  Priority,
  Size,
  TaskOptions,
  WaitOptions,
} from './options.js'
export type { JobPage } from './query.js'
export { type Task, task } from './task.js'
