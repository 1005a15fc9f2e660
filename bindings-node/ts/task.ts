import { currentRunner, parkedInWorker } from './context.js'
import { type Definition, define, type Handler, refine } from './definition.js'
import { BursarError } from './errors.js'
import type { Job } from './job.js'
import type { TaskDeclaration, TaskOptions } from './options.js'

/**
 * A registered function: a plain call stays a plain call, {@link Task.submit} makes a job of it.
 * `Args` are its arguments, `Result` is what its jobs give.
 */
export interface Task<Args extends unknown[], Result, Returned = Result | Promise<Result>> {
  /** Calls the function here and now. */
  (...args: Args): Returned
  /** The stable name: what is stored with its jobs. */
  readonly name: string
  /**
   * Submits a call to the engine of the job that this runs in, else to the engine that was opened
   * last and isn't shut down, else to one that is made for tasks without one, on `BURSAR_URL` or in
   * memory. The job is accepted once this resolves.
   *
   * @throws BursarError `BudgetExceeded` where it could never run; `Closed` where the engine is;
   * `Conflict` where another task has its name; `Invalid` for arguments that JSON can't carry,
   * where they are encoded.
   */
  submit(...args: Args): Promise<Job<Result>>
  /** Submits many calls, all of them or none, in one round trip to the store. */
  submitMany(calls: Iterable<Readonly<Args>>): Promise<Job<Result>[]>
  /**
   * The same task with other options over its own.
   *
   * @throws BursarError `Invalid` for an unknown option or a value out of range.
   */
  options(options: TaskOptions<Args>): Task<Args, Result, Returned>
}

/** Where a task keeps its definition. */
const DEFINITION = Symbol('bursar.definition')

interface Defined {
  [DEFINITION]: Definition
}

/** @internal The definition of a task. */
export function definitionOf(task: unknown): Definition {
  const definition = (task as Partial<Defined> | null | undefined)?.[DEFINITION]
  if (definition) return definition
  throw new BursarError('Invalid', `${typeof task} is not a task: pass what task() gave, or the name of one`)
}

/** What every task can do. */
const methods = {
  submit(this: Defined, ...args: unknown[]) {
    return parkedInWorker() ?? currentRunner().submit(this[DEFINITION], args)
  },
  async submitMany(this: Defined, calls: Iterable<readonly unknown[]>) {
    return parkedInWorker() ?? currentRunner().submitMany(this[DEFINITION], calls)
  },
  options(this: Defined, options: Record<string, unknown>) {
    return callable(refine(this[DEFINITION], options))
  },
}
Object.setPrototypeOf(methods, Function.prototype)

function callable(definition: Definition): unknown {
  const { handler, name } = definition
  const task = (...args: unknown[]) => handler(...args)
  Object.defineProperty(task, 'name', { value: name, configurable: true })
  Object.defineProperty(task, DEFINITION, { value: definition })
  return Object.setPrototypeOf(task, methods)
}

/**
 * Makes a task of a function. Jobs of it run on the main loop: what it awaits leaves room for
 * others, what it computes doesn't. With `executor: 'thread'` they run in worker threads, with `'process'` in
 * processes, which import `module` to find the function by its name.
 *
 * @param name Its stable name, 1 to 200 bytes: what is stored with its jobs.
 * @param options What its jobs need and how they are run.
 * @param handler The function.
 * @throws BursarError `Invalid` for a bad name, an unknown option or a value out of range, and for a module
 * that workers could not import.
 */
export function task<Args extends unknown[], Returned>(
  name: string,
  options: TaskDeclaration<NoInfer<Args>>,
  handler: (...args: Args) => Returned,
): Task<Args, Awaited<Returned>, Returned>
export function task<Args extends unknown[], Returned>(
  name: string,
  handler: (...args: Args) => Returned,
): Task<Args, Awaited<Returned>, Returned>
export function task(name: string, ...rest: unknown[]): unknown {
  const handler = rest.pop()
  if (typeof name !== 'string') {
    throw new BursarError('Invalid', `a task's name must be text: ${typeof name} was given`)
  }
  if (typeof handler !== 'function') {
    throw new BursarError(
      'Invalid',
      `task ${JSON.stringify(name)} needs a function: ${typeof handler} was given`,
    )
  }
  return callable(define(name, (rest[0] ?? {}) as Record<string, unknown>, handler as Handler))
}
