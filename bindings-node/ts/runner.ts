import { AsyncResource } from 'node:async_hooks'
import { Box } from './box.js'
import { type Args, argsOf, listOf, readCalls } from './call.js'
import { type Packed, packArgs, packedBytes, unpackOne } from './clone.js'
import { decode, encode, encodeArgs } from './codec.js'
import { Running } from './current.js'
import {
  attendDefinitions,
  type Definition,
  type Elsewhere,
  findDefinition,
  type Handler,
  type KeyOf,
} from './definition.js'
import { BursarError, guarded, translate } from './errors.js'
import { hold, release } from './hold.js'
import { STATES, type State } from './info.js'
import { decodeResult, Job, markDeduplicated, safeId } from './job.js'
import { type EndFacts, type NativeEngine, type NativeProgram, native, type Pairs } from './native.js'
import { Plans } from './plans.js'
import { Pool } from './pool.js'
import { classify, gaveUp, Place } from './run.js'
import { NONE, Values } from './values.js'
import { NOBODY, Waiters } from './waiters.js'

/** Operations in the outbox, as exchange.rs numbers them. */
const Out = {
  start: 1,
  stop: 2,
  end: 3,
  ready: 4,
  release: 5,
  more: 6,
  hire: 7,
  dismiss: 8,
  look: 9,
} as const

/** What an end brings. */
const Brings = { nothing: 0, live: 1, details: 2, cloned: 3 } as const

/** So many turns in a row before the loop's timers and sockets get theirs. */
const TURNS = 64

/** Jobs run where no other job's, and no submitter's, asynchronous context is. */
const outside = new AsyncResource('bursar')

const settled = Promise.resolve()

const only = (jobs: Job[]) => jobs[0] as Job

/**
 * @internal What drives one engine: it hands calls to the native half, runs what that assigns, and
 * reports ends, many at a time. It decides nothing.
 */
