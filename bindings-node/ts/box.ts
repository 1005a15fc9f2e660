import { type Packed, writePacked } from './clone.js'

/** Operations in the inbox, as exchange.rs numbers them. */
const In = { submit: 1, return: 2, done: 3, submitCloned: 4 } as const

/** Numbers that each box begins with: some hundred operations at a time. */
const NUMBERS = 4_096

/** Numbers of the longest operation. */
const LONGEST = 4

/** So many bytes there is room for, once there are any. */
const BYTES = 1 << 16

const NOTHING = Buffer.alloc(0)

/**
 * @internal What goes to the native half in one call, and what comes back: operations as numbers, and the
 * bytes of values for and of other threads.
 */
export class Box {
  numbers = new Int32Array(NUMBERS)
  bytes: Buffer = NOTHING
  #used = 0
  #bytesUsed = 0

  /** How many of the numbers are in use. */
  get used(): number {
    return this.#used
  }

  /** A call with live arguments. */
  submit(plan: number, job: number, args: number): void {
    this.#post(In.submit, plan, job, args)
  }

  /** A call for another thread; `false` where there is no room for its arguments. */
  submitCloned(plan: number, job: number, args: Packed): boolean {
    if (this.bytes === NOTHING) this.bytes = Buffer.alloc(BYTES)
    const length = writePacked(args, this.bytes, this.#bytesUsed)
    if (length < 0) return false
    this.#bytesUsed += length
    this.#post(In.submitCloned, plan, job, length)
    return true
  }

  /** A handler returned this value. */
  return(attempt: number, value: number): void {
    this.#post(In.return, attempt, value)
  }

  /** A handler returned nothing. */
  done(attempt: number): void {
    this.#post(In.done, attempt)
  }

  /** Empties it; how many of the numbers were in use. */
  empty(): number {
    const used = this.#used
    this.#used = 0
    this.#bytesUsed = 0
    return used
  }

  #post(operation: number, a: number, b?: number, c?: number): void {
    if (this.#used + LONGEST > this.numbers.length) this.#grow()
    const { numbers } = this
    let at = this.#used
    numbers[at++] = operation
    numbers[at++] = a
    if (b !== undefined) numbers[at++] = b
    if (c !== undefined) numbers[at++] = c
    this.#used = at
  }

  #grow(): void {
    const larger = new Int32Array(this.numbers.length * 2)
    larger.set(this.numbers)
    this.numbers = larger
  }
}
