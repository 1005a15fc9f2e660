import { getHeapStatistics } from 'node:v8'
import { packedBytes, packResult, packThrown, unpack, writePacked } from './clone.js'
import { decode, encode } from './codec.js'
import type { Assigned, Line } from './line.js'
import type { AttemptFacts, NativeDesk, StopFacts, Thrown } from './native.js'

/** How the last job ended, and what there is instead of a handler, as turn.rs numbers them. */
const How = { nothing: 0, done: 1, returned: 2, noted: 3 } as const

/** Where the arguments are, as turn.rs numbers it. */
const Args = { cloned: 0, long: 1, text: 2 } as const

/** There is no job, and never will be. */
const NEVER = -2

/** Longer values than this are fetched, or handed over, on their own. */
const BYTES = 1 << 14

/** How often it is looked at how full the heap is, in milliseconds, and how full is too full. */
const LOOK = 1
const FULL = 0.5

/** @internal A line whose other end the native half knows. */
export abstract class NativeLine implements Line {
  readonly #native: NativeDesk
  readonly #live: boolean
  /**
   * How the last job ended, how long its result is, and by how much it has grown where that is measured; then the
   * next handler, its arguments, and the end of the job's id.
   */
  readonly #numbers = new Int32Array(4)
  readonly #bytes = Buffer.alloc(BYTES)
  /** When it was looked at how full the heap is. */
  #looked = 0

  /** `live` says whether arguments and results are passed on without being made JSON. */
  constructor(desk: NativeDesk, live: boolean) {
    this.#native = desk
    this.#live = live
  }

  /** The call that each turn is. */
  protected abstract exchange(numbers: Int32Array, bytes: Uint8Array): void

  next(): Assigned | undefined {
    this.#lookAtHeap()
    const numbers = this.#numbers
    if (numbers[0] !== How.nothing) numbers[3] = this.grown()
    this.exchange(numbers, this.#bytes)
    const [handler, , , id] = numbers as unknown as [number, number, number, number]
    numbers[0] = How.nothing
    if (handler < 0) {
      this.idle(handler === NEVER)
      return undefined
    }
    this.began(handler, id)
    return { handler, args: () => this.#args() }
  }

  /** By how many KiB the memory has grown at most for the job; 0 where it isn't measured. */
  protected grown(): number {
    return 0
  }

  /** There is no job now; `ever` says whether there will never be another. */
  protected idle(_ever: boolean): void {}

  /** There is a job of this function now, whose id ends with these 32 bits. */
  protected began(_handler: number, _id: number): void {}

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

  abstract loads(): void

  abstract loaded(): void

  abstract acquit(): void

  abstract blame(thrown: Thrown): void

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
