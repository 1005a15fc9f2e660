import type { AttemptFacts, StopFacts, Thrown } from './native.js'

/**
 * @internal What a running attempt can ask and say, by its number: of the engine here, or of the one that it
 * is run for somewhere else.
 */
export interface Desk {
  attemptFacts(attempt: number): AttemptFacts
  progress(attempt: number, percent: number, message: string | null): void
  log(attempt: number, level: string, message: string): void
  checkpoint(attempt: number): string | null
  saveCheckpoint(attempt: number, text: string): void
}

/** @internal A job for the child at the other end of a line. */
export interface Assigned {
  /** The number of its function: the same one for all jobs of a task. */
  readonly handler: number
  /** Its arguments, once. */
  args(): unknown[]
}

/**
 * @internal The line between an engine and a child that runs its jobs, one at a time, as the child sees it.
 * What it is made of, memory that both see or a pipe, is its own business.
 */
export interface Line extends Desk {
  /**
   * Reports how the last job ended, where there was one, and takes the next; `undefined` where there is none
   * now. Then, and when the job is asked to stop, the line wakes the child.
   */
  next(): Assigned | undefined
  /** The name of the task with this function, and the URL of its module. It has a job now. */
  task(handler: number): { name: string; module: string | undefined }
  /** The module of the job is about to be loaded, which is no part of it. */
  loads(): void
  /** It was loaded, well or not, and the job begins. */
  loaded(): void
  /** Notes how the job ended, for `next`. What it returned may be refused: then it throws. */
  returned(value: unknown): void
  threw(thrown: Thrown, error: unknown): void
  /** Why the job is asked to stop, if it is. */
  stopFacts(): StopFacts | null
  /** What breaks this child from now on until the next job is the fault of an earlier one. */
  acquit(): void
  /** What breaks this child is the fault of its job, which threw this. */
  blame(thrown: Thrown): void
}
