/** @internal No value has this number. */
export const NONE = -1

/** Whole numbers from 1 to this one have numbers of their own, and nothing is kept of them. */
const LARGEST = 2 ** 30 - 1

/**
 * @internal Live objects by number. The native half holds numbers and says when it lets one go, so
 * that no thread but this one ever touches an object. Small whole numbers, which ids and counts are, need
 * no place here: their numbers, below {@link NONE}, say what they are, and the native half lets go of
 * none of them.
 */
export class Values {
  #slots: unknown[] = []
  #free: number[] = []

  /** Keeps a value and gives its number. */
  put(value: unknown): number {
    if (isSmall(value)) return NONE - value
    const number = this.#free.pop()
    if (number !== undefined) {
      this.#slots[number] = value
      return number
    }
    return this.#slots.push(value) - 1
  }

  /** The value with this number. */
  get(number: number): unknown {
    return number < NONE ? NONE - number : this.#slots[number]
  }

  /** Lets go of the value with this number. */
  release(number: number): void {
    this.#slots[number] = undefined
    this.#free.push(number)
  }

  /** How many values are kept. */
  get size(): number {
    return this.#slots.length - this.#free.length
  }
}

/** Zero is left out: there are two of it. */
function isSmall(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= LARGEST && (value | 0) === value
}
