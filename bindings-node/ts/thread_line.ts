import { getHeapStatistics } from 'node:v8'
import { packedBytes, packResult, packThrown, unpack, writePacked } from './clone.js'
import { decode, encode } from './codec.js'
import type { Assigned, Line } from './line.js'
import { type AttemptFacts, type NativeWorker, native, type StopFacts, type Thrown } from './native.js'

/** How the last job ended, and what there is instead of a handler, as worker.rs numbers them. */
const How = { nothing: 0, done: 1, returned: 2, noted: 3 } as const

/** Where the arguments are, as worker.rs numbers it. */
const Args = { cloned: 0, long: 1, text: 2 } as const

/** Longer values than this are fetched, or handed over, on their own. */
const BYTES = 1 << 14

/** How often it is looked at how full the heap is, in milliseconds, and how full is too full. */
const LOOK = 1
const FULL = 0.5

/** @internal The line of a worker thread: it shares the engine's memory, and no message is sent at all. */
export class ThreadLine implements Line {
  readonly #native: NativeWorker
  readonly #live: boolean
  /** How the last job ended and how long its result is; then the next handler, and its arguments. */
  readonly #numbers = new Int32Array(3)
  readonly #bytes = Buffer.alloc(BYTES)
  /** When it was looked at how full the heap is. */
  #looked = 0

  /** `wake` is called on this thread's loop. */
  constructor(key: number, wake: () => void) {
    this.#native = new native.NativeWorker(key, wake)
    this.#live = this.#native.live
  }

  next(): Assigned | undefined {
    this.#lookAtHeap()
    const numbers = this.#numbers
    native.workerExchange(numbers, this.#bytes)
    const handler = numbers[0] as number
    numbers[0] = How.nothing
    return handler < 0 ? undefined : { handler, args: () => this.#args() }
  }

  task(handler: number) {
    return { name: this.attemptFacts().task, module: this.#native.module(handler) ?? undefined }
  }

  returned(value: unknown): void {
    if (!this.#live) {
      this.#note(() => this.#native.returnedText(encode(value, 'result')))
    } else if (value === undefined) {
      this.#numbers[0] = How.done
    } else {
      this.#returnedClone(value)
    }
  }

  threw(thrown: Thrown, error: unknown): void {
    const bytes = this.#live ? packThrown(error) : undefined
    this.#note(() => this.#native.threw(thrown, bytes ?? null))
  }

  stopFacts(): StopFacts | null {
    return this.#native.stopFacts()
  }

  acquit(): void {
    this.#native.acquit()
  }

  attemptFacts(): AttemptFacts {
    return this.#native.attemptFacts()
  }

  progress(_: number, percent: number, message: string | null): void {
    this.#native.progress(percent, message)
  }

  log(_: number, level: string, message: string): void {
    this.#native.log(level, message)
  }

  checkpoint(): string | null {
    return this.#native.checkpoint()
  }

  saveCheckpoint(_: number, text: string): void {
    this.#native.saveCheckpoint(text)
  }

  /** What jobs leave in the heap, in time another would run out of memory for: before that, a new one comes. */
  #lookAtHeap(): void {
    const now = performance.now()
    if (now - this.#looked < LOOK) return
    this.#looked = now
    const { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics()
    if (used > limit * FULL) this.#native.replace()
  }

  #note(note: () => void): void {
    note()
    this.#numbers[0] = How.noted
  }

  #returnedClone(value: unknown): void {
    const packed = packResult(value)
    const length = writePacked(packed, this.#bytes, 0)
    if (length < 0) {
      this.#note(() => this.#native.returned(packedBytes(packed)))
    } else {
      this.#numbers[0] = How.returned
      this.#numbers[1] = length
    }
  }

  #args(): unknown[] {
    const [, length, place] = this.#numbers
    if (place === Args.cloned) return unpack(this.#bytes.subarray(0, length))
    if (place === Args.long) return unpack(this.#native.args())
    return decode(this.#native.argsText()) as unknown[]
  }
}