export class Runner {
  readonly #native: NativeEngine
  /** The number by which the native module knows this engine. */
  readonly #number: number
  readonly values = new Values()
  /** Whether arguments and results are passed on as they are. */
  readonly live: boolean
  /** Whether it runs jobs, or only submits them. */
  readonly runs: boolean
  /** Whether it has begun to shut down. */
  closing = false
  /** Whether it was shut down to the end. */
  closed = false
  readonly #plans: Plans
  readonly #jobs: (Job | undefined)[] = []
  readonly #freeJobs: number[] = []
  readonly #places: Place[] = []
  readonly waiters = new Waiters(() => this.schedule())
  /** Ends its attention to tasks that are defined. */
  #unattend = () => {}
  /** Submits under way. */
  readonly #storing = new Set<Promise<unknown>>()
  #unfinished = 0
  #scheduled = false
  #turns = 0
  /** What is to be reported; the next exchange fills it with what is to be done. */
  #inbox = new Box()
  /** What is being done; the next inbox. */
  #outbox = new Box()
  readonly #pool = new Pool(
    () => this.native,
    () => this.schedule(),
  )

  constructor(url: string | null, options: Pairs, manual = false) {
    this.#native = guarded(() => new native.NativeEngine(url, options, this.#drain, manual))
    this.#number = this.#native.number
    this.live = this.#native.live
    this.runs = this.#native.runs
    this.#plans = new Plans(this.#native)
    if (this.#native.durable && this.runs) this.#takeOver()
  }

  /** Runs what the store holds: the process stays alive until that is done. */
  #takeOver(): void {
    this.#unattend = attendDefinitions((definition) => this.#plans.learn(definition))
    const { waiter, ready } = this.waiters.make()
    hold()
    ready.then(release)
    this.#native.drained(waiter)
    this.schedule()
  }

  /** The native half, which knows of everything that was asked of it so far. */
  get native(): NativeEngine {
    if (this.#inbox.used > 0) this.#flush()
    return this.#native
  }

  /** Submits a call. */
  submit(definition: Definition | Elsewhere, args: unknown[]): Promise<Job> {
    try {
      const plan = this.#plans.of(definition)
      const { isolated, keyOf } = definition
      if (this.#canPost(keyOf)) {
        return Promise.resolve(
          isolated ? this.#postCloned(plan, packArgs(args)) : this.#postCall(plan, argsOf(args)),
        )
      }
      if (this.#native.durable) return this.#submitStored(plan, [args], keyOf).then(only)
      return Promise.resolve(only(this.#submitAll(plan, [args], definition)))
    } catch (error) {
      return Promise.reject(translate(error))
    }
  }

  /** Submits many calls of one task, all of them or none. */
  async submitMany(definition: Definition | Elsewhere, calls: Iterable<readonly unknown[]>): Promise<Job[]> {
    // All are read before the first is posted: reading them may run code of the program, which may throw.
    const all = readCalls(calls)
    const plan = guarded(() => this.#plans.of(definition))
    const { isolated, keyOf } = definition
    if (this.#native.durable) return this.#submitStored(plan, all.map(listOf), keyOf)
    if (!this.#canPost(keyOf)) return this.#submitAll(plan, all.map(listOf), definition)
    const packed = isolated ? all.map((args) => packArgs(listOf(args))) : undefined
    const jobs: Job[] = []
    if (packed) for (const args of packed) jobs.push(this.#postCloned(plan, args))
    else for (const args of all) jobs.push(this.#postCall(plan, args))
    this.#flush()
    return jobs
  }

  /** The task with this name: one that this engine knows, or the last one defined; else that of others. */
  definition(name: string): Definition | Elsewhere {
    const known = this.#plans.find(name) ?? findDefinition(name)
    return known ?? { name, handler: undefined, keyOf: undefined, isolated: false }
  }

  /** The answer to a question: what `question` gives, or what the native half has once the waiter is ready. */
  async ask(question: (waiter: number) => string | null): Promise<string> {
    const begin = (waiter: number) => {
      const answer = question(this.closed ? NOBODY : waiter)
      return answer === null ? undefined : () => answer
    }
    return this.waiters.later(begin, (waiter) => this.native.takeAnswer(waiter))
  }

  /** A handle on a job that `begin` has the native half look for: it says whether it is there at once. */
  follow(begin: (waiter: number) => boolean): Promise<Job> {
    const take = (waiter: number) => only(this.#takeStored(waiter, 1))
    const look = (given: number) => {
      const waiter = this.closed ? NOBODY : given
      return begin(waiter) ? () => take(waiter) : undefined
    }
    return this.#store(this.waiters.later(look, take))
  }

  /** Gives the slot of an attempt back while it waits for a job; gives what ends that. */
  pause(running: Running, job: number): () => void {
    const { awaited, number } = running
    if (awaited.size === 0) guarded(() => this.native.pause(number, job))
    awaited.add(job)
    this.schedule()
    return () => {
      awaited.delete(job)
      if (running.over || awaited.size > 0) return
      this.#native.resume(number)
      this.schedule()
    }
  }

  /** Looks at what the native half has, soon. */
  schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    if (this.#turns < TURNS) {
      this.#turns += 1
      settled.then(this.#drain)
    } else {
      this.#turns = 0
      setImmediate(this.#drain)
    }
  }

  /** Begins to shut down; the waiter is made ready when that is done. */
  shutdown(grace: unknown, waiter: number): void {
    this.native.shutdown(grace, waiter)
    this.closing = true
  }

  /** Lets go of the native half, once it is closed, and of its workers. */
  async close(): Promise<void> {
    await this.#pool.close()
    this.closed = true
    this.#unattend()
    this.#drain()
    this.native.release()
    this.waiters.wakeAll()
  }

  /** Whether calls can't be refused any more, nor be an earlier job: they go with the next exchange. */
  #canPost(keyOf: KeyOf | undefined): boolean {
    return this.live && keyOf === undefined && !this.closing
  }

  #postCall(plan: number, args: Args): Job {
    const job = this.#newJob()
    this.#inbox.submit(plan, job._number, this.values.put(args))
    this.#begun()
    return job
  }

  #postCloned(plan: number, args: Packed): Job {
    const job = this.#newJob()
    if (!this.#inbox.submitCloned(plan, job._number, args)) this.#submitLong(plan, job, args)
    this.#begun()
    return job
  }

  /** What has no room beside what is to be submitted before may have some after that, or goes alone. */
  #submitLong(plan: number, job: Job, args: Packed): void {
    const { native } = this
    if (this.#inbox.submitCloned(plan, job._number, args)) return
    native.submitCloned(plan, job._number, packedBytes(args))
  }

  #submitAll(plan: number, lists: readonly unknown[][], definition: Definition | Elsewhere): Job[] {
    const { isolated, keyOf } = definition
    const texts = this.live ? null : lists.map(encodeArgs)
    const cloned = this.live && isolated ? lists.map((list) => packedBytes(packArgs(list))) : null
    const keys = keyOf ? lists.map((args) => keyOf(args)) : null
    const args = texts || cloned ? [] : lists.map((list) => this.values.put(argsOf(list)))
    const jobs = lists.map(() => this.#newJob())
    try {
      const numbers = jobs.map((job) => job._number)
      const earlier = this.native.submitMany(plan, numbers, args, texts, keys, cloned)
      for (const place of earlier) markDeduplicated(jobs[place])
    } catch (error) {
      for (const job of jobs) this.#dropJob(job)
      throw translate(error)
    }
    for (const _ of jobs) this.#begun()
    return jobs
  }

  /** Submits to a store that answers later: the loop goes on, and the process stays, until it does. */
  #submitStored(plan: number, lists: readonly unknown[][], keyOf: KeyOf | undefined): Promise<Job[]> {
    const texts = lists.map(encodeArgs)
    const keys = keyOf ? lists.map((args) => keyOf(args)) : null
    const begin = (waiter: number) => {
      this.native.submitStored(plan, texts, keys, waiter)
      return undefined
    }
    return this.#store(this.waiters.later(begin, (waiter) => this.#takeStored(waiter, lists.length)))
  }

  /** Submits a program. */
  command(program: NativeProgram, options: Pairs): Promise<Job> {
    const begin = (waiter: number) => {
      this.native.command(program, options, waiter)
      return undefined
    }
    return this.#store(this.waiters.later(begin, (waiter) => only(this.#takeStored(waiter, 1))))
  }

  /** A submit is under way. */
  #store<Value>(stored: Promise<Value>): Promise<Value> {
    this.#storing.add(stored)
    const forget = () => this.#storing.delete(stored)
    stored.then(forget, forget)
    return stored
  }

  #takeStored(waiter: number, count: number): Job[] {
    const jobs = Array.from({ length: count }, () => this.#newJob())
    try {
      const numbers = jobs.map((job) => job._number)
      for (const place of this.native.takeStored(waiter, numbers)) markDeduplicated(jobs[place])
    } catch (error) {
      for (const job of jobs) this.#dropJob(job)
      throw translate(error)
    }
    for (const _ of jobs) this.#begun()
    return jobs
  }

  /** Until what was submitted before is stored, or refused. */
  async stored(): Promise<void> {
    if (this.#storing.size > 0) await Promise.allSettled(this.#storing)
  }

  #flush(): void {
    const box = this.#inbox
    try {
      native.flush(this.#number, box.numbers, box.empty(), box.bytes)
    } catch (error) {
      this.#broken(error)
    }
  }

  #newJob(): Job {
    const number = this.#freeJobs.pop() ?? this.#jobs.length
    const job = new Job(this, number)
    this.#jobs[number] = job
    return job
  }

  #dropJob(job: Job): void {
    this.#jobs[job._number] = undefined
    this.#freeJobs.push(job._number)
  }

  /** One more unfinished job: while there is one, the process stays alive. */
  #begun(): void {
    this.#unfinished += 1
    if (this.#unfinished === 1 && this.runs) hold()
    this.schedule()
  }

  #finished(): void {
    this.#unfinished -= 1
    if (this.#unfinished === 0 && this.runs) release()
  }

  readonly #drain = (): void => {
    this.#scheduled = false
    outside.runInAsyncScope(this.#turn, this)
  }

  #turn(): void {
    try {
      const box = this.#inbox
      this.#inbox = this.#outbox
      this.#outbox = box
      const used = box.empty()
      this.#apply(box, native.exchange(this.#number, box.numbers, used, box.bytes))
    } catch (error) {
      this.#broken(error)
    }
  }

  #apply({ numbers, bytes }: Box, length: number): void {
    let at = 0
    let read = 0
    const next = () => numbers[at++] as number
    const take = (length: number) => {
      read += length
      return bytes.subarray(read - length, read)
    }
    while (at < length) {
      switch (next()) {
        case Out.start:
          this.#start(next(), next(), next())
          break
        case Out.stop:
          this.#stop(next())
          break
        case Out.end:
          this.#end(next(), next(), next(), next(), next(), next(), next(), next(), take)
          break
        case Out.ready:
          this.waiters.wake(next())
          break
        case Out.release:
          this.values.release(next())
          break
        case Out.hire:
          this.#pool.hire(next(), next())
          break
        case Out.dismiss:
          this.#pool.dismiss(next())
          break
        case Out.look:
          this.#pool.look()
          break
        default:
          this.schedule()
      }
    }
  }

  #start(number: number, handler: number, live: number): void {
    this.#places[number] ??= new Place(this)
    const place = this.#places[number] as Place
    const running = new Running(this, number)
    const work = this.#plans.handler(handler) as Handler
    if (live !== NONE) place.run(running, work, this.values.get(live))
    else place.runLater(running, work, () => decode(this.#native.attemptArgs(number)) as unknown[])
  }

  /** A handler returned. */
  returned(running: Running, value: unknown): void {
    const { number } = running
    if (!this.live) this.#note(() => this.#returnedText(number, value))
    else if (value === undefined) this.#inbox.done(number)
    else this.#inbox.return(number, this.values.put(value))
    this.schedule()
  }

  /** A handler threw. */
  threw(running: Running, error: unknown): void {
    const thrown = classify(error)
    if (this.live) thrown.live = this.values.put(error)
    this.#note(() => this.native.threw(running.number, thrown))
    this.schedule()
  }

  /** What JSON can't carry fails its job. */
  #returnedText(attempt: number, value: unknown): void {
    try {
      this.native.returnedText(attempt, encode(value, 'result'))
    } catch (error) {
      this.native.threw(attempt, gaveUp(error))
    }
  }

  #note(end: () => void): void {
    try {
      end()
    } catch (error) {
      this.#broken(error)
    }
  }

  #stop(number: number): void {
    const running = this.#places[number]?.running
    const facts = running && this.native.stopFacts(number)
    if (facts) running.stop(facts.kind, facts.reason)
  }

  #end(
    number: number,
    stateNumber: number,
    brings: number,
    live: number,
    a: number,
    b: number,
    c: number,
    d: number,
    take: (length: number) => Uint8Array,
  ): void {
    const bytes = brings === Brings.cloned ? take(live) : undefined
    const job = this.#jobs[number]
    if (job === undefined) return
    const state = STATES[stateNumber] as State
    job._a = a
    job._b = b
    job._c = c
    job._d = d
    this.#dropJob(job)
    if (bytes) job._end(state, unpackOne(bytes))
    else if (brings === Brings.live) job._end(state, this.values.get(live))
    else if (brings === Brings.nothing) job._end(state, this.live ? undefined : null)
    else this.#endWithFacts(job, state)
    this.#finished()
  }

  #endWithFacts(job: Job, state: State): void {
    const facts = this.native.takeEnd(job._number)
    const cause = this.#causeOf(facts)
    job._end(state, state === 'completed' ? decodeResult(facts) : { facts, cause })
  }

  /** What the handler threw, where that is at hand. */
  #causeOf({ cloned, live }: EndFacts): unknown {
    if (live !== undefined) return this.values.get(live)
    return cloned && unpackOne(cloned)
  }

  /** A fault of ours: whoever waits is told, rather than left to wait for ever. */
  #broken(fault: unknown): void {
    const error = new BursarError('Internal', 'the engine broke: please report this', { cause: fault })
    process.emitWarning(error)
    for (const job of this.#jobs) {
      if (job === undefined) continue
      // Its end brings no id.
      Object.defineProperty(job, 'id', { value: safeId(job) })
      this.#dropJob(job)
      job._end('failed', error)
      this.#finished()
    }
  }
}
